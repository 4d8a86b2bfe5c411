import { dnsBrief } from '../net/dns-brief.ts'
import { httpStart } from '../net/http.ts'
import { ARP_OP, ETH_P, ICMP, IPPROTO, type Packet, TCP } from '../net/packet.ts'
import { isQuoting } from '../net/quoted.ts'
import type { TraceReader } from './reader.ts'

export type ExchangeKind =
  | 'arp'
  | 'tcp-handshake'
  /** A request and its response over TCP, HTTP/1 by its first line. */
  | 'http'
  | 'tcp-data'
  | 'tcp-close'
  | 'icmp-echo'
  | 'icmp-error'
  | 'dns'
  | 'udp'
  | 'other'

/** What a packet is in its exchange. `acknowledgement` carries nothing but an ACK; `copy` is a clone or fragment of the packet before. */
type ExchangeRole = 'request' | 'reply' | 'syn' | 'syn-ack' | 'acknowledgement' | 'data' | 'fin' | 'reset' | 'error' | 'copy'

interface ExchangePart {
  readonly packet: number
  readonly role: ExchangeRole
}

/** A request and its reply at one layer: the packets that belong together, in order of birth. */
export interface Exchange {
  readonly id: number
  readonly kind: ExchangeKind
  /** Index of the journey, -1 for none. */
  readonly journey: number
  readonly parts: readonly ExchangePart[]
  /** First and last step of its packets. */
  readonly first: number
  readonly last: number
  /** The packet that an ICMP error is about, if the trace has it. */
  readonly about?: number
}

interface Open {
  readonly id: number
  kind: ExchangeKind
  readonly journey: number
  readonly parts: ExchangePart[]
  readonly about?: number
}

/** One flow, from its first packet's side; every tuple that its packets show anywhere leads here. */
interface Conversation {
  /** Tuples as the initiator's packets have them, before or after translation. */
  readonly forward: Set<string>
  current: Open | undefined
  /** The SYN-ACK is there, the third packet of the handshake is not. */
  finishing: boolean
  replied: boolean
  /** DNS: exchanges by the message's id. */
  readonly questions: Map<number, Open>
}

/**
 * Groups every packet of a trace into exchanges, by facts of the packets alone. Address translation is followed: a flow is
 * known by its tuple at birth and at the end of its way, so that a reply from a Service's backend finds its request.
 */
export function exchangesOf(reader: TraceReader): readonly Exchange[] {
  return new Grouping(reader).run()
}

/** Per packet: the id of its exchange, -1 for none. */
export function exchangeOfPackets(reader: TraceReader): Int32Array {
  const out = new Int32Array(reader.packets.length).fill(-1)
  for (const x of exchangesOf(reader)) for (const part of x.parts) out[part.packet] = x.id
  return out
}

class Grouping {
  readonly #reader: TraceReader
  readonly #exchanges: Open[] = []
  readonly #ofPacket = new Map<number, Open>()
  readonly #conversations = new Map<string, Conversation>()
  readonly #arp = new Map<string, Open>()

  constructor(reader: TraceReader) {
    this.#reader = reader
  }

  run(): readonly Exchange[] {
    const { packets } = this.#reader
    const order = Array.from({ length: packets.length }, (_, i) => i).filter((i) => (packets.born[i] ?? -1) >= 0)
    order.sort((a, b) => (packets.born[a] ?? 0) - (packets.born[b] ?? 0))
    for (const packet of order) this.#place(packet)
    return this.#exchanges.map((x) => {
      let first = Number.POSITIVE_INFINITY
      let last = -1
      for (const { packet } of x.parts) {
        first = Math.min(first, packets.first[packet] ?? 0)
        last = Math.max(last, packets.last[packet] ?? 0)
      }
      return { ...x, first, last }
    })
  }

  #place(packet: number): void {
    const info = this.#reader.packets.info(packet)
    const p = this.#reader.packetAt(packet, info.born)
    const family = this.#ofPacket.get(info.parent)
    const piece =
      info.origin === 'clone' || info.origin === 'fragment' || info.origin === 'reassembled' || info.origin === 'decapsulated'
    if (family !== undefined && (piece || info.origin === 'encapsulated')) {
      this.#add(family, packet, 'copy')
      // Translation may happen to the copy alone: the reply answers what the copy has become.
      if (p.etherType !== ETH_P.ARP) this.#learn(packet, p)
      return
    }
    if (p.etherType === ETH_P.ARP) this.#placeArp(packet, p, info.journey)
    else if (isQuoting(p)) this.#placeError(packet, info.parent, info.journey)
    else if (p.protocol === IPPROTO.TCP && p.fragmentOffset === 0) this.#placeTcp(packet, p, info.journey)
    else if (p.protocol === IPPROTO.ICMP || p.protocol === IPPROTO.UDP) this.#placePair(packet, p, info.journey)
    else this.#add(this.#open('other', info.journey), packet, 'request')
  }

  #open(kind: ExchangeKind, journey: number, about?: number): Open {
    const x = { id: this.#exchanges.length, kind, journey, parts: [], ...(about === undefined ? {} : { about }) }
    this.#exchanges.push(x)
    return x
  }

  #add(x: Open, packet: number, role: ExchangeRole): void {
    x.parts.push({ packet, role })
    this.#ofPacket.set(packet, x)
  }

  #placeArp(packet: number, p: Packet, journey: number): void {
    const request = p.arpOp === ARP_OP.REQUEST
    const key = request ? `${p.arpSpa}?${p.arpTpa}` : `${p.arpTpa}?${p.arpSpa}`
    let x = this.#arp.get(key)
    if (x === undefined || (request && x.parts.some((part) => part.role === 'reply'))) {
      x = this.#open('arp', journey)
      this.#arp.set(key, x)
    }
    this.#add(x, packet, request ? 'request' : 'reply')
  }

  #placeError(packet: number, about: number, journey: number): void {
    this.#add(this.#open('icmp-error', journey, about < 0 ? undefined : about), packet, 'error')
  }

  /** The packet's conversation, and whether it goes the initiator's way. */
  #conversation(packet: number, p: Packet): { readonly talk: Conversation; readonly forward: boolean } {
    const there = tuple(p)
    let talk = this.#conversations.get(there)
    if (talk === undefined) {
      talk = { forward: new Set([there]), current: undefined, finishing: false, replied: false, questions: new Map() }
      this.#conversations.set(there, talk)
    }
    const forward = talk.forward.has(there)
    this.#know(packet, p, talk, forward)
    return { talk, forward }
  }

  #learn(packet: number, p: Packet): void {
    const talk = this.#conversations.get(tuple(p))
    if (talk !== undefined) this.#know(packet, p, talk, talk.forward.has(tuple(p)))
  }

  /** Makes the tuples of a packet at birth and at its end, both ways, lead to its conversation. */
  #know(packet: number, p: Packet, talk: Conversation, forward: boolean): void {
    for (const state of [p, this.#reader.packetAt(packet, this.#reader.length)]) {
      this.#conversations.set(tuple(state), talk)
      this.#conversations.set(reversed(state), talk)
      talk.forward.add(forward ? tuple(state) : reversed(state))
    }
  }

  #placePair(packet: number, p: Packet, journey: number): void {
    const { talk, forward } = this.#conversation(packet, p)
    const dns = dnsBrief(p)
    if (dns !== undefined) {
      this.#placeDns({ packet, journey, talk, id: dns.id, response: dns.response })
      return
    }
    if (talk.current === undefined || (forward && talk.replied)) {
      const dns = p.protocol === IPPROTO.UDP && (p.dport === 53 || p.sport === 53)
      const echo = p.icmpType === ICMP.ECHO || p.icmpType === ICMP.ECHO_REPLY
      talk.current = this.#open(p.protocol === IPPROTO.ICMP ? (echo ? 'icmp-echo' : 'other') : dns ? 'dns' : 'udp', journey)
      talk.replied = false
    }
    if (!forward) talk.replied = true
    this.#add(talk.current, packet, forward ? 'request' : 'reply')
  }

  /** A question and its answer have one id; several may be under way between the same two ports. */
  #placeDns(m: {
    readonly packet: number
    readonly journey: number
    readonly talk: Conversation
    readonly id: number
    readonly response: boolean
  }): void {
    const { talk, id, packet } = m
    let x = talk.questions.get(id)
    if (x === undefined || (!m.response && x.parts.some((part) => part.role === 'reply'))) {
      x = this.#open('dns', m.journey)
      talk.questions.set(id, x)
    }
    this.#add(x, packet, m.response ? 'reply' : 'request')
  }

  #placeTcp(packet: number, p: Packet, journey: number): void {
    const { talk, forward } = this.#conversation(packet, p)
    const flags = p.tcpFlags
    const current = talk.current
    const go = (kind: ExchangeKind, role: ExchangeRole) => {
      if (talk.current?.kind !== kind) {
        talk.current = this.#open(kind, journey)
        talk.replied = false
      }
      this.#add(talk.current, packet, role)
    }
    if (flags & TCP.SYN) {
      const ack = (flags & TCP.ACK) !== 0
      if (!ack && current !== undefined && current.kind !== 'tcp-handshake') talk.current = undefined
      talk.finishing = ack
      go('tcp-handshake', ack ? 'syn-ack' : 'syn')
    } else if (flags & TCP.RST) {
      go(
        current?.kind === 'tcp-handshake' && !talk.finishing && current.parts.length < 3 ? 'tcp-handshake' : 'tcp-close',
        'reset',
      )
    } else if (p.payload.length > 0) {
      talk.finishing = false
      // A request after a response begins the next exchange of a kept-alive connection.
      if (forward && talk.replied) talk.current = undefined
      const known = talk.current?.kind === 'http' || talk.current?.kind === 'tcp-data' ? talk.current.kind : undefined
      go(known ?? (httpStart(p.payload) === undefined ? 'tcp-data' : 'http'), forward ? 'request' : 'reply')
      if (!forward) talk.replied = true
    } else if (flags & TCP.FIN) {
      talk.finishing = false
      go('tcp-close', 'fin')
    } else {
      talk.finishing = false
      if (talk.current === undefined) go('tcp-data', 'acknowledgement')
      else this.#add(talk.current, packet, 'acknowledgement')
    }
  }
}

const echoId = (p: Packet) => p.icmpRest >>> 16
const sport = (p: Packet) => (p.protocol === IPPROTO.ICMP ? echoId(p) : p.sport)
const dport = (p: Packet) => (p.protocol === IPPROTO.ICMP ? echoId(p) : p.dport)
const tuple = (p: Packet) => `${p.protocol} ${p.src}:${sport(p)} ${p.dst}:${dport(p)}`
const reversed = (p: Packet) => `${p.protocol} ${p.dst}:${dport(p)} ${p.src}:${sport(p)}`
