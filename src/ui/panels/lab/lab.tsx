import { Check, Copy, Download } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { useApp, useAppContext, useLang, useSession } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { formatCount } from '../../time.ts'
import { Icon } from '../../widgets/icon.tsx'
import { Modal } from '../../widgets/modal.tsx'
import { fileNameOf, headOf } from './script-head.ts'
import { LAB_WORDS } from './words.ts'
import './lab.css'

/** The open scenario as a script of real namespaces: what it does, what it needs, the script itself. */
export default function Lab() {
  const words = usePanelWords()
  const own = LAB_WORDS[useLang()]
  const { actions } = useAppContext()
  const session = useSession()
  const openDialog = useApp((s) => s.openDialog)
  const [script, setScript] = useState<string | undefined>()
  const [failed, setFailed] = useState(false)
  useEffect(() => {
    const call = actions.lab(session)
    let gone = false
    void call.then((text) => {
      if (gone) return
      setScript(text)
      setFailed(text === undefined)
    })
    return () => {
      gone = true
    }
  }, [actions, session])
  return (
    <Modal title={words.lab.title} wide onClose={() => openDialog(undefined)}>
      <div className="modal-content lab">
        <p>{own.what}</p>
        {script === undefined ? (
          <p className="empty" role={failed ? 'alert' : 'status'}>
            {failed ? own.failed : own.making}
          </p>
        ) : (
          <Script text={script} file={fileNameOf(session.document.title)} />
        )}
      </div>
    </Modal>
  )
}

function Script({ text, file }: { readonly text: string; readonly file: string }) {
  const own = LAB_WORDS[useLang()]
  const head = useMemo(() => headOf(text), [text])
  const commands = [
    [`sudo bash ${file} --check`, own.check],
    [`sudo bash ${file}`, own.run],
    [`sudo bash ${file} --keep`, own.keep],
  ] as const
  return (
    <>
      <dl className="lab-facts">
        <dt>{own.needs}</dt>
        <dd>
          {own.root}
          {head.needs.map((n) => (
            <code key={n} className="code">
              {n}
            </code>
          ))}
          {head.needsBridgeNf ? <code className="code">br_netfilter</code> : null}
        </dd>
        <dt>{own.makes}</dt>
        <dd>{own.namespaces(head.namespaces)}</dd>
        {head.leftOut.length === 0 ? null : (
          <>
            <dt>{own.leftOut}</dt>
            <dd>
              <ul lang="en">
                {head.leftOut.map((l) => (
                  <li key={l}>{l}</li>
                ))}
              </ul>
            </dd>
          </>
        )}
      </dl>
      <dl className="lab-commands">
        {commands.map(([command, does]) => (
          <div key={command}>
            <dt className="mono">{command}</dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <div className="lab-bar">
        <span className="mono">{file}</span>
        <span className="faint">{own.lines(formatCount(text.split('\n').length - 1))}</span>
        <CopyButton text={text} />
        <DownloadButton text={text} file={file} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre className="mono lab-script" tabIndex={0} role="document" aria-label={own.script}>
        {text}
      </pre>
    </>
  )
}

function CopyButton({ text }: { readonly text: string }) {
  const words = usePanelWords()
  const own = LAB_WORDS[useLang()]
  const [said, setSaid] = useState<'copied' | 'refused' | undefined>()
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setSaid('copied')
    } catch {
      setSaid('refused')
    }
  }
  return (
    <button type="button" className="btn" onClick={copy}>
      <Icon of={said === 'copied' ? Check : Copy} size={13} />
      <span role="status">{said === 'copied' ? words.app.copied : said === 'refused' ? own.copyRefused : words.app.copy}</span>
    </button>
  )
}

function DownloadButton({ text, file }: { readonly text: string; readonly file: string }) {
  const own = LAB_WORDS[useLang()]
  const [url, setUrl] = useState<string | undefined>()
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([text], { type: 'text/x-shellscript' }))
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [text])
  return (
    <a className="btn btn-primary" href={url} download={file}>
      <Icon of={Download} size={13} /> {own.download}
    </a>
  )
}
