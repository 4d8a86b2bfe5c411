import type { Flow, RouteLookup } from '../types.ts'

const SIZE = 1024

/**
 * The answers to recent lookups, one slot a hash: what the kernel keeps as the dst entries of nexthops and sockets. A slot holds
 * every input of a lookup, so a hit is exact; `clear` when routes or devices change.
 */
export class FlowCache {
  readonly #dst = new Int32Array(SIZE)
  readonly #src = new Int32Array(SIZE)
  readonly #mark = new Int32Array(SIZE)
  readonly #tos = new Uint8Array(SIZE)
  /** ifindexes, 0 for an open one. */
  readonly #iif = new Int32Array(SIZE)
  readonly #oif = new Int32Array(SIZE)
  readonly #answers: (RouteLookup | undefined)[] = new Array<RouteLookup | undefined>(SIZE).fill(undefined)

  slot(flow: Flow): number {
    const h = Math.imul(flow.dst ^ Math.imul(flow.src, 0x85ebca6b), 0x9e3779b1) ^ (flow.iif === undefined ? 0 : flow.iif.ifindex)
    return (h ^ (h >>> 15)) & (SIZE - 1)
  }

  get(slot: number, flow: Flow): RouteLookup | undefined {
    if (
      this.#dst[slot] !== (flow.dst | 0) ||
      this.#src[slot] !== (flow.src | 0) ||
      this.#mark[slot] !== (flow.mark | 0) ||
      this.#tos[slot] !== flow.tos ||
      this.#iif[slot] !== (flow.iif === undefined ? 0 : flow.iif.ifindex) ||
      this.#oif[slot] !== (flow.oif === undefined ? 0 : flow.oif.ifindex)
    ) {
      return undefined
    }
    return this.#answers[slot]
  }

  set(slot: number, flow: Flow, answer: RouteLookup): void {
    this.#dst[slot] = flow.dst
    this.#src[slot] = flow.src
    this.#mark[slot] = flow.mark
    this.#tos[slot] = flow.tos
    this.#iif[slot] = flow.iif === undefined ? 0 : flow.iif.ifindex
    this.#oif[slot] = flow.oif === undefined ? 0 : flow.oif.ifindex
    this.#answers[slot] = answer
  }

  clear(): void {
    this.#answers.fill(undefined)
  }
}
