import type { Match } from '../../world/netfilter.ts'

type LimitMatch = Extract<Match, { kind: 'limit' }>
type NthMatch = Extract<Match, { kind: 'statistic'; mode: 'nth' }>

const SECONDS = { sec: 1, min: 60, hour: 3600, day: 86400 } as const
/** XT_LIMIT_SCALE: the rule keeps the time per packet in tenths of a millisecond. */
const SCALE = 10000

/** xt_limit: a token bucket. Linux counts in jiffies, which differ between builds; here it is ns of virtual time. */
export class LimitBucket {
  readonly #cost: number
  readonly #cap: number
  #credit: number
  #previous: number

  constructor(match: LimitMatch, now: number) {
    this.#cost = Math.floor((SCALE * SECONDS[match.unit]) / match.average) * (1e9 / SCALE)
    this.#cap = this.#cost * match.burst
    this.#credit = this.#cap
    this.#previous = now
  }

  /** limit_mt(): takes a token if there is one. */
  take(now: number): boolean {
    this.#credit = Math.min(this.#cap, this.#credit + (now - this.#previous))
    this.#previous = now
    if (this.#credit < this.#cost) return false
    this.#credit -= this.#cost
    return true
  }
}

/** xt_statistic mode nth: every `every`-th packet, the one numbered `packet` first. */
export class NthCounter {
  readonly #last: number
  #count: number

  constructor(match: NthMatch) {
    this.#last = match.every - 1
    this.#count = this.#last - match.packet
  }

  /** statistic_mt() */
  tick(): boolean {
    this.#count = this.#count === this.#last ? 0 : this.#count + 1
    return this.#count === 0
  }
}
