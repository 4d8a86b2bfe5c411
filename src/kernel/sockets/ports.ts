import { hash32 } from '../../base/prng.ts'

/** net.ipv4.ip_local_port_range */
const LOW = 32768
const HIGH = 60999
const RANGE = HIGH - LOW + 1

/** Picks ephemeral ports as Linux does, from a secret instead of a random source, so that a run can be repeated. */
export class PortTable {
  readonly #secret: number
  readonly #perturb = new Map<number, number>()
  #udp = 0

  constructor(secret: number) {
    this.#secret = secret
  }

  /**
   * __inet_hash_connect(): the search starts at a port that the other end's address decides (RFC 6056 algorithm 4) and takes
   * ports of the range's own parity first, which leaves the others to bind(0).
   */
  forConnect(flow: { src: number; dst: number; dport: number }, free: (port: number) => boolean): number | undefined {
    const bucket = hash32(`${flow.src} ${flow.dst} ${flow.dport}`, this.#secret)
    const shift = this.#perturb.get(bucket) ?? 0
    const start = ((bucket + shift) % RANGE) & ~1
    const found = search(start, free) ?? search(start + 1, free)
    if (found !== undefined) this.#perturb.set(bucket, shift + 2)
    return found
  }

  /** inet_csk_find_open_port(): bind(0) on a stream socket starts with the odd ports. */
  forBind(free: (port: number) => boolean): number | undefined {
    const start = (hash32('bind', this.#secret) % RANGE) | 1
    return search(start, free) ?? search(start + 1, free)
  }

  /** udp_lib_get_port() */
  forDatagram(free: (port: number) => boolean): number | undefined {
    const start = hash32(`udp ${this.#udp++}`, this.#secret) % RANGE
    return search(start, free) ?? search(start + 1, free)
  }
}

/** Every second port of the range from `offset` on, around the end. */
function search(offset: number, free: (port: number) => boolean): number | undefined {
  for (let i = 0; i < RANGE; i += 2) {
    const port = LOW + ((offset + i) % RANGE)
    if (free(port)) return port
  }
  return undefined
}
