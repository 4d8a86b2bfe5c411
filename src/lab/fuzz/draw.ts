import type { Prng } from '../../base/prng.ts'

/** Choices from one seeded stream. */
export class Draw {
  readonly #rng: Prng

  constructor(rng: Prng) {
    this.#rng = rng
  }

  /** True `percent` times of a hundred. */
  chance(percent: number): boolean {
    return this.#rng.below(100) < percent
  }

  /** From `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.#rng.below(high - low + 1)
  }

  pick<T>(list: readonly T[]): T {
    const found = list[this.#rng.below(list.length)]
    if (found === undefined) throw new Error('nothing to pick from')
    return found
  }

  /** Pairs of weight and value. */
  weighted<T>(list: readonly (readonly [weight: number, value: T])[]): T {
    let at = this.#rng.below(list.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, value] of list) {
      if (at < weight) return value
      at -= weight
    }
    throw new Error('nothing to pick from')
  }

  /** Each with the chance of `percent`. */
  some<T>(list: readonly T[], percent: number): T[] {
    return list.filter(() => this.chance(percent))
  }
}
