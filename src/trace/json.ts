import { formatIpv4, formatMac } from '../net/address.ts'
import { emitPacket } from '../net/emit.ts'
import { ETH_P, IPPROTO, type Packet } from '../net/packet.ts'
import { summarize } from '../net/summary.ts'
import { tunnelled } from '../net/vxlan.ts'
import type { WorldRecord } from '../world/records.ts'
import type { Delta } from '../world/world.ts'
import { deviceName, netnsName } from './names.ts'
import type { TraceReader } from './reader.ts'
import type { PacketOrigin, Step } from './step.ts'
import { fieldText } from './step-text.ts'
import type { JourneyVerdict } from './trace.ts'

/** A packet as it was born. `frame` is its bytes in hex. */
interface JsonPacket {
  readonly packet: number
  readonly origin: PacketOrigin
  readonly born: number
  readonly parent?: number
  readonly journey?: number
  readonly summary: string
  readonly frame: string
  readonly fields: Readonly<Record<string, string | number>>
}

interface JsonEvent {
  readonly seq: number
  /** Virtual time, ns. */
  readonly t: number
  readonly cause?: number
  readonly packet?: number
  readonly netns: string
  readonly device?: string
  /** Facts of the step as in `Step`, addresses as text. */
  readonly step: Readonly<Record<string, unknown>>
  /** Records before and after; an absent `from` is an addition, an absent `to` a removal. */
  readonly delta?: readonly { readonly id: string; readonly from: unknown; readonly to: unknown }[]
}

export interface JsonTrace {
  readonly hopscope: 1
  readonly journeys: readonly {
    readonly from: string
    readonly run: string
    readonly first: number
    readonly last: number
    readonly exitCode: number
    readonly output: string
    readonly verdict: JourneyVerdict
    readonly notes?: readonly string[]
  }[]
  readonly packets: readonly JsonPacket[]
  readonly events: readonly JsonEvent[]
  readonly truncated?: string
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')

/** The whole trace as plain JSON: for scripts, and for `hopscope trace --format json`. Addresses are text, in records too. */
export function traceToJson(reader: TraceReader): JsonTrace {
  const { journeys, packets, deltas, truncated } = reader.trace
  const deltasAt = new Map<number, Delta[]>()
  deltas.deltas.forEach((d, i) => {
    const seq = deltas.seq[i] as number
    const list = deltasAt.get(seq)
    if (list === undefined) deltasAt.set(seq, [d])
    else list.push(d)
  })
  return {
    hopscope: 1,
    journeys: journeys.map(({ from, run, first, last, exitCode, output, verdict, notes }) => ({
      from,
      run,
      first,
      last,
      exitCode,
      output,
      verdict,
      ...(notes === undefined || notes.length === 0 ? {} : { notes }),
    })),
    packets: Array.from({ length: packets.length }, (_, i) => jsonPacket(reader, i)),
    events: Array.from({ length: reader.length }, (_, i) => jsonEvent(reader, i, deltasAt.get(i))),
    ...(truncated === undefined ? {} : { truncated }),
  }
}

function jsonPacket(reader: TraceReader, packet: number): JsonPacket {
  const info = reader.packets.info(packet)
  const p = reader.packetAt(packet, info.born)
  return {
    packet,
    origin: info.origin,
    born: info.born,
    ...(info.parent < 0 ? {} : { parent: info.parent }),
    ...(info.journey < 0 ? {} : { journey: info.journey }),
    summary: summarize(p),
    frame: hex(emitPacket(p)),
    fields: packetFields(p),
  }
}

/** Header fields by tshark's names where it has one, those that the packet's protocols have. */
function packetFields(p: Packet): Record<string, string | number> {
  const eth = { 'eth.src': formatMac(p.ethSrc), 'eth.dst': formatMac(p.ethDst), 'eth.type': p.etherType }
  if (p.etherType === ETH_P.ARP) {
    return {
      ...eth,
      'arp.opcode': p.arpOp,
      'arp.src.hw_mac': formatMac(p.arpSha),
      'arp.src.proto_ipv4': formatIpv4(p.arpSpa),
      'arp.dst.hw_mac': formatMac(p.arpTha),
      'arp.dst.proto_ipv4': formatIpv4(p.arpTpa),
    }
  }
  const ip = {
    ...eth,
    'ip.src': formatIpv4(p.src),
    'ip.dst': formatIpv4(p.dst),
    'ip.ttl': p.ttl,
    'ip.id': p.ident,
    'ip.flags': p.ipFlags,
    'ip.frag_offset': p.fragmentOffset,
    'ip.proto': p.protocol,
  }
  if (p.fragmentOffset > 0) return ip
  switch (p.protocol) {
    case IPPROTO.TCP:
      return {
        ...ip,
        'tcp.srcport': p.sport,
        'tcp.dstport': p.dport,
        'tcp.seq_raw': p.seq,
        'tcp.ack_raw': p.ack,
        'tcp.flags': p.tcpFlags,
        'tcp.window_size_value': p.window,
      }
    case IPPROTO.UDP:
      return { ...ip, 'udp.srcport': p.sport, 'udp.dstport': p.dport, ...vxlanFields(p) }
    case IPPROTO.ICMP:
      return { ...ip, 'icmp.type': p.icmpType, 'icmp.code': p.icmpCode, 'icmp.rest': p.icmpRest }
    default:
      return ip
  }
}

function vxlanFields(p: Packet): Record<string, number> {
  const header = tunnelled(p)
  return header === undefined ? {} : { 'vxlan.vni': header.vni }
}

function jsonEvent(reader: TraceReader, seq: number, deltas: readonly Delta[] | undefined): JsonEvent {
  const e = reader.event(seq)
  return {
    seq,
    t: e.t,
    ...(e.cause < 0 ? {} : { cause: e.cause }),
    ...(e.packet < 0 ? {} : { packet: e.packet }),
    netns: netnsName(e.netns),
    ...(e.device === undefined ? {} : { device: deviceName(e.device).name }),
    step: jsonStep(e.step),
    ...(deltas === undefined
      ? {}
      : { delta: deltas.map(({ id, from, to }) => ({ id, from: readable(from), to: readable(to) })) }),
  }
}

const ADDRESS_KEYS = new Set(['address', 'src', 'dst', 'via', 'prefSrc', 'broadcast', 'remote', 'local'])

/** A record with its addresses as text. */
function readable(record: WorldRecord | undefined): unknown {
  const visit = (key: string, value: unknown): unknown => {
    if (typeof value === 'number') return key === 'mac' ? formatMac(value) : ADDRESS_KEYS.has(key) ? formatIpv4(value) : value
    if (Array.isArray(value)) return value.map((v) => visit(key, v))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, visit(k, v)]))
  }
  return visit('', record)
}

/** Numbers that are addresses become text; everything else stays as the step has it. */
function jsonStep(step: Step): Record<string, unknown> {
  switch (step.kind) {
    case 'rewrite':
      return step.field === 'payload'
        ? { kind: step.kind, field: step.field, detail: step.detail }
        : { ...step, from: fieldText(step, step.from), to: fieldText(step, step.to) }
    case 'neigh.lookup':
      return { ...step, address: formatIpv4(step.address) }
    case 'arp.process':
      return { ...step, target: formatIpv4(step.target) }
    case 'encapsulate':
    case 'decapsulate':
      return { ...step, remote: formatIpv4(step.remote) }
    case 'route':
      return { ...step, address: formatIpv4(step.address), ...(step.via === undefined ? {} : { via: formatIpv4(step.via) }) }
    default:
      return { ...step }
  }
}
