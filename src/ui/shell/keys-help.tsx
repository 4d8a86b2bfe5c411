import { PANELS, panelKey } from '../../store/state.ts'
import { COMMANDS } from '../commands.ts'
import { useApp } from '../context.tsx'
import { usePanelWords } from '../i18n/panel-words.ts'
import { Kbd } from '../widgets/kbd.tsx'
import { Modal } from '../widgets/modal.tsx'
import './keys-help.css'

export function KeysHelp() {
  const words = usePanelWords()
  const openDialog = useApp((s) => s.openDialog)
  return (
    <Modal title={words.keys.title} onClose={() => openDialog(undefined)}>
      <div className="modal-content keys">
        {(['playback', 'go'] as const).map((group) => (
          <section key={group} aria-label={words.keys[group]}>
            <h3>{words.keys[group]}</h3>
            <dl>
              {COMMANDS.filter((c) => c.group === group && c.shown.length > 0).map((c) => (
                <div key={c.id}>
                  <dt>
                    {c.shown.map((k) => (
                      <Kbd key={k}>{k}</Kbd>
                    ))}
                  </dt>
                  <dd>{c.label(words)}</dd>
                </div>
              ))}
              {group === 'go'
                ? PANELS.map((p, i) => (
                    <div key={p}>
                      <dt>
                        <Kbd>{panelKey(i) ?? ''}</Kbd>
                      </dt>
                      <dd>{words.panels[p]}</dd>
                    </div>
                  ))
                : null}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  )
}
