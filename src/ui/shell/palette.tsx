import { type KeyboardEvent, use, useId, useMemo, useRef, useState } from 'react'
import { chipLabel } from '../../net/summary.ts'
import type { AppStore } from '../../store/app.ts'
import type { ScenarioEntry } from '../../store/scenarios.ts'
import { PANELS, panelKey } from '../../store/state.ts'
import { COMMANDS } from '../commands.ts'
import { useApp, useAppContext, useLang } from '../context.tsx'
import type { Catalogue } from '../i18n/en-panels.ts'
import { usePanelWords } from '../i18n/panel-words.ts'
import { Kbd } from '../widgets/kbd.tsx'
import { Modal } from '../widgets/modal.tsx'
import './palette.css'

interface Entry {
  readonly key: string
  readonly kind: string
  readonly label: string
  readonly shown: readonly string[]
  readonly run: () => void
}

const SHOWN = 50
const PACKETS = 300

function entriesOf(store: AppStore, scenarios: readonly ScenarioEntry[], words: Catalogue, lang: 'en' | 'zh'): Entry[] {
  const state = store.getState()
  const { session } = state
  const out: Entry[] = scenarios.map((s) => ({
    key: `scenario ${s.id}`,
    kind: words.palette.scenario,
    label: s.title[lang],
    shown: [],
    run: () => void state.openLibrary(s.id),
  }))
  const dialogs = {
    open: words.open.title,
    edit: words.edit.title,
    lab: words.lab.title,
    fidelity: words.fidelity.title,
  } as const
  for (const dialog of ['open', 'edit', 'lab', 'fidelity'] as const) {
    if (dialog === 'lab' && session === undefined) continue
    out.push({ key: dialog, kind: words.palette.action, label: dialogs[dialog], shown: [], run: () => state.openDialog(dialog) })
  }
  for (const c of COMMANDS) {
    if (c.id === 'palette') continue
    out.push({ key: `do ${c.id}`, kind: words.palette.action, label: c.label(words), shown: c.shown, run: () => c.run(store) })
  }
  PANELS.forEach((p, i) => {
    out.push({
      key: `panel ${p}`,
      kind: words.palette.panel,
      label: words.panels[p],
      shown: [panelKey(i) ?? ''].filter(Boolean),
      run: () => state.showPanel(p),
    })
  })
  if (session === undefined) return out
  for (const n of session.timeline.at(-1).list('netns')) {
    out.push({ key: n.id, kind: words.palette.place, label: n.name, shown: [], run: () => state.select({ netns: n.id }) })
  }
  for (let p = 0; p < Math.min(PACKETS, session.packets.length); p++) {
    const label = `${words.stage.packetN(p)} · ${chipLabel(session.reader.packetAt(p, session.packets.born[p] ?? 0))}`
    const run = () => {
      const hop = session.hops.hopsOf(p)[0]
      state.follow(p)
      if (hop !== undefined) state.seek(session.hops.first[hop] ?? 0)
    }
    out.push({ key: `packet ${p}`, kind: words.palette.packet, label, shown: [], run })
  }
  return out
}

/** Everything the page can do, by typing a part of its name. */
export function Palette() {
  const words = usePanelWords()
  const lang = useLang()
  const { store, scenarios: library } = useAppContext()
  const scenarios = use(library.all())
  const openDialog = useApp((s) => s.openDialog)
  const [text, setText] = useState('')
  const [active, setActive] = useState(0)
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  const entries = useMemo(() => entriesOf(store, scenarios, words, lang), [store, scenarios, words, lang])
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean)
  const shown = entries.filter((e) => wanted.every((w) => `${e.kind} ${e.label}`.toLowerCase().includes(w))).slice(0, SHOWN)
  const choose = (entry: Entry | undefined) => {
    if (entry === undefined) return
    openDialog(undefined)
    // After the dialog has given the focus back, so that an action may move it.
    setTimeout(entry.run)
  }
  const move = (to: number) => {
    setActive(to)
    list.current?.children[to]?.scrollIntoView({ block: 'nearest' })
  }
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === 'ArrowDown') move(Math.min(shown.length - 1, active + 1))
    else if (e.key === 'ArrowUp') move(Math.max(0, active - 1))
    else if (e.key === 'Enter') choose(shown[active])
    else return
    e.preventDefault()
    e.stopPropagation()
  }
  return (
    <Modal title={words.header.palette} bare onClose={() => openDialog(undefined)}>
      <input
        className="palette-input"
        role="combobox"
        aria-label={words.header.palette}
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={shown.length > 0 ? `${id}-${active}` : undefined}
        placeholder={words.palette.placeholder}
        value={text}
        // biome-ignore lint/a11y/noAutofocus: a palette that opens is typed into
        autoFocus
        onChange={(e) => {
          setText(e.target.value)
          setActive(0)
        }}
        onKeyDown={onKeyDown}
      />
      <div ref={list} id={`${id}-list`} role="listbox" aria-label={words.header.palette} className="palette-list">
        {shown.map((e, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the input has the focus and the keys (aria-activedescendant)
          // biome-ignore lint/a11y/useFocusableInteractive: as above
          <div
            key={e.key}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === active}
            onPointerMove={() => setActive(i)}
            onClick={() => choose(e)}
          >
            <span className="faint">{e.kind}</span>
            <span>{e.label}</span>
            <span>
              {e.shown.map((k) => (
                <Kbd key={k}>{k}</Kbd>
              ))}
            </span>
          </div>
        ))}
      </div>
      {shown.length === 0 ? <p className="empty">{words.palette.none}</p> : null}
    </Modal>
  )
}
