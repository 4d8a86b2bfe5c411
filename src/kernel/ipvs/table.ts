import { hashSource } from '../conntrack/tuple.ts'
import type { Connection, ConnectionParams } from './connection.ts'

/**
 * ip_vs_conn_tab of one namespace. Connections are hashed by protocol, client address and client port, which both ways of
 * looking know: a request has them as its source, a reply as its destination.
 */
export class ConnectionTable {
  readonly #buckets = new Map<number, Connection>()
  readonly #all = new Set<Connection>()

  /** Oldest first. */
  get connections(): ReadonlySet<Connection> {
    return this.#all
  }

  /** ip_vs_conn_in_get(): by client and virtual address. */
  findIn(protocol: number, caddr: number, cport: number, vaddr: number, vport: number): Connection | undefined {
    for (let c = this.#buckets.get(hashSource(caddr, cport, protocol)); c !== undefined; c = c.next) {
      const same = c.cport === cport && c.vport === vport && c.caddr === caddr && c.vaddr === vaddr
      if (same && c.protocol === protocol && !c.template) return c
    }
    return undefined
  }

  /** ip_vs_ct_in_get(): the template of a client. */
  findTemplate({ protocol, caddr, cport, vaddr, vport }: ConnectionParams): Connection | undefined {
    for (let c = this.#buckets.get(hashSource(caddr, cport, protocol)); c !== undefined; c = c.next) {
      const same = c.cport === cport && c.vport === vport && c.caddr === caddr && c.vaddr === vaddr
      if (same && c.protocol === protocol && c.template) return c
    }
    return undefined
  }

  /** ip_vs_conn_out_get(): by real server and client. */
  findOut(protocol: number, daddr: number, dport: number, caddr: number, cport: number): Connection | undefined {
    for (let c = this.#buckets.get(hashSource(caddr, cport, protocol)); c !== undefined; c = c.next) {
      if (c.cport === cport && c.dport === dport && c.caddr === caddr && c.daddr === daddr && c.protocol === protocol) return c
    }
    return undefined
  }

  /** ip_vs_conn_hash(): at the head of its bucket. */
  insert(c: Connection): void {
    const key = hashSource(c.caddr, c.cport, c.protocol)
    c.next = this.#buckets.get(key)
    c.hashed = true
    this.#buckets.set(key, c)
    this.#all.add(c)
  }

  /** ip_vs_conn_unhash() */
  remove(c: Connection): void {
    this.#all.delete(c)
    this.unhash(c)
  }

  /** Takes it out of reach of lookups; it stays until its timer runs out. */
  unhash(c: Connection): void {
    if (!c.hashed) return
    c.hashed = false
    const key = hashSource(c.caddr, c.cport, c.protocol)
    let previous: Connection | undefined
    for (let n = this.#buckets.get(key); n !== undefined; previous = n, n = n.next) {
      if (n !== c) continue
      if (previous !== undefined) previous.next = c.next
      else if (c.next !== undefined) this.#buckets.set(key, c.next)
      else this.#buckets.delete(key)
      break
    }
    c.next = undefined
  }
}
