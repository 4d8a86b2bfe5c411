import { BadgeCheck, Check, FileInput, Scale, Search, SquareTerminal, X } from 'lucide-react'
import { type KeyboardEvent, use, useEffect, useMemo, useRef, useState } from 'react'
import { FIDELITY } from '../../library/fidelity.ts'
import type { ScenarioEntry } from '../../store/scenarios.ts'
import { useApp, useAppContext, useLang } from '../context.tsx'
import { usePanelWords } from '../i18n/panel-words.ts'
import { Icon } from '../widgets/icon.tsx'
import { Kbd } from '../widgets/kbd.tsx'
import './scenario-list.css'

/** The groups in the order of their first scenario, with what matches the search in either language. */
function grouped(
  scenarios: readonly ScenarioEntry[],
  search: string,
): ReadonlyMap<ScenarioEntry['group'], readonly ScenarioEntry[]> {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const groups = new Map<ScenarioEntry['group'], ScenarioEntry[]>()
  for (const s of scenarios) {
    const hay = `${s.id} ${s.title.en} ${s.title.zh} ${s.intro.en} ${s.intro.zh} ${s.badge ?? ''}`.toLowerCase()
    if (!words.every((w) => hay.includes(w))) continue
    const list = groups.get(s.group)
    if (list === undefined) groups.set(s.group, [s])
    else list.push(s)
  }
  return groups
}

export default function ScenarioList() {
  const words = usePanelWords()
  const lang = useLang()
  const scenarios = use(useAppContext().scenarios.all())
  const [search, setSearch] = useState('')
  const body = useRef<HTMLDivElement>(null)
  const provenance = useApp((s) => s.session?.provenance)
  const openLibrary = useApp((s) => s.openLibrary)
  const openDialog = useApp((s) => s.openDialog)
  const set = useApp((s) => s.set)
  const current = provenance?.kind === 'library' ? provenance.id : undefined
  const groups = useMemo(() => grouped(scenarios, search), [scenarios, search])
  const intro = scenarios.find((s) => s.id === current)?.intro[lang]
  const open = (id: string) => {
    set({ drawer: false, mobileTab: 'stage' })
    void openLibrary(id)
  }
  // A link opens one that may be far down the list.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it moves when another one is open
  useEffect(() => {
    body.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' })
  }, [current])
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return
    const links = [...(body.current?.querySelectorAll<HTMLElement>('.scenario') ?? [])]
    const at = links.indexOf(document.activeElement as HTMLElement)
    const next = links[e.key === 'ArrowDown' ? at + 1 : at - 1]
    if (next === undefined && e.key === 'ArrowUp') document.querySelector<HTMLElement>('#find-scenario')?.focus()
    next?.focus()
    e.preventDefault()
    e.stopPropagation()
  }
  return (
    <nav className="scenarios" aria-label={words.header.scenarios} onKeyDown={onKeyDown}>
      <div className="find">
        <Icon of={Search} size={13} />
        <input
          id="find-scenario"
          type="search"
          aria-label={words.list.find}
          placeholder={words.list.find}
          value={search}
          onChange={(e) => setSearch(e.target.value)}
          onKeyDown={(e) => {
            if (e.key === 'Escape') setSearch('')
          }}
        />
        {search === '' ? (
          <Kbd>/</Kbd>
        ) : (
          <button type="button" className="icon-btn" aria-label={words.app.cancel} onClick={() => setSearch('')}>
            <Icon of={X} size={12} />
          </button>
        )}
      </div>
      <div className="scenario-groups" ref={body}>
        {groups.size === 0 ? <p className="empty">{words.list.none}</p> : null}
        {[...groups].map(([group, list]) => (
          <section key={group.id} aria-label={group.title[lang]}>
            <h2>{group.title[lang]}</h2>
            <ul>
              {list.map((s) => (
                <li key={s.id}>
                  <button
                    type="button"
                    className="scenario"
                    aria-current={s.id === current ? 'page' : undefined}
                    title={s.title[lang]}
                    onClick={() => open(s.id)}
                  >
                    <span>{s.title[lang]}</span>
                    {s.badge === undefined ? null : s.badge === 'answered' ? (
                      <span className="ends ends-ok" title={words.list.ends.answered}>
                        <Icon of={Check} size={12} />
                        <span className="sr-only">{words.list.ends.answered}</span>
                      </span>
                    ) : (
                      <span className="ends ends-bad">{words.list.ends[s.badge]}</span>
                    )}
                  </button>
                </li>
              ))}
            </ul>
          </section>
        ))}
        <section aria-label={words.header.yours}>
          <h2>{words.header.yours}</h2>
          <button
            type="button"
            className="scenario"
            aria-current={provenance !== undefined && current === undefined ? 'page' : undefined}
            onClick={() => openDialog('open')}
          >
            <span>{words.list.paste}</span>
            <Icon of={FileInput} size={13} />
          </button>
        </section>
      </div>
      <ListFoot />
      {intro === undefined ? null : (
        <details className="intro" open>
          <summary>{words.list.intro}</summary>
          <p>{intro}</p>
        </details>
      )}
    </nav>
  )
}

/** `Linux 6.18.44` → `Linux 6.18` */
const release = (kernel: string): string => kernel.replace(/^(\D*\d+\.\d+).*$/, '$1')

/** What stands behind all of this, and the way to try it on a machine of one's own. */
function ListFoot() {
  const words = usePanelWords()
  const ready = useApp((s) => s.session !== undefined)
  const openDialog = useApp((s) => s.openDialog)
  const { kernels, totals } = FIDELITY
  return (
    <div className="list-foot">
      {totals.scenarios === 0 ? null : (
        <button type="button" className="list-foot-proof" title={words.fidelity.title} onClick={() => openDialog('fidelity')}>
          <Icon of={totals.differences === 0 ? BadgeCheck : Scale} size={13} />{' '}
          {totals.differences === 0 ? words.fidelity.equal : words.fidelity.notEqual}
          <span className="faint">
            {words.fidelity.line(Object.keys(kernels).map(release).join(', '), totals.scenarios, totals.differences)}
          </span>
        </button>
      )}
      {ready ? (
        <button type="button" className="list-foot-lab" onClick={() => openDialog('lab')}>
          <Icon of={SquareTerminal} size={13} /> {words.lab.title}
        </button>
      ) : null}
    </div>
  )
}
