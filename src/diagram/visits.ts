import { ETH_P } from '../net/packet.ts'
import { STEP } from '../trace/columns.ts'
import { PACKET_WIDTH } from '../trace/packets.ts'
import type { TraceReader } from '../trace/reader.ts'
import { HOOKS } from '../trace/step.ts'
import { containerId, type GateName, gateId, type Layout } from './figure.ts'

// Where each packet was, one visit after another, read from the trace alone. Which box that is depends on the layout: a stack
// in compact form is one place for all its gates.

export interface Visit {
  readonly packet: number
  readonly netns: string
  readonly place:
    | { readonly kind: 'device'; readonly device: string }
    | { readonly kind: 'gate'; readonly gate: GateName }
    | { readonly kind: 'process'; readonly container: string }
  /** seq of the first and the last step here, of this packet. */
  readonly first: number
  readonly last: number
}

const INPUT_ROUTE = 0
const REROUTE = 2
const DELIVER_SOCKET = 0

const samePlace = (a: Visit['place'], b: Visit['place']): boolean =>
  a.kind === 'device'
    ? b.kind === 'device' && a.device === b.device
    : a.kind === 'gate'
      ? b.kind === 'gate' && a.gate === b.gate
      : b.kind === 'process' && a.container === b.container

/** Builds the visits of one packet at a time, when somebody asks. */
export class VisitIndex {
  readonly reader: TraceReader
  readonly #known = new Map<number, readonly Visit[]>()

  constructor(reader: TraceReader) {
    this.reader = reader
  }

  /** Visits of a packet in order; none for a packet that is not in the trace. */
  of(packet: number): readonly Visit[] {
    let visits = this.#known.get(packet)
    if (visits === undefined) {
      visits = this.#build(packet)
      this.#known.set(packet, visits)
    }
    return visits
  }

  #build(packet: number): Visit[] {
    const { reader } = this
    const { events: e, refs, packets } = reader.trace
    const isArp = packets.rows[packet * PACKET_WIDTH + 4] === ETH_P.ARP
    const visits: { packet: number; netns: string; place: Visit['place']; first: number; last: number }[] = []
    let onDevice = false
    // br_netfilter lends a bridged frame to the IP hooks: it is at their gates until it enters somewhere else.
    let lent = false
    // ARP made in a stack belongs to the device that it leaves by, which only a later step names.
    let pending = -1
    for (const seq of reader.packets.seqsOf(packet)) {
      const netns = refs[e.netns[seq] as number] ?? ''
      const device = refs[e.device[seq] as number]
      const kind = e.kind[seq] as number
      if (kind === STEP.hook) lent = onDevice
      else if (kind === STEP.enter) lent = false
      if (kind === STEP.enter) onDevice = e.a[seq] === 0
      else if (kind === STEP.born) onDevice = device !== undefined && visits.length === 0 && isClone(e.a[seq] as number)
      const last = visits[visits.length - 1]
      const place =
        onDevice && !lent && device !== undefined
          ? ({ kind: 'device', device } as const)
          : isArp
            ? device === undefined
              ? undefined
              : ({ kind: 'device', device } as const)
            : this.#stackPlace(seq, last?.netns === netns && last.place.kind !== 'device' ? last.place : undefined)
      if (place === undefined || (last !== undefined && last.netns === netns && samePlace(last.place, place))) {
        if (last !== undefined) last.last = seq
        else if (pending < 0) pending = seq
        continue
      }
      visits.push({ packet, netns, place, first: pending < 0 ? seq : pending, last: seq })
      pending = -1
    }
    return visits
  }

  /** Where in a stack a step happens; a step that belongs to no gate of its own stays where the packet was. */
  #stackPlace(seq: number, before: Visit['place'] | undefined): Visit['place'] {
    const { events: e, refs } = this.reader.trace
    const gate = (name: GateName) => ({ kind: 'gate', gate: name }) as const
    const a = e.a[seq] as number
    switch (e.kind[seq]) {
      case STEP.born:
        return this.#process(refs[e.c[seq] as number], seq) ?? gate('local')
      case STEP.enter:
        return before ?? gate(e.b[seq] === 0 ? 'PREROUTING' : 'local')
      case STEP.hook:
        return gate(HOOKS[a] ?? 'PREROUTING')
      case STEP.route: {
        const purpose = (a >> 8) & 0xff
        return purpose === INPUT_ROUTE ? gate('routing') : purpose === REROUTE ? gate('OUTPUT') : (before ?? gate('routing'))
      }
      case STEP.rpFilter:
        return gate('routing')
      case STEP.forward:
        return gate('FORWARD')
      case STEP.wait:
      case STEP.neighLookup:
        return gate('POSTROUTING')
      case STEP.deliver: {
        const socket = a === DELIVER_SOCKET ? this.reader.versions.at(refs[e.b[seq] as number] ?? '', seq) : undefined
        return (socket?.kind === 'socket' ? this.#process(socket.process, seq) : undefined) ?? gate('local')
      }
      default:
        return before ?? gate('routing')
    }
  }

  #process(id: string | undefined, seq: number): Visit['place'] | undefined {
    const process = id === undefined ? undefined : this.reader.versions.at(id, seq)
    return process?.kind === 'process' ? { kind: 'process', container: process.container ?? '' } : undefined
  }
}

const CLONE = 4
const isClone = (origin: number) => origin === CLONE

/** The box where a visit is drawn: its own, or the nearest that the layout has. Undefined when its namespace is not drawn. */
export function boxOfVisit(layout: Layout, visit: Pick<Visit, 'netns' | 'place'>): string | undefined {
  const candidates: string[] = []
  const { place, netns } = visit
  if (place.kind === 'device') candidates.push(place.device, layout.inside.get(place.device) ?? '')
  if (place.kind === 'process') {
    candidates.push(containerId(netns, place.container))
    candidates.push(gateId(netns, 'local'))
    // A process whose container is not known belongs to the only one that there is.
    candidates.push(
      ...layout.boxes
        .filter((b) => b.netns === netns && b.of.kind === 'container')
        .map((b) => b.id)
        .slice(0, 1),
    )
  }
  if (place.kind === 'gate') {
    candidates.push(gateId(netns, place.gate))
    if (place.gate === 'local')
      candidates.push(
        ...layout.boxes
          .filter((b) => b.netns === netns && b.of.kind === 'container')
          .map((b) => b.id)
          .slice(0, 1),
      )
  }
  if (place.kind !== 'device') candidates.push(gateId(netns, 'stack'))
  candidates.push(netns, layout.inside.get(netns) ?? '')
  return candidates.find((id) => layout.box.has(id))
}
