import type { RealServer } from '../service.ts'
import type { Scheduled, Scheduler } from './scheduler.ts'

// ip_vs_rr.c, ip_vs_wrr.c: by turns. Both remember the real server that was last (undefined: the head of the list) and go on
// behind it.

export class RoundRobin implements Scheduler {
  figure = 0
  readonly #service: Scheduled
  #last: RealServer | undefined

  constructor(service: Scheduled) {
    this.#service = service
  }

  /** ip_vs_rr_schedule() */
  schedule(): RealServer | undefined {
    const all = this.#service.destinations
    // Without one in the list the walk starts at the head.
    const start = this.#last === undefined ? -1 : all.indexOf(this.#last)
    for (let n = 1; n <= all.length; n++) {
      const server = all[(start + n) % all.length]
      if (server === undefined || server.weight <= 0) continue
      this.#last = server
      this.figure = server.weight
      return server
    }
    return undefined
  }

  changed(): void {}

  /** ip_vs_rr_del_dest(): what was before the removed one was last. */
  removed(at: number): void {
    if (this.#last?.available === false) this.#last = this.#service.destinations[at - 1]
  }
}

function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}

/** 0 when no weight is positive. */
export const gcdOf = (weights: readonly number[]): number => weights.reduce((g, w) => (w > 0 ? gcd(w, g) : g), 0)

export class WeightedRoundRobin implements Scheduler {
  figure = 0
  readonly #service: Scheduled
  #last: RealServer | undefined
  /** mark->cw, mw, di: the weight that counts in this pass, the greatest, the step from pass to pass. */
  #current = 0
  #greatest = 0
  #step = 1

  constructor(service: Scheduled) {
    this.#service = service
    this.#weigh()
    this.#current = this.#greatest
  }

  /** ip_vs_wrr_dest_changed() */
  changed(): void {
    this.#last = undefined
    this.#weigh()
    if (this.#current > this.#greatest || this.#current === 0) this.#current = this.#greatest
    else if (this.#step > 1) this.#current = Math.floor(this.#current / this.#step) * this.#step + 1
  }

  removed(): void {
    this.changed()
  }

  #weigh(): void {
    const weights = this.#service.destinations.map((d) => d.weight)
    this.#step = gcdOf(weights) || 1
    // Lowered so that the last pass is for a weight of 1.
    this.#greatest = Math.max(0, ...weights) - (this.#step - 1)
  }

  /** ip_vs_wrr_schedule() */
  schedule(): RealServer | undefined {
    const all = this.#service.destinations
    if (this.#greatest === 0) return undefined
    const last = this.#last === undefined ? -1 : all.indexOf(this.#last)
    let at = last
    let stop = -1
    let restarted = false
    let lastPass = false
    for (;;) {
      for (at++; at < all.length; at++) {
        const server = all[at] as RealServer
        if (server.weight >= this.#current) {
          this.#last = server
          this.figure = this.#current
          return server
        }
        if (at === stop) {
          this.#last = server
          return undefined
        }
      }
      this.#current -= this.#step
      if (this.#current <= 0) {
        this.#current = this.#greatest
        if (lastPass || last < 0) {
          this.#last = undefined
          return undefined
        }
        restarted = true
      }
      lastPass = this.#current <= this.#step
      if (lastPass && restarted && last >= 0) stop = last
      at = -1
    }
  }
}
