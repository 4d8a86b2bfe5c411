import type { Flow, RouteLookup } from '../types.ts'

const SIZE = 1024

/** The inputs of the lookups that are kept, a column each. */
class Slots {
  readonly dst = new Int32Array(SIZE)
  readonly src = new Int32Array(SIZE)
  readonly mark = new Int32Array(SIZE)
  readonly tos = new Uint8Array(SIZE)
  /** ifindexes, 0 for an open one. */
  readonly iif = new Int32Array(SIZE)
  readonly oif = new Int32Array(SIZE)
  readonly answers: (RouteLookup | undefined)[] = new Array<RouteLookup | undefined>(SIZE).fill(undefined)
}

/**
 * The answers to recent lookups, one slot a hash: what the kernel keeps as the dst entries of nexthops and sockets. A slot holds
 * every input of a lookup, so a hit is exact; `clear` when routes or devices change. A namespace that is asked once or twice (a
 * pod that hears the ARP requests of others) has none.
 */
export class FlowCache {
  #slots: Slots | undefined
  #asked = 0

  slot(flow: Flow): number {
    const h = Math.imul(flow.dst ^ Math.imul(flow.src, 0x85ebca6b), 0x9e3779b1) ^ (flow.iif === undefined ? 0 : flow.iif.ifindex)
    return (h ^ (h >>> 15)) & (SIZE - 1)
  }

  get(slot: number, flow: Flow): RouteLookup | undefined {
    const s = this.#slots
    if (
      s === undefined ||
      s.dst[slot] !== (flow.dst | 0) ||
      s.src[slot] !== (flow.src | 0) ||
      s.mark[slot] !== (flow.mark | 0) ||
      s.tos[slot] !== flow.tos ||
      s.iif[slot] !== (flow.iif === undefined ? 0 : flow.iif.ifindex) ||
      s.oif[slot] !== (flow.oif === undefined ? 0 : flow.oif.ifindex)
    ) {
      return undefined
    }
    return s.answers[slot]
  }

  set(slot: number, flow: Flow, answer: RouteLookup): void {
    if (this.#slots === undefined) {
      if (++this.#asked < WORTH_KEEPING) return
      this.#slots = new Slots()
    }
    const s = this.#slots
    s.dst[slot] = flow.dst
    s.src[slot] = flow.src
    s.mark[slot] = flow.mark
    s.tos[slot] = flow.tos
    s.iif[slot] = flow.iif === undefined ? 0 : flow.iif.ifindex
    s.oif[slot] = flow.oif === undefined ? 0 : flow.oif.ifindex
    s.answers[slot] = answer
  }

  clear(): void {
    this.#slots?.answers.fill(undefined)
  }
}

/** Lookups after which a namespace gets its cache. */
const WORTH_KEEPING = 4
