/**
 * A path-compressed binary trie from IPv4 prefixes to lists of values, after the idea of fib_trie.c: a node tests one bit and
 * skips those that all below it share. Keys and links are in typed arrays, so that a lookup touches no object.
 *
 * A prefix whose values are all gone keeps its node: routes come and go too rarely for pruning to pay.
 */
export class PrefixTrie<T> {
  // A key is a signed 32-bit integer here: typed arrays and XOR agree on that.
  #key = new Int32Array(INITIAL)
  #mask = new Int32Array(INITIAL)
  #length = new Uint8Array(INITIAL)
  /** 31 - length: how far the bit to test is to be shifted. */
  #shift = new Int8Array(INITIAL)
  /** Two a node, NONE where there is none. */
  #child = new Int32Array(2 * INITIAL)
  #parent = new Int32Array(INITIAL)
  #filled = new Uint8Array(INITIAL)
  #values: T[][] = []
  #size = 0

  constructor() {
    this.#node(0, 0, NONE)
  }

  /** The deepest node with values whose prefix contains `address`, or NONE. */
  longest(address: number): number {
    const key = this.#key
    const mask = this.#mask
    const shift = this.#shift
    const child = this.#child
    const filled = this.#filled
    let best = NONE
    let n = 0
    while (n !== NONE) {
      if (((address ^ (key[n] as number)) & (mask[n] as number)) !== 0) break
      if (filled[n] === 1) best = n
      const s = shift[n] as number
      if (s < 0) break
      n = child[2 * n + ((address >>> s) & 1)] as number
    }
    return best
  }

  /** The next shorter prefix with values that contains `node`'s, or NONE: where a lookup backtracks to. */
  shorter(node: number): number {
    let n = this.#parent[node] as number
    while (n !== NONE && this.#filled[n] !== 1) n = this.#parent[n] as number
    return n
  }

  /** The values at a node that `longest` or `shorter` gave. Not to be written to. */
  at(node: number): readonly T[] {
    return this.#values[node] as readonly T[]
  }

  /** Replaces the values of a prefix (host bits ignored) by what `change` makes of them. */
  update(address: number, length: number, change: (values: readonly T[]) => T[]): void {
    const n = this.#ensure(address & maskBits(length), length)
    const values = change(this.#values[n] as T[])
    this.#values[n] = values
    this.#filled[n] = values.length > 0 ? 1 : 0
  }

  /** Finds the node of a prefix, making it and, where two prefixes part ways, the node that tells them apart. */
  #ensure(key: number, length: number): number {
    let n = 0
    for (;;) {
      if (this.#length[n] === length) return n
      const side = 2 * n + bitOf(key, this.#length[n] as number)
      const next = this.#child[side] as number
      if (next === NONE) {
        const made = this.#node(key, length, n)
        this.#child[side] = made
        return made
      }
      const nextLength = this.#length[next] as number
      const shared = Math.min(commonBits(key, this.#key[next] as number), length, nextLength)
      if (shared === nextLength) n = next
      else return this.#split(n, side, next, { key, length, shared })
    }
  }

  /** Puts a node of `shared` bits between `parent` and `next`; the new prefix is that node or its other child. */
  #split(parent: number, side: number, next: number, to: { key: number; length: number; shared: number }): number {
    const fork = this.#node(to.key & maskBits(to.shared), to.shared, parent)
    this.#child[side] = fork
    this.#child[2 * fork + bitOf(this.#key[next] as number, to.shared)] = next
    this.#parent[next] = fork
    if (to.shared === to.length) return fork
    const made = this.#node(to.key, to.length, fork)
    this.#child[2 * fork + bitOf(to.key, to.shared)] = made
    return made
  }

  #node(key: number, length: number, parent: number): number {
    const n = this.#size++
    if (n === this.#key.length) this.#grow()
    this.#key[n] = key
    this.#mask[n] = maskBits(length)
    this.#length[n] = length
    this.#shift[n] = 31 - length
    this.#child[2 * n] = NONE
    this.#child[2 * n + 1] = NONE
    this.#parent[n] = parent
    this.#values[n] = []
    return n
  }

  #grow(): void {
    const size = this.#key.length * 2
    const copy = <A extends { set(from: A): void }>(from: A, to: A): A => {
      to.set(from)
      return to
    }
    this.#key = copy(this.#key, new Int32Array(size))
    this.#mask = copy(this.#mask, new Int32Array(size))
    this.#length = copy(this.#length, new Uint8Array(size))
    this.#shift = copy(this.#shift, new Int8Array(size))
    this.#child = copy(this.#child, new Int32Array(2 * size))
    this.#parent = copy(this.#parent, new Int32Array(size))
    this.#filled = copy(this.#filled, new Uint8Array(size))
  }
}

/** No node. */
export const NONE = -1
const INITIAL = 8

const maskBits = (length: number): number => (length === 0 ? 0 : -1 << (32 - length))
const bitOf = (key: number, index: number): number => (key >>> (31 - index)) & 1
const commonBits = (a: number, b: number): number => Math.clz32(a ^ b)
