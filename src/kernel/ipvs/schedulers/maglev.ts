import type { RealServer } from '../service.ts'
import { hsiphash32 } from './hsiphash.ts'
import type { Scheduled, ScheduledPacket, Scheduler } from './scheduler.ts'
import { gcdOf } from './turns.ts'

// ip_vs_mh.c: Maglev hashing. Every real server has an order of preference over the places of a table and takes them by turns.

/** primes[CONFIG_IP_VS_MH_TAB_INDEX - 8], 12 as Debian and Ubuntu build it. */
const TABLE_SIZE = 4093
/** IP_VS_MH_TAB_BITS */
const TABLE_BITS = 6
const [KEY1, KEY2] = [2654435761n, 2654446892n]

/** ip_vs_mh_hashkey() */
const hashKey = (address: number, port: number, key: bigint, offset: number): number =>
  hsiphash32((offset + port + address) >>> 0, key)

interface MhFlags {
  /** mh-port: the client's port takes part. */
  readonly port: boolean
  /** mh-fallback: a real server that may not be taken is passed over. */
  readonly fallback: boolean
}

export class Maglev implements Scheduler {
  figure = 0
  readonly #service: Scheduled
  readonly #flags: MhFlags
  /** Filled when it is first needed: with many Services most tables never are. */
  #table: readonly RealServer[] | undefined

  constructor(service: Scheduled, flags: MhFlags) {
    this.#service = service
    this.#flags = flags
  }

  changed(): void {
    this.#table = undefined
  }
  removed(): void {
    this.#table = undefined
  }

  /** ip_vs_mh_get(), ip_vs_mh_get_fallback() */
  schedule({ src, sport }: ScheduledPacket): RealServer | undefined {
    this.#table ??= populate(this.#service.destinations)
    const table = this.#table
    const port = this.#flags.port ? sport : 0
    const start = hashKey(src, port, KEY1, 0) % TABLE_SIZE
    this.figure = start
    const server = table[start]
    if (server === undefined || server.weight > 0) return server
    if (!this.#flags.fallback) return undefined
    for (let offset = 0; offset < TABLE_SIZE; offset++) {
      const at = hashKey(src, port, KEY1, (offset + start) % TABLE_SIZE) % TABLE_SIZE
      const other = table[at]
      if (other === undefined || other.weight > 0) {
        this.figure = at
        return other
      }
    }
    return undefined
  }
}

/** ip_vs_mh_permutate(), ip_vs_mh_populate(). Empty when no weight is positive. */
function populate(all: readonly RealServer[]): RealServer[] {
  const weights = all.map((d) => d.lastWeight)
  const step = gcdOf(weights)
  if (step < 1) return []
  const greatest = Math.floor(Math.max(0, ...weights) / step)
  // fls(): huge weights are scaled down.
  const shift = Math.max(0, 32 - Math.clz32(greatest) - TABLE_BITS)
  const setups = all.map((d) => {
    const turns = Math.floor(d.lastWeight / step) >> shift
    return {
      server: d,
      at: hashKey(d.address, d.port, KEY1, 0) % TABLE_SIZE,
      skip: (hashKey(d.address, d.port, KEY2, 0) % (TABLE_SIZE - 1)) + 1,
      turns: turns !== 0 ? turns : d.lastWeight !== 0 ? 1 : 0,
    }
  })
  const table: RealServer[] = new Array(TABLE_SIZE)
  for (let n = 0; n < TABLE_SIZE; ) {
    for (const s of setups) {
      for (let turn = 0; turn < s.turns && n < TABLE_SIZE; turn++, n++) {
        while (table[s.at] !== undefined) s.at = (s.at + s.skip) % TABLE_SIZE
        table[s.at] = s.server
      }
    }
  }
  return table
}
