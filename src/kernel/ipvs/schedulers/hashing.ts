import type { RealServer } from '../service.ts'
import type { Scheduled, ScheduledPacket, Scheduler } from './scheduler.ts'

// ip_vs_sh.c, ip_vs_dh.c: 256 buckets, filled with the real servers by turns.

const TABLE_BITS = 8
const TABLE_SIZE = 1 << TABLE_BITS

/** hash_32() (include/linux/hash.h) to this many bits. */
export const hash32 = (value: number, bits: number): number => Math.imul(value, 0x61c88647) >>> (32 - bits)

/** Fills the buckets: each real server in turn takes as many as `share` says. */
function fill(all: readonly RealServer[], share: (d: RealServer) => number): (RealServer | undefined)[] {
  const buckets: (RealServer | undefined)[] = []
  let at = 0
  let taken = 0
  for (let i = 0; i < TABLE_SIZE; i++) {
    const server = all[at % Math.max(1, all.length)]
    buckets.push(server)
    if (server === undefined || ++taken < share(server)) continue
    at++
    taken = 0
  }
  return buckets
}

interface HashFlags {
  /** sh-port: the client's port takes part. */
  readonly port: boolean
  /** sh-fallback: a real server that may not be taken is passed over. */
  readonly fallback: boolean
}

export class SourceHashing implements Scheduler {
  figure = 0
  readonly #service: Scheduled
  readonly #flags: HashFlags
  #buckets: readonly (RealServer | undefined)[]

  constructor(service: Scheduled, flags: HashFlags) {
    this.#service = service
    this.#flags = flags
    this.#buckets = this.#filled()
  }

  #filled(): (RealServer | undefined)[] {
    return fill(this.#service.destinations, (d) => d.weight)
  }

  changed(): void {
    this.#buckets = this.#filled()
  }
  removed(): void {
    this.changed()
  }

  /** ip_vs_sh_get(), ip_vs_sh_get_fallback() */
  schedule({ src, sport }: ScheduledPacket): RealServer | undefined {
    const start = hash32((src + (this.#flags.port ? sport : 0)) >>> 0, TABLE_BITS)
    this.figure = start
    const server = this.#buckets[start]
    if (server === undefined || server.weight > 0) return server
    if (!this.#flags.fallback) return undefined
    for (let offset = 0; offset < TABLE_SIZE; offset++) {
      // roffset is the start plus the offset, and the hash itself is added to it again.
      const at = (((offset + start) % TABLE_SIZE) + start) & (TABLE_SIZE - 1)
      const other = this.#buckets[at]
      if (other === undefined) return undefined
      if (other.weight <= 0) continue
      this.figure = at
      return other
    }
    return undefined
  }
}

export class DestinationHashing implements Scheduler {
  figure = 0
  readonly #service: Scheduled
  #buckets: readonly (RealServer | undefined)[]

  constructor(service: Scheduled) {
    this.#service = service
    this.#buckets = fill(service.destinations, () => 1)
  }

  changed(): void {
    this.#buckets = fill(this.#service.destinations, () => 1)
  }
  removed(): void {
    this.changed()
  }

  /** ip_vs_dh_schedule() */
  schedule({ dst }: ScheduledPacket): RealServer | undefined {
    this.figure = hash32(dst >>> 0, TABLE_BITS)
    const server = this.#buckets[this.figure]
    return server === undefined || server.weight <= 0 ? undefined : server
  }
}
