import type { Device } from '../types.ts'
import type { Endpoint } from './socket.ts'

export interface UdpEnds {
  readonly local: Endpoint
  readonly remote: Endpoint | undefined
  readonly device: Device | undefined
  readonly reuse: boolean
}

/** struct udp_table of one namespace. */
export class UdpTable<S extends UdpEnds> {
  readonly #byPort = new Map<number, S[]>()

  add(s: S): void {
    const slot = this.#byPort.get(s.local.port)
    if (slot === undefined) this.#byPort.set(s.local.port, [s])
    else slot.push(s)
  }

  remove(s: S): void {
    const slot = this.#byPort.get(s.local.port)
    const i = slot?.indexOf(s) ?? -1
    if (i >= 0) slot?.splice(i, 1)
    if (slot?.length === 0) this.#byPort.delete(s.local.port)
  }

  /** __udp4_lib_lookup(): by compute_score(), the socket that says most about the packet's ends. */
  lookup(local: Endpoint, remote: Endpoint, device: Device | undefined): S | undefined {
    let best: S | undefined
    let bestScore = -1
    for (const s of this.#byPort.get(local.port) ?? []) {
      const score = scoreOf(s, local, remote, device)
      if (score > bestScore) {
        best = s
        bestScore = score
      }
    }
    return best
  }

  /** udp_lib_lport_inuse() */
  conflicts(want: { address: number; port: number; reuse: boolean }): boolean {
    return (this.#byPort.get(want.port) ?? []).some(
      (s) => (s.local.address === 0 || want.address === 0 || s.local.address === want.address) && !(s.reuse && want.reuse),
    )
  }
}

function scoreOf(s: UdpEnds, local: Endpoint, remote: Endpoint, device: Device | undefined): number {
  let score = 1
  if (s.local.address !== 0) {
    if (s.local.address !== local.address) return -1
    score += 4
  }
  if (s.remote !== undefined) {
    if (s.remote.address !== remote.address || s.remote.port !== remote.port) return -1
    score += 8
  }
  if (s.device !== undefined) {
    if (s.device !== device) return -1
    score += 4
  }
  return score
}
