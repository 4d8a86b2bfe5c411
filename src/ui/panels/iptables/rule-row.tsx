import { type ReactNode, Suspense, useState } from 'react'
import type { Origin } from '../../../world/records.ts'
import { useApp } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import type { Inspection } from '../../inspect.ts'
import { formatCount } from '../../time.ts'
import { originText } from '../../widgets/record-table.tsx'
import { useShown } from '../../widgets/use-shown.ts'
import type { RuleHit } from './walked.ts'

const ACTING = new Set(['accept', 'drop', 'reject', 'nat', 'undetermined', 'stolen'])

/** What a row needs to know of how this hop met its rule. */
export interface Met {
  readonly number: number
  readonly hit: RuleHit | undefined
  /** The step that entered the chain; undefined when this hop did not. */
  readonly entered: number | undefined
  readonly inspection: Inspection
}

interface RuleRowProps extends Met {
  readonly id: string
  readonly origin: Origin
  readonly packets: number
  /** The rule in its tool's own words. */
  readonly children: ReactNode
  /** Why the packet passed it by, worked out when somebody asks; `at` is the step that entered the chain. */
  readonly whyNot: (at: number) => ReactNode
}

/** A rule, marked when this hop met it; one that it passed by says why when asked. */
export function RuleRow({ id, origin, number, hit, entered, inspection, packets, children, whyNot }: RuleRowProps) {
  const words = usePanelWords()
  const seek = useApp((s) => s.seek)
  const [asked, setAsked] = useState(false)
  const current = hit !== undefined && hit.seq === inspection.seq
  const selected = inspection.selected === id
  const ref = useShown<HTMLDivElement>(current, selected)
  const look = hit === undefined ? '' : ACTING.has(hit.verdict) ? ` rule-act rule-${hit.verdict}` : ' rule-hit'
  return (
    <>
      <div
        ref={ref}
        className={`rule${look}${current ? ' rule-now' : ''}${selected ? ' row-selected' : ''}`}
        title={originText(origin)}
      >
        <i>{number}</i>
        {hit !== undefined ? (
          <button type="button" className="rule-text" title={words.panels.go(hit.seq + 1)} onClick={() => seek(hit.seq)}>
            {children}
          </button>
        ) : entered !== undefined ? (
          <button
            type="button"
            className="rule-text"
            aria-expanded={asked}
            title={words.iptables.nearMiss}
            onClick={() => setAsked(!asked)}
          >
            {children}
          </button>
        ) : (
          <span className="rule-text">{children}</span>
        )}
        <Counter packets={packets} />
      </div>
      {asked && hit === undefined && entered !== undefined ? <Suspense fallback={null}>{whyNot(entered)}</Suspense> : null}
    </>
  )
}

/** How many packets a rule or a policy has counted. */
export function Counter({ packets }: { readonly packets: number }) {
  const words = usePanelWords()
  return (
    <span className="rule-count" title={words.columns.packets}>
      {packets === 0 ? '' : formatCount(packets)}
    </span>
  )
}

/** One condition of a rule; `depends` is on what the step does not hold. */
interface Condition {
  readonly text: string
  readonly fits: boolean | 'depends'
}

/** The conditions of a rule up to the first that the packet did not fit. */
export function Conditions({ all }: { readonly all: readonly Condition[] }) {
  const words = usePanelWords()
  const failed = all.findIndex((p) => p.fits === false)
  const shown = failed < 0 ? all : all.slice(0, failed + 1)
  return (
    <div className="near-miss" role="note">
      {failed < 0 && all.every((p) => p.fits === true) ? words.iptables.notReached : null}
      {shown.map(({ text, fits }) => (
        <div key={text} className={`near-${String(fits)}`}>
          <span>{fits === true ? '✓' : fits === false ? '✗' : '?'}</span> <code>{text}</code>{' '}
          <span className="faint">
            {fits === true ? words.iptables.fits : fits === false ? words.iptables.misses : words.iptables.depends}
          </span>
        </div>
      ))}
    </div>
  )
}
