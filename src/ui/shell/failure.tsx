import { CircleAlert, X } from 'lucide-react'
import type { InputError } from '../../scenario/document.ts'
import { useApp } from '../context.tsx'
import { usePanelWords } from '../i18n/panel-words.ts'
import { Icon } from '../widgets/icon.tsx'
import './notices.css'

const SHOWN_ERRORS = 8

/** Why something could not be opened: file, line, path, and what was expected. What was open is still there, below. */
export default function FailurePanel() {
  const words = usePanelWords()
  const failure = useApp((s) => s.failure)
  const hasSession = useApp((s) => s.session !== undefined)
  const dismiss = useApp((s) => s.dismissFailure)
  const set = useApp((s) => s.set)
  const openDialog = useApp((s) => s.openDialog)
  if (failure === undefined) return null
  const title = {
    open: words.failure.title,
    run: words.failure.runTitle,
    link: words.failure.linkTitle,
    crash: words.app.crash,
  }
  const { text } = failure
  const mend = () => {
    set({ draft: { text: text ?? '', errors: failure.errors } })
    openDialog('edit')
  }
  return (
    <div className="failure" role="alert">
      <Icon of={CircleAlert} size={17} />
      <div>
        <h2>
          {title[failure.kind]} {hasSession ? <span>{words.failure.kept}</span> : null}
        </h2>
        <ErrorList errors={failure.errors} />
        {text === undefined ? null : (
          <button type="button" className="btn" onClick={mend}>
            {words.failure.edit}
          </button>
        )}
      </div>
      <button type="button" className="icon-btn" aria-label={words.failure.dismiss} onClick={dismiss}>
        <Icon of={X} />
      </button>
    </div>
  )
}

/** Messages of the engine are in English whatever the page speaks: kept as they are, and set apart where that is another language. */
function Technical({ children }: { readonly children: string }) {
  const words = usePanelWords()
  if (words.failure.original === '') return <span>{children}</span>
  return (
    <span className="technical">
      <span className="faint">{words.failure.original}</span> <span lang="en">{children}</span>
    </span>
  )
}

function ErrorList({ errors }: { readonly errors: readonly InputError[] }) {
  const words = usePanelWords()
  return (
    <ul className="errors">
      {errors.slice(0, SHOWN_ERRORS).map((e) => (
        <li key={`${e.file ?? ''}:${e.line ?? 0}:${e.path ?? ''}:${e.message}`}>
          <Technical>{e.message}</Technical>
          {e.file === undefined && e.line === undefined && e.path === undefined ? null : (
            <span className="mono">
              {e.path === undefined ? null : (
                <span>
                  {words.failure.path} <b>{e.path}</b>
                </span>
              )}
              {e.file === undefined && e.line === undefined ? null : (
                <span>{words.failure.at(e.file ?? words.open.pasted, e.line, e.column)}</span>
              )}
            </span>
          )}
        </li>
      ))}
      {errors.length > SHOWN_ERRORS ? <li className="faint">{words.failure.more(errors.length - SHOWN_ERRORS)}</li> : null}
    </ul>
  )
}
