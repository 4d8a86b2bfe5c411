import { pathToFileURL } from 'node:url'
import type { Difference } from '../../../src/lab/compare/difference.ts'
import type { FuzzCase } from '../../../src/lab/fuzz/case.ts'
import { compareCase } from '../../../src/lab/fuzz/compare.ts'
import type * as play from '../../../src/lab/fuzz/play.ts'

/** An engine out of another checkout; a text where it cannot play the case. */
export type Engine = (c: FuzzCase) => play.PlayedCase | string

/** `checkout`: a folder with the project as it was at some commit (`git worktree add DIR COMMIT`), dependencies beside it. */
export async function engineOf(checkout: string): Promise<Engine> {
  const { playCase } = (await import(`${pathToFileURL(checkout).href}/src/lab/fuzz/play.ts`)) as typeof play
  return (c) => {
    try {
      const played = playCase(c)
      if (played.undetermined !== undefined) return played.undetermined
      // Runs of older checkouts say less.
      return { ...played, run: { ...played.run, exits: played.journeys.map((j) => j.exit) } }
    } catch (e) {
      return String(e)
    }
  }
}

/** In what two engines differ, the second one in the kernel's place. Nothing where that one cannot play the case. */
export function engineDifferences(c: FuzzCase, wrong: Engine, right: Engine): readonly Difference[] {
  const b = right(c)
  if (typeof b === 'string') return []
  const a = wrong(c)
  if (typeof a === 'string') return [{ what: 'broken', where: 'engine', engine: a, kernel: undefined }]
  return compareCase(c, a, { run: b.run, journeys: b.journeys }).differences
}

/** What of the network a fault is first seen in: the rest follows from it. */
const KINDS = ['frames', 'journey', 'conntrack', 'ss', 'ip neigh', 'counters']

/** The kind of difference that has to stay when a case gets smaller. */
export const mainKind = (differences: readonly Difference[]): string | undefined =>
  KINDS.find((k) => differences.some((d) => d.what === k)) ?? differences[0]?.what
