import { release, type } from 'node:os'
import { ExercisedTally } from '../../../src/lab/compare/exercised.ts'
import type { FuzzRun, FuzzSeeds } from '../../../src/lab/testing/recordings.ts'
import type { Tried } from './try.ts'

const FIGURES = ['frames', 'hits', 'rules', 'walks', 'entries'] as const

/** What some cases came to. */
export class Totals {
  cases = 0
  alike = 0
  /** Of those alike: only when tried again, with nothing beside them. */
  again = 0
  /** Those whose rules were compared packet by packet as well. */
  traced = 0
  readonly figures = { frames: 0, hits: 0, rules: 0, walks: 0, entries: 0 }
  readonly #used = new ExercisedTally()
  readonly #seeds: { readonly [K in keyof FuzzSeeds]: number[] } = {
    different: [],
    unsteady: [],
    undetermined: [],
    broken: [],
    unbuilt: [],
    refused: [],
  }

  add(seed: number, tried: Tried): void {
    this.cases++
    if (tried.kind === 'same' || tried.kind === 'different') for (const key of FIGURES) this.figures[key] += tried.compared[key]
    if (tried.kind !== 'same') {
      this.#seeds[tried.kind].push(seed)
      return
    }
    this.alike++
    if (tried.again > 0) this.again++
    if (tried.kernel.traced) this.traced++
    this.#used.add(tried.used)
  }

  get seeds(): FuzzSeeds {
    const sorted = Object.entries(this.#seeds).map(([kind, list]) => [kind, list.toSorted((a, b) => a - b)])
    return Object.fromEntries(sorted) as unknown as FuzzSeeds
  }

  /** Cases in which the engine and the kernel disagree, or that could not be compared though they should. */
  get failures(): number {
    const { different, broken, unbuilt } = this.#seeds
    return different.length + broken.length + unbuilt.length
  }

  lines(seconds: number): string[] {
    const { frames, hits, rules, walks, entries } = this.figures
    const s = this.seeds
    const others: readonly (readonly [readonly number[], string])[] = [
      [s.different, 'different'],
      [s.unsteady, 'where the kernel differs from itself'],
      [s.undetermined, 'undetermined'],
      [s.broken, 'broken'],
      [s.unbuilt, 'could not be built'],
      [s.refused, 'refused'],
    ]
    return [
      `${this.cases} cases in ${seconds.toFixed(0)} s (${(this.cases / seconds).toFixed(2)} a second): ` +
        `${this.alike} alike (${this.again} of them only when tried again alone), ${others.map(([list, what]) => `${list.length} ${what}`).join(', ')}`,
      `${frames} frames, ${rules} rules (${hits} hit), ${walks} walks through a chain (of ${this.traced} cases), ${entries} table entries compared`,
      ...others.filter(([list]) => list.length > 0).map(([list, what]) => `${what}: ${list.join(' ')}`),
    ]
  }

  /** As it is kept: nothing in it tells when or on what machine, beyond the kernel's version, it was. */
  run(first: number): FuzzRun {
    const { seeds } = this
    return {
      // Without the distributor's suffix: the version is what behaviour goes by.
      kernel: `${type()} ${release().replace(/-.*/, '')}`,
      seed: first,
      cases: this.cases,
      alike: this.alike,
      again: this.again,
      different: this.failures,
      unsteady: seeds.unsteady.length,
      undetermined: seeds.undetermined.length,
      refused: seeds.refused.length,
      seeds,
      ...this.figures,
      traced: this.traced,
      exercised: this.#used.counts(),
    }
  }
}
