import { Upload } from 'lucide-react'
import { useRef, useState } from 'react'
import { useApp } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { Icon } from '../../widgets/icon.tsx'
import { Modal } from '../../widgets/modal.tsx'
import { readFiles } from './files.ts'
import './opener.css'

/** Opens what the user has: pasted text, or one or several files. */
export function Opener() {
  const words = usePanelWords()
  const openDialog = useApp((s) => s.openDialog)
  const openFiles = useApp((s) => s.openFiles)
  const [text, setText] = useState('')
  const [empty, setEmpty] = useState(false)
  const picker = useRef<HTMLInputElement>(null)
  const open = (files: Parameters<typeof openFiles>[0]) => {
    openDialog(undefined)
    void openFiles(files)
  }
  const openText = () => {
    if (text.trim() === '') setEmpty(true)
    else open([{ name: words.open.pasted, text }])
  }
  return (
    <Modal title={words.open.title} onClose={() => openDialog(undefined)}>
      <div className="modal-content opener">
        <textarea
          aria-label={words.open.pasteLabel}
          aria-invalid={empty || undefined}
          placeholder={words.open.placeholder}
          spellCheck={false}
          value={text}
          onChange={(e) => {
            setText(e.target.value)
            setEmpty(false)
          }}
          onKeyDown={(e) => {
            if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) openText()
          }}
        />
        {empty ? (
          <p role="alert" className="was">
            {words.open.empty}
          </p>
        ) : null}
        <div className="opener-row">
          <button type="button" className="btn" onClick={() => picker.current?.click()}>
            <Icon of={Upload} /> {words.open.choose}
          </button>
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            aria-label={words.open.choose}
            onChange={async (e) => {
              const list = e.target.files
              if (list !== null && list.length > 0) open(await readFiles([...list]))
            }}
          />
          <span className="faint">{words.open.several}</span>
          <button type="button" className="btn btn-primary" onClick={openText}>
            {words.open.go}
          </button>
        </div>
      </div>
    </Modal>
  )
}
