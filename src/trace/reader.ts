import { upperBound } from '../base/bisect.ts'
import { macOf } from '../net/address.ts'
import { ETH_P, FIELD, Packet } from '../net/packet.ts'
import { STEP } from './columns.ts'
import { decodeStep } from './decode.ts'
import { type Groups, groupBy } from './groups.ts'
import { HopIndex } from './hops.ts'
import type { TraceIndexes } from './indexes.ts'
import { PacketIndex } from './packet-index.ts'
import { PACKET_WIDTH, readPacketRow } from './packets.ts'
import { applyPayloadEdit } from './payload.ts'
import type { PacketOrigin, Step, TraceEvent } from './step.ts'
import type { Trace } from './trace.ts'
import { RecordVersions } from './versions.ts'

/** Packets that begin with another one's mark. */
const COPIES: ReadonlySet<PacketOrigin> = new Set(['clone', 'fragment', 'reassembled', 'decapsulated'])

/**
 * Reads a trace. Everything is decoded on demand and kept where it pays: the indexes are built at first use, one linear pass
 * each, and a packet's fields once per rewrite.
 */
export class TraceReader {
  readonly trace: Trace
  /** Number of steps. */
  readonly length: number
  /** Made beforehand, in the worker; whatever is missing is built at first use. */
  readonly indexes: Partial<TraceIndexes>
  #versions: RecordVersions | undefined
  #hops: HopIndex | undefined
  #packets: PacketIndex | undefined
  #rewrites: Groups | undefined
  readonly #states = new Map<number, Packet[]>()

  constructor(trace: Trace, indexes: Partial<TraceIndexes> = {}) {
    this.trace = trace
    this.indexes = indexes
    this.length = trace.events.length
  }

  get versions(): RecordVersions {
    this.#versions ??= new RecordVersions(this.trace)
    return this.#versions
  }
  get hops(): HopIndex {
    this.#hops ??= new HopIndex(this, this.indexes.hops)
    return this.#hops
  }
  get packets(): PacketIndex {
    this.#packets ??= new PacketIndex(this, this.indexes.packets)
    return this.#packets
  }

  /** The facts of one step. Throws outside 0 … length-1. */
  step(seq: number): Step {
    if (!(seq >= 0 && seq < this.length)) throw new Error(`there is no step ${seq}`)
    return decodeStep(this.trace, this.versions, seq)
  }

  event(seq: number): TraceEvent {
    const step = this.step(seq)
    const e = this.trace.events
    return {
      seq,
      t: e.t[seq] as number,
      cause: e.cause[seq] as number,
      packet: e.packet[seq] as number,
      netns: this.netnsAt(seq),
      device: this.deviceAt(seq),
      step,
    }
  }

  /** STEP code of a row, without allocation. */
  kindOf(seq: number): number {
    return this.trace.events.kind[seq] ?? -1
  }
  /** Virtual time of a step in ns; 0 before the first. */
  timeOf(seq: number): number {
    return this.trace.events.t[seq] ?? 0
  }
  /** Packet number of a step, -1 for none. */
  packetOf(seq: number): number {
    return this.trace.events.packet[seq] ?? -1
  }
  causeOf(seq: number): number {
    return this.trace.events.cause[seq] ?? -1
  }
  /** netns id of a step. */
  netnsAt(seq: number): string {
    return this.trace.refs[this.trace.events.netns[seq] ?? -1] ?? ''
  }
  /** device id of a step, if it names one. */
  deviceAt(seq: number): string | undefined {
    return this.trace.refs[this.trace.events.device[seq] ?? -1]
  }
  /** A record id by its number in the columns. */
  refName(ref: number): string | undefined {
    return this.trace.refs[ref]
  }

  /**
   * A packet's header fields and bytes after step `seq`: as it was born, with every rewrite up to and including that step.
   * The same object for the same state: never write to it.
   */
  packetAt(packet: number, seq: number): Packet {
    return this.#stateOf(packet, this.#rewritesBefore(packet, seq))
  }

  /** skb->mark of a packet after step `seq`: metadata, so no part of `packetAt`. A copy starts with its original's. */
  markAt(packet: number, seq: number): number {
    const list = this.#rewriteList(packet)
    const { a, c } = this.trace.events
    for (let i = upperBound(list, seq) - 1; i >= 0; i--) {
      if (a[list[i] as number] === FIELD.MARK) return (c[list[i] as number] as number) >>> 0
    }
    const parent = COPIES.has(this.packets.origin(packet)) ? (this.packets.parent[packet] ?? -1) : -1
    return parent < 0 ? 0 : this.markAt(parent, this.packets.born[packet] ?? -1)
  }

  /** seqs of a packet's rewrites, ascending. */
  rewritesOf(packet: number): Int32Array {
    return this.#rewriteList(packet)
  }

  #rewritesBefore(packet: number, seq: number): number {
    return upperBound(this.#rewriteList(packet), seq)
  }

  #rewriteList(packet: number): Int32Array {
    this.#rewrites ??= this.indexes.rewrites ?? rewritesByPacket(this.trace)
    const { start, items } = this.#rewrites
    return items.subarray(start[packet] ?? 0, start[packet + 1] ?? 0)
  }

  #stateOf(packet: number, count: number): Packet {
    let states = this.#states.get(packet)
    if (states === undefined) {
      const { length, rows, options, payloads } = this.trace.packets
      if (!(packet >= 0 && packet < length)) throw new Error(`there is no packet ${packet}`)
      const born = readPacketRow(rows, packet * PACKET_WIDTH)
      born.options = options[packet] ?? born.options
      born.payload = payloads[packet] ?? born.payload
      states = [born]
      this.#states.set(packet, states)
    }
    const list = this.#rewriteList(packet)
    for (let i = states.length; i <= count; i++) {
      const p = new Packet().copyFrom(states[i - 1] as Packet)
      this.#apply(p, list[i - 1] as number)
      states.push(p)
    }
    return states[count] as Packet
  }

  #apply(p: Packet, seq: number): void {
    const { a, c, d } = this.trace.events
    const to = c[seq] as number
    switch (a[seq]) {
      case FIELD.ETH_SRC:
        p.ethSrc = macOf(d[seq] as number, to)
        break
      case FIELD.ETH_DST:
        p.ethDst = macOf(d[seq] as number, to)
        break
      case FIELD.TOS:
        p.tos = to
        return
      case FIELD.IP_ID:
        p.ident = to
        return
      case FIELD.IP_FLAGS:
        p.ipFlags = to
        return
      case FIELD.FRAGMENT:
        p.fragmentOffset = to
        return
      case FIELD.TTL:
        p.ttl = to
        return
      case FIELD.SRC:
        p.src = to >>> 0
        return
      case FIELD.DST:
        p.dst = to >>> 0
        return
      case FIELD.SPORT:
        p.sport = to
        return
      case FIELD.DPORT:
        p.dport = to
        return
      case FIELD.ICMP_REST:
        p.icmpRest = to >>> 0
        return
      case FIELD.PAYLOAD:
        p.payload = applyPayloadEdit(p.payload, this.trace.texts[d[seq] as number] ?? '')
        return
      default:
        return
    }
    // The neighbour layer writes both addresses of a header that did not exist until then.
    if (p.etherType === 0) p.etherType = ETH_P.IP
  }
}

/** seqs of rewrites by packet. */
export function rewritesByPacket(trace: Trace): Groups {
  const { kind, packet } = trace.events
  return groupBy(
    packet.map((p, s) => (kind[s] === STEP.rewrite ? p : -1)),
    trace.packets.length,
  )
}
