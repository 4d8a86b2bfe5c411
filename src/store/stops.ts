import { upperBound } from '../base/bisect.ts'
import { STEP } from '../trace/columns.ts'
import type { HopIndex } from '../trace/hops.ts'
import { RULE_VERDICTS } from '../trace/step.ts'
import type { Trace } from '../trace/trace.ts'
import type { Granularity } from './preferences.ts'

/** Where the playhead halts at each granularity: ascending seqs. `rule` halts at every step. */
export type Stops = Readonly<Record<Granularity, Int32Array>>

/** Rows that only walk towards a verdict. A rule that decides (accept, drop, nat …) is a step of its own. */
const PASSING = new Set<number>([STEP.hook, STEP.chain, STEP.policy, STEP.log])
const DECIDING = new Set<number>(
  RULE_VERDICTS.flatMap((v, i) => (v === 'continue' || v === 'jump' || v === 'goto' || v === 'return' ? [] : [i])),
)
const POLICY_DROP = 1

/** One pass over the columns and one over the hops. */
export function stopsOf(trace: Trace, hops: HopIndex): Stops {
  const { kind, a, c, length } = trace.events
  const rule = new Int32Array(length)
  const isStep = new Uint8Array(length)
  const isHop = new Uint8Array(length)
  for (let s = 0; s < length; s++) {
    rule[s] = s
    const k = kind[s] as number
    if (k === STEP.rule ? DECIDING.has(c[s] as number) : k === STEP.policy ? c[s] === POLICY_DROP : !PASSING.has(k)) isStep[s] = 1
    // Processes speak and end outside any hop, and the cluster changes outside any: hop by hop, they should still be seen.
    if (k === STEP.change || (k === STEP.process && (a[s] as number) >= 0)) isHop[s] = 1
  }
  // A hop's own halt is where it ends: what was done to the packet there is then to be seen, and its way on is decided.
  for (let h = 0; h < hops.length; h++) {
    const closed = hops.closed[h] as number
    isHop[closed < 0 ? (hops.last[h] as number) : closed] = 1
  }
  // The end of the run is a halt at every granularity: End and the last step forward must meet.
  if (length > 0) {
    isStep[length - 1] = 1
    isHop[length - 1] = 1
  }
  return { rule, step: marked(isStep), hop: marked(isHop) }
}

/** Indices of the ones, ascending. */
function marked(marks: Uint8Array): Int32Array {
  let count = 0
  for (let i = 0; i < marks.length; i++) count += marks[i] as number
  const out = new Int32Array(count)
  for (let i = 0, n = 0; i < marks.length; i++) if (marks[i] === 1) out[n++] = i
  return out
}

/** The next halt after `seq` (`direction` 1) or the last before it (-1); stays inside -1 … last. */
export function stopFrom(stops: Int32Array, seq: number, direction: 1 | -1): number {
  if (direction === 1) return stops[upperBound(stops, seq)] ?? stops.at(-1) ?? -1
  return stops[upperBound(stops, seq - 1) - 1] ?? -1
}
