import { CircleAlert, CircleCheck, CircleHelp, CircleMinus, CircleX, CornerDownRight, RotateCw } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { headlineOf, isCaution } from '../../../debug/headline.ts'
import type { Check, CheckRun, CheckStatus, ServiceReport } from '../../../debug/report.ts'
import { CHECK_WORDS } from '../../../explain/service-check.ts'
import type { Session } from '../../../store/session.ts'
import { sourceOf } from '../../../store/source.ts'
import { useApp, useAppContext, useLang, useSession } from '../../context.tsx'
import { Icon } from '../../widgets/icon.tsx'
import { IconButton } from '../../widgets/icon-button.tsx'
import { keepChoice, keepReport, keptReport, lastChoice, reportKey } from './kept.ts'
import { DEBUG_WORDS } from './words.ts'
import './debug.css'

/** Why does this Service not answer? The documentation's checks, evaluated on the open cluster. */
export default function Debug() {
  const own = DEBUG_WORDS[useLang()]
  const session = useSession()
  const services = useMemo(() => servicesOf(session), [session])
  const places = useMemo(() => placesOf(session), [session])
  const last = lastChoice(session)
  const [choice, setChoice] = useState<{ readonly service: string; readonly from: string }>()
  const { service, from } = choice ?? last ?? { service: services[0] ?? '', from: '' }
  const { report, state, again } = useReport(session, service, from)
  const choose = (next: { readonly service: string; readonly from: string }) => {
    keepChoice(session, next.service, next.from)
    setChoice(next)
  }
  if (services.length === 0) return <p className="empty">{own.none}</p>
  return (
    <div className="debug">
      <p className="debug-intro">{own.intro}</p>
      <div className="debug-question">
        <label>
          <span className="faint">{own.service}</span>
          <select value={service} onChange={(e) => choose({ service: e.target.value, from })}>
            {services.map((s) => (
              <option key={s}>{s}</option>
            ))}
          </select>
        </label>
        <label>
          <span className="faint">{own.from}</span>
          <select value={from} onChange={(e) => choose({ service, from: e.target.value })}>
            <option value="">{own.anyPod}</option>
            {places.map((p) => (
              <option key={p}>{p}</option>
            ))}
          </select>
        </label>
        <IconButton of={RotateCw} size={13} label={own.again} onClick={again} />
      </div>
      {report === undefined ? (
        <p className="empty" role={state === 'failed' ? 'alert' : 'status'}>
          {state === 'failed' ? own.refused : own.asking}
        </p>
      ) : (
        <Report key={`${report.service.namespace}/${report.service.name} ${report.from}`} report={report} />
      )}
    </div>
  )
}

/** The report of a question: one that is kept, or a new one of the worker's. */
function useReport(session: Session, service: string, from: string) {
  const { actions } = useAppContext()
  const [asked, setAsked] = useState(0)
  const [answer, setAnswer] = useState<{ readonly key: string; readonly report: ServiceReport | undefined }>()
  const key = reportKey(session, service, from)
  const kept = asked === 0 ? keptReport(key) : undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says everything that a report depends on
  useEffect(() => {
    if (service === '' || kept !== undefined) return
    let gone = false
    setAnswer(undefined)
    const [namespace = '', name = ''] = service.split('/')
    void actions.debug(session, { namespace, name, ...(from === '' ? {} : { from }) }).then((report) => {
      if (report !== undefined) keepReport(key, report)
      if (!gone) setAnswer({ key, report })
    })
    return () => {
      gone = true
    }
  }, [key, asked])
  const report = kept ?? (answer?.key === key ? answer.report : undefined)
  const state = answer?.key === key && answer.report === undefined ? 'failed' : 'asking'
  return { report, state, again: () => setAsked((n) => n + 1) } as const
}

function Report({ report }: { readonly report: ServiceReport }) {
  const lang = useLang()
  const own = DEBUG_WORDS[lang]
  const { journeys } = useSession().document
  const headline = headlineOf(report, journeys)
  return (
    <>
      <p className={`debug-result debug-${headline.kind}`} role="status">
        <Icon of={HEADLINE_ICON[headline.kind]} size={14} />
        {headline.kind === 'ok' ? own.allWell : own[headline.kind === 'failed' ? 'first' : 'caution'](headline.at + 1)}
      </p>
      <ol className="debug-checks">
        {report.checks.map((c, i) => (
          <CheckItem
            key={c.id}
            check={c}
            report={report}
            caution={isCaution(c, journeys)}
            open={headline.kind === 'failed' && i === headline.at}
          />
        ))}
      </ol>
      <p className="faint debug-source">{own.source}</p>
    </>
  )
}

const HEADLINE_ICON = { ok: CircleCheck, failed: CircleX, caution: CircleAlert } as const

const STATUS_ICON = {
  ok: CircleCheck,
  failed: CircleX,
  'not-needed': CircleMinus,
  unknown: CircleHelp,
} as const satisfies Readonly<Record<CheckStatus, unknown>>

function CheckItem(props: {
  readonly check: Check
  readonly report: ServiceReport
  readonly caution: boolean
  readonly open: boolean
}) {
  const { check, report, caution, open } = props
  const lang = useLang()
  const own = DEBUG_WORDS[lang]
  const words = CHECK_WORDS[lang]
  const said = [...check.findings.map((f) => words.finding(f)), ...(caution ? [words.onlyItself] : [])].join(
    lang === 'zh' ? '' : ' ',
  )
  const status = caution ? own.cautious : own.status[check.status]
  return (
    <li className={`debug-check debug-${caution ? 'caution' : check.status}`}>
      <details open={open}>
        <summary>
          <span className="debug-mark" role="img" aria-label={status} title={status}>
            <Icon of={caution ? CircleAlert : STATUS_ICON[check.status]} size={14} />
          </span>
          <span className="debug-asks">
            <b>{words.question[check.id]}</b>
            <span>{said}</span>
          </span>
        </summary>
        {check.step === undefined ? null : <Proof step={check.step} report={report} />}
        {check.runs.length === 0 ? null : (
          // biome-ignore lint/a11y/useSemanticElements: a group of transcripts is no form
          <div className="debug-runs" role="group" aria-label={own.commands}>
            {check.runs.map((r) => (
              <Transcript key={`${r.from ?? ''} ${r.command} ${r.journey ?? ''}`} run={r} />
            ))}
          </div>
        )}
      </details>
    </li>
  )
}

function Transcript({ run }: { readonly run: CheckRun }) {
  const own = DEBUG_WORDS[useLang()]
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <pre className="mono" tabIndex={0} lang="en">
      <span className="debug-prompt">{run.from === undefined ? '' : `${run.from} `}$</span> <b>{run.command}</b>
      {'\n'}
      {run.output === '' ? <i className="faint">{own.silent}</i> : run.output.trimEnd()}
    </pre>
  )
}

/** Opens the run that the checks were made of, at the step that proves one; it can be undone like any other opening. */
function Proof({ step, report }: { readonly step: number; readonly report: ServiceReport }) {
  const own = DEBUG_WORDS[useLang()]
  const { store } = useAppContext()
  const session = useSession()
  const seek = useApp((s) => s.seek)
  const go = async () => {
    if (isSame(session.document.journeys, report.journeys)) {
      seek(step)
      return
    }
    const { provenance } = session
    const { changes: _, ...kept } = session.document
    const document = { ...kept, journeys: report.journeys }
    await store.getState().openSource(sourceOf({ document, provenance }), {
      provenance,
      remember: true,
      title: `${report.service.namespace}/${report.service.name}`,
      failure: 'run',
      view: { step, panels: ['debug'] },
    })
  }
  return (
    <button type="button" className="ref debug-proof" onClick={() => void go()}>
      <Icon of={CornerDownRight} size={12} /> {own.step(step + 1)}
    </button>
  )
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** `namespace/name` of every Service, those of the cluster itself last. */
function servicesOf(session: Session): string[] {
  const names = session.timeline
    .at(-1)
    .list('object')
    .flatMap((o) => (o.objectKind === 'Service' ? [`${o.namespace ?? 'default'}/${o.name}`] : []))
  const own = (name: string) => name === 'default/kubernetes' || name.startsWith('kube-system/')
  return [...names.filter((n) => !own(n)), ...names.filter(own)]
}

const placesOf = (session: Session): string[] =>
  session.timeline
    .at(-1)
    .list('netns')
    .flatMap((n) => (n.role === 'pod' || n.role === 'node' ? [n.name] : []))
