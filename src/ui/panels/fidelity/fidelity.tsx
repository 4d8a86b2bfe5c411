import { use } from 'react'
import { type ExercisedBy, type ExercisedKind, FIDELITY, type FidelityFigures } from '../../../library/fidelity.ts'
import type { ScenarioEntry } from '../../../store/scenarios.ts'
import { UNDETERMINED } from '../../../trace/step.ts'
import { useApp, useAppContext, useLang } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { formatCount } from '../../time.ts'
import { Modal } from '../../widgets/modal.tsx'
import { FIDELITY_WORDS } from './words.ts'
import './fidelity.css'

const FIGURES = ['frames', 'hits', 'walks', 'entries', 'differences'] as const satisfies readonly (keyof FidelityFigures)[]

/** Random networks that are neither alike nor different. */
const APART = ['unsteady', 'undetermined', 'refused'] as const

/** What is modelled, what is approximated and how, what is undetermined, and what was compared with a real kernel. */
export default function Fidelity() {
  const words = usePanelWords()
  const lang = useLang()
  const own = FIDELITY_WORDS[lang]
  const { scenarios } = useAppContext()
  const library = use(scenarios.all())
  const openDialog = useApp((s) => s.openDialog)
  return (
    <Modal title={words.fidelity.title} wide onClose={() => openDialog(undefined)}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div className="modal-content fidelity" tabIndex={0} role="document">
        <Compared library={library} />
        <Modelled />
        <List
          title={own.approximated.title}
          how={own.approximated.how}
          items={FIDELITY.levelled.map((n) => [n.title[lang], n.reason[lang]])}
        />
        <List
          title={own.undetermined.title}
          how={own.undetermined.how}
          items={UNDETERMINED.map((kind) => own.undetermined.kinds[kind])}
        />
      </div>
    </Modal>
  )
}

/** Everything that a run which agrees with a real kernel has used, by kind. */
function Modelled() {
  const { modelled } = FIDELITY_WORDS[useLang()]
  const kinds = Object.entries(FIDELITY.exercised) as [ExercisedKind, Readonly<Record<string, ExercisedBy>>][]
  return (
    <section aria-label={modelled.title}>
      <h3>{modelled.title}</h3>
      <p>{modelled.how}</p>
      <dl className="fidelity-list">
        {kinds.map(([kind, names]) => (
          <div key={kind}>
            <dt>{modelled.kinds[kind]}</dt>
            <dd>
              <ul className="fidelity-names">
                {Object.entries(names).map(([name, by]) => (
                  <li key={name} title={modelled.count(name, formatCount(by.scenarios), formatCount(by.networks))}>
                    <code>{name}</code> <span className="faint num">{formatCount(by.scenarios + by.networks)}</span>
                  </li>
                ))}
              </ul>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function List(props: { readonly title: string; readonly how: string; readonly items: readonly (readonly [string, string])[] }) {
  return (
    <section aria-label={props.title}>
      <h3>{props.title}</h3>
      <p>{props.how}</p>
      <dl className="fidelity-list">
        {props.items.map(([what, how]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>{how}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

/** Figures from the recordings alone. */
function Compared({ library }: { readonly library: readonly ScenarioEntry[] }) {
  const lang = useLang()
  const own = FIDELITY_WORDS[lang]
  const { totals, kernels, tools, fuzz } = FIDELITY
  const rows = library.flatMap((s) => {
    const figures = FIDELITY.scenarios[s.id]
    return figures === undefined ? [] : [{ id: s.id, title: s.title[lang], figures }]
  })
  const others = Object.values(FIDELITY.scenarios).filter((s) => !s.builtIn)
  return (
    <section aria-label={own.compared}>
      <p>{own.how}</p>
      <p className="fidelity-total">
        {own.total({
          kernels: Object.keys(kernels).join(', '),
          scenarios: formatCount(totals.scenarios),
          frames: formatCount(totals.frames),
          hits: formatCount(totals.hits),
          walks: formatCount(totals.walks),
          entries: formatCount(totals.entries),
          differences: formatCount(totals.differences),
        })}
        {fuzz.cases === 0 ? null : (
          <>
            <br />
            {own.fuzz({
              kernel: fuzz.kernel,
              cases: formatCount(fuzz.cases),
              alike: formatCount(fuzz.alike),
              different: formatCount(fuzz.different),
            })}
            {APART.map((k) => ((fuzz[k] ?? 0) === 0 ? '' : ` ${own.apart[k](formatCount(fuzz[k] ?? 0))}`))}
          </>
        )}
      </p>
      <div className="fidelity-scroll">
        <table className="fidelity-table">
          <caption className="sr-only">{own.compared}</caption>
          <thead>
            <tr>
              <th scope="col">{own.scenario}</th>
              {FIGURES.map((f) => (
                <th key={f} scope="col" className="num">
                  {own.figures[f]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((r) => (
              <Row key={r.id} title={r.title} figures={r.figures} />
            ))}
            {others.length === 0 ? null : <Row title={own.others(others.length)} figures={sumOf(others)} />}
          </tbody>
        </table>
      </div>
      <p className="faint fidelity-tools">
        {own.readWith} {Object.values(tools).join(' · ')}
      </p>
    </section>
  )
}

function Row({ title, figures }: { readonly title: string; readonly figures: FidelityFigures }) {
  return (
    <tr>
      <th scope="row">{title}</th>
      {FIGURES.map((f) => (
        <td key={f} className={f === 'differences' ? (figures[f] === 0 ? 'num now' : 'num was') : 'num'}>
          {formatCount(figures[f])}
        </td>
      ))}
    </tr>
  )
}

function sumOf(list: readonly FidelityFigures[]): FidelityFigures {
  const sum = (f: keyof FidelityFigures) => list.reduce((n, x) => n + x[f], 0)
  return {
    frames: sum('frames'),
    rules: sum('rules'),
    hits: sum('hits'),
    walks: sum('walks'),
    entries: sum('entries'),
    differences: sum('differences'),
  }
}
