import type { Kernel } from '../types.ts'

/** net.ipv4.route.mtu_expires, ns. */
const MTU_EXPIRES = 600 * 1_000_000_000
/** net.ipv4.route.min_pmtu, bytes. */
const MIN_PMTU = 552

/** The path MTUs that "fragmentation needed" has taught, one per destination: the fib's next-hop exceptions (update_or_create_fnhe). */
export class PmtuCache {
  readonly #kernel: Kernel
  readonly #entries = new Map<number, { readonly mtu: number; readonly expires: number }>()

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** Bytes of IP packet that pass to `dst`: the device's `mtu` unless a smaller one is known. */
  lookup(dst: number, mtu: number): number {
    const known = this.#entries.get(dst)
    if (known === undefined) return mtu
    if (known.expires <= this.#kernel.now) {
      this.#entries.delete(dst)
      return mtu
    }
    return Math.min(known.mtu, mtu)
  }

  /** __ip_rt_update_pmtu(). */
  update(dst: number, mtu: number): void {
    this.#entries.set(dst, { mtu: Math.max(mtu, MIN_PMTU), expires: this.#kernel.now + MTU_EXPIRES })
  }
}
