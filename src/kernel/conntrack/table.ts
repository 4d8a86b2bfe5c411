import type { ConntrackEntry, TupleHash } from './entry.ts'
import { type FlowTuple, hashSource, hashTuple } from './tuple.ts'

/** nf_conntrack_hash and nf_nat_bysource of one namespace: entries by either tuple, and by the source they came from. */
export class ConntrackTable {
  #buckets: (TupleHash | undefined)[] = new Array(64).fill(undefined)
  #nodes = 0
  #bySource = new Map<number, ConntrackEntry>()
  readonly #entries = new Set<ConntrackEntry>()

  /** Confirmed entries, oldest first. */
  get entries(): ReadonlySet<ConntrackEntry> {
    return this.#entries
  }

  find(t: FlowTuple): TupleHash | undefined {
    let node = this.#buckets[hashTuple(t) & (this.#buckets.length - 1)]
    while (node !== undefined && !node.equals(t)) node = node.next
    return node
  }

  /** `replyOnly`: a clash was resolved by leaving the original direction to the entry that was first. */
  insert(entry: ConntrackEntry, replyOnly = false): void {
    if (!replyOnly) this.#link(entry.original)
    this.#link(entry.reply)
    this.#entries.add(entry)
  }

  remove(entry: ConntrackEntry): void {
    this.#unlink(entry.original)
    this.#unlink(entry.reply)
    this.#entries.delete(entry)
    this.removeBySource(entry)
  }

  addBySource(entry: ConntrackEntry): void {
    const o = entry.original
    const key = hashSource(o.src, o.sport, o.protocol)
    entry.nextBySource = this.#bySource.get(key)
    this.#bySource.set(key, entry)
  }

  removeBySource(entry: ConntrackEntry): void {
    const o = entry.original
    const key = hashSource(o.src, o.sport, o.protocol)
    let previous: ConntrackEntry | undefined
    for (let e = this.#bySource.get(key); e !== undefined; previous = e, e = e.nextBySource) {
      if (e !== entry) continue
      if (previous !== undefined) previous.nextBySource = e.nextBySource
      else if (e.nextBySource !== undefined) this.#bySource.set(key, e.nextBySource)
      else this.#bySource.delete(key)
      e.nextBySource = undefined
      return
    }
  }

  /** First of the entries whose original tuple starts at this source; follow nextBySource, and compare: the key is a hash. */
  bySource(src: number, sport: number, protocol: number): ConntrackEntry | undefined {
    return this.#bySource.get(hashSource(src, sport, protocol))
  }

  #link(node: TupleHash): void {
    if (this.#nodes >= this.#buckets.length) this.#grow()
    const i = hashTuple(node) & (this.#buckets.length - 1)
    node.next = this.#buckets[i]
    node.hashed = true
    this.#buckets[i] = node
    this.#nodes++
  }

  #unlink(node: TupleHash): void {
    if (!node.hashed) return
    const i = hashTuple(node) & (this.#buckets.length - 1)
    let previous: TupleHash | undefined
    for (let n = this.#buckets[i]; n !== undefined; previous = n, n = n.next) {
      if (n !== node) continue
      if (previous === undefined) this.#buckets[i] = n.next
      else previous.next = n.next
      break
    }
    node.next = undefined
    node.hashed = false
    this.#nodes--
  }

  #grow(): void {
    const old = this.#buckets
    this.#buckets = new Array(old.length * 4).fill(undefined)
    const mask = this.#buckets.length - 1
    for (const head of old) {
      for (let n = head; n !== undefined; ) {
        const next: TupleHash | undefined = n.next
        const i = hashTuple(n) & mask
        n.next = this.#buckets[i]
        this.#buckets[i] = n
        n = next
      }
    }
  }
}
