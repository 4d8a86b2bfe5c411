import type { FuzzCase } from '../../../src/lab/fuzz/case.ts'
import type { Slot } from './slot.ts'
import { Totals } from './totals.ts'
import { type Tried, tryCase } from './try.ts'

export interface BatchCase {
  readonly seed: number
  readonly make: () => FuzzCase
}

export interface BatchOptions {
  readonly slots: readonly Slot[]
  /** How many times more a case that differs is tried, alone. */
  readonly retries: number
  /** Once a case, when it is known what it came to. */
  readonly report: (seed: number, tried: Tried, c: FuzzCase | undefined) => void
  /** Now and then: how far it is. */
  readonly progress: (text: string) => void
}

const PROGRESS_MS = 10_000

/**
 * Runs cases beside each other, then what differed again, alone. Nothing that a single case does ends the batch: an exception
 * is that case's result.
 */
export async function runBatch(cases: readonly BatchCase[], o: BatchOptions): Promise<Totals> {
  const totals = new Totals()
  const suspects: BatchCase[] = []
  const settle = (one: BatchCase, tried: Tried, c: FuzzCase | undefined) => {
    totals.add(one.seed, tried)
    o.report(one.seed, tried, c)
  }
  const timer = setInterval(
    () => o.progress(`${totals.cases} of ${cases.length} cases, ${suspects.length} to be tried again`),
    PROGRESS_MS,
  )
  try {
    const all = cases.values()
    await Promise.all(
      o.slots.map((slot) =>
        work(slot, all, 0, (one, tried, c) => {
          if (tried.kind === 'different' || tried.kind === 'unbuilt') suspects.push(one)
          else settle(one, tried, c)
        }),
      ),
    )
    if (suspects.length > 0) o.progress(`${suspects.length} of ${cases.length} cases to be tried again, alone`)
    const alone = (one: BatchCase, t: Tried, c: FuzzCase | undefined) =>
      settle(one, t.kind === 'same' ? { ...t, again: t.again + 1 } : t, c)
    for (const slot of o.slots.slice(0, 1)) await work(slot, suspects.values(), o.retries, alone)
  } finally {
    clearInterval(timer)
  }
  return totals
}

async function work(
  slot: Slot,
  from: Iterator<BatchCase>,
  retries: number,
  done: (one: BatchCase, tried: Tried, c: FuzzCase | undefined) => void,
): Promise<void> {
  for (let n = from.next(); n.done !== true; n = from.next()) {
    let c: FuzzCase | undefined
    let tried: Tried
    try {
      c = n.value.make()
      tried = await tryCase(c, slot, retries)
    } catch (e) {
      tried = { kind: 'broken', message: e instanceof Error ? (e.stack ?? e.message) : String(e) }
    }
    done(n.value, tried, c)
  }
}
