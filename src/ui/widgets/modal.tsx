import { X } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef } from 'react'
import { useWords } from '../context.tsx'
import { Icon } from './icon.tsx'
import './modal.css'

/** The browser's own modal dialog: it keeps the focus inside, closes on Escape and gives the focus back. */
export function Modal(props: {
  readonly title: string
  readonly onClose: () => void
  readonly wide?: boolean
  readonly bare?: boolean
  readonly children: ReactNode
}) {
  const ref = useRef<HTMLDialogElement>(null)
  const words = useWords()
  const title = useId()
  useEffect(() => {
    const dialog = ref.current
    if (dialog !== null && !dialog.open) dialog.showModal()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a modal dialog by itself; the click is the backdrop's
    <dialog
      ref={ref}
      className={`modal${props.wide === true ? ' modal-wide' : ''}${props.bare === true ? ' modal-bare' : ''}`}
      aria-labelledby={props.bare === true ? undefined : title}
      aria-label={props.bare === true ? props.title : undefined}
      onClose={props.onClose}
      onClick={(e) => {
        if (e.target === ref.current) ref.current?.close()
      }}
    >
      <div className="modal-body">
        {props.bare === true ? null : (
          <div className="modal-head">
            <h2 id={title}>{props.title}</h2>
            <button type="button" className="icon-btn" aria-label={words.app.closeDialog} onClick={() => ref.current?.close()}>
              <Icon of={X} />
            </button>
          </div>
        )}
        {props.children}
      </div>
    </dialog>
  )
}
