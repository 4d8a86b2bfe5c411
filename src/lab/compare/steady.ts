import type { Difference } from './difference.ts'
import { rests } from './normalisations.ts'

/**
 * The differences that every one of several runs shows, as the last has them. What a busy machine does late (a neighbour
 * probed, a timer that fired) differs otherwise each time; a mistake stays.
 */
export function steadyDifferences(runs: readonly (readonly Difference[])[]): readonly Difference[] {
  const last = runs.at(-1) ?? []
  const others = runs.slice(0, -1).map((differences) => new Set(differences.map(sameness)))
  return rests(
    'busy-machine',
    last.filter((d) => others.every((seen) => seen.has(sameness(d)))),
  )
}

/** What is the engine's is told by its side: the kernel's may hold a time. */
const sameness = (d: Difference): string => [d.what, d.where, d.engine ?? `kernel ${d.kernel ?? ''}`].join('\n')
