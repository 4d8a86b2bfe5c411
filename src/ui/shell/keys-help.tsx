import { PANELS, panelKey } from '../../store/state.ts'
import { COMMANDS } from '../commands.ts'
import { useApp } from '../context.tsx'
import { usePanelWords } from '../i18n/panel-words.ts'
import { Kbd } from '../widgets/kbd.tsx'
import { Modal } from '../widgets/modal.tsx'
import './keys-help.css'

interface Row {
  readonly keys: readonly string[]
  readonly does: string
}

export function KeysHelp() {
  const words = usePanelWords()
  const openDialog = useApp((s) => s.openDialog)
  const commands = (group: 'playback' | 'go'): Row[] =>
    COMMANDS.filter((c) => c.group === group && c.shown.length > 0).map((c) => ({ keys: c.shown, does: c.label(words) }))
  const tables = PANELS.flatMap((panel, i): Row[] => {
    const key = panelKey(i)
    return key === undefined ? [] : [{ keys: [key], does: words.panels[panel] }]
  })
  return (
    <Modal title={words.keys.title} onClose={() => openDialog(undefined)}>
      <div className="modal-content keys">
        <Keys title={words.keys.playback} rows={commands('playback')} />
        <Keys title={words.keys.go} rows={commands('go')} />
        <Keys title={words.mobile.tables} rows={tables} />
      </div>
    </Modal>
  )
}

function Keys({ title, rows }: { readonly title: string; readonly rows: readonly Row[] }) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <dl>
        {rows.map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((k) => (
                <Kbd key={k}>{k}</Kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
