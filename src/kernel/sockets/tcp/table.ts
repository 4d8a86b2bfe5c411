import type { Ipv4 } from '../../../net/address.ts'
import type { TcpState } from '../../../world/records.ts'
import type { Device } from '../../types.ts'

/** What the hash tables need to know of a socket. */
export interface TcpEnds {
  readonly localAddress: Ipv4
  readonly localPort: number
  readonly remoteAddress: Ipv4
  readonly remotePort: number
  readonly device: Device | undefined
  readonly state: TcpState
  /** SO_REUSEADDR */
  readonly reuse: boolean
  /** Its port was asked for by bind(2), or inherited from a listener. */
  readonly portHeld: boolean
}

/** struct inet_hashinfo of one namespace: established sockets by both ends, listeners and bound ports by port. */
export class TcpTable<S extends TcpEnds> {
  readonly #established = new Map<string, S>()
  readonly #bound = new Map<number, Set<S>>()

  /** __inet_lookup(): the connection if there is one, else the listener. */
  lookup(local: { address: number; port: number; device: Device | undefined }, remote: { address: number; port: number }) {
    return this.connection(local.address, local.port, remote.address, remote.port) ?? this.listener(local)
  }

  connection(local: number, localPort: number, remote: number, remotePort: number): S | undefined {
    return this.#established.get(key(local, localPort, remote, remotePort))
  }

  /** compute_score(): a listener on the very address, or on the very device, goes before one on any. */
  listener(local: { address: number; port: number; device: Device | undefined }): S | undefined {
    let best: S | undefined
    let bestScore = -1
    for (const s of this.#bound.get(local.port) ?? []) {
      if (s.state !== 'LISTEN') continue
      if (s.localAddress !== 0 && s.localAddress !== local.address) continue
      if (s.device !== undefined && s.device !== local.device) continue
      const score = (s.localAddress !== 0 ? 1 : 0) + (s.device !== undefined ? 2 : 0)
      if (score > bestScore) {
        best = s
        bestScore = score
      }
    }
    return best
  }

  /** inet_csk_bind_conflict() */
  conflicts(want: { address: number; port: number; device: Device | undefined; reuse: boolean }, self: S): boolean {
    for (const s of this.#bound.get(want.port) ?? []) {
      if (s === self) continue
      const sameDevice = s.device === undefined || want.device === undefined || s.device === want.device
      const sameAddress = s.localAddress === 0 || want.address === 0 || s.localAddress === want.address
      if (sameDevice && sameAddress && !(want.reuse && s.reuse && s.state !== 'LISTEN')) return true
    }
    return false
  }

  /** May connect() take this port: nobody bound it, and the pair of ends is not in use. */
  freeForConnect(src: number, port: number, dst: number, dport: number): boolean {
    for (const s of this.#bound.get(port) ?? []) if (s.portHeld) return false
    return !this.#established.has(key(src, port, dst, dport))
  }

  bind(s: S): void {
    const bucket = this.#bound.get(s.localPort)
    if (bucket === undefined) this.#bound.set(s.localPort, new Set([s]))
    else bucket.add(s)
  }

  hash(s: S): void {
    this.#established.set(key(s.localAddress, s.localPort, s.remoteAddress, s.remotePort), s)
  }

  /** Out of both tables. `s` must still have the ends it was entered with. */
  remove(s: S): void {
    const k = key(s.localAddress, s.localPort, s.remoteAddress, s.remotePort)
    if (this.#established.get(k) === s) this.#established.delete(k)
    const bucket = this.#bound.get(s.localPort)
    bucket?.delete(s)
    if (bucket?.size === 0) this.#bound.delete(s.localPort)
  }
}

const key = (local: number, localPort: number, remote: number, remotePort: number): string =>
  `${local}:${localPort}>${remote}:${remotePort}`
