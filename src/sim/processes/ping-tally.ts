/** What ping_common.c counts (struct ping_rts): probes, answers, and how far apart they are. */
export class Tally {
  transmitted = 0
  received = 0
  duplicates = 0
  errors = 0
  /** The most probes that were under way at once. */
  pipe = 0
  /** Microseconds. */
  readonly trips: number[] = []
  readonly #seen = new Set<number>()
  #acked = 0

  /** A probe of this number is about to be sent: its answer will be the first. */
  clear(sequence: number): void {
    this.#seen.delete(sequence & 0xffff)
  }

  /** gather_statistics(). True for an answer that came before. `time`: microseconds, where the payload has room for one. */
  reply(sequence: number, time: number | undefined): boolean {
    if (time !== undefined) this.trips.push(time)
    this.#acknowledge(sequence)
    const duplicate = this.#seen.has(sequence)
    if (duplicate) this.duplicates++
    else this.received++
    this.#seen.add(sequence)
    return duplicate
  }

  /** An ICMP error about a probe. */
  error(sequence: number): void {
    this.#acknowledge(sequence)
    this.errors++
  }

  /** acknowledge() */
  #acknowledge(sequence: number): void {
    const behind = (this.transmitted - sequence) & 0xffff
    if (behind >= 0x8000) return
    this.pipe = Math.max(this.pipe, behind + 1)
    if (((sequence - this.#acked) & 0xffff) < 0x8000) this.#acked = sequence
  }

  /** in_flight() */
  get inFlight(): number {
    const behind = (this.transmitted - this.#acked) & 0xffff
    return behind < 0x8000 ? behind : this.transmitted - this.received - this.errors
  }
}
