import { formatIpv4, formatMac } from '../net/address.ts'
import { icmpName } from '../net/icmp.ts'
import { ARP_OP, ETH_P, ICMP, IPPROTO } from '../net/packet.ts'
import { isQuoting } from '../net/quoted.ts'
import { chipLabel, summarize } from '../net/summary.ts'
import { deviceName, netnsName } from '../trace/names.ts'
import type { FdbRecord } from '../world/records.ts'
import { type Context, deviceOf, deviceSpan, nameIn, optional, packetOf, type StepOf } from './context.ts'
import type { DropCause, Fact } from './fact.ts'
import { address, chainSpan, ownerOf } from './names.ts'
import { nftRole } from './nft-facts.ts'
import { roleOf } from './rule-facts.ts'
import { code, record, type Span } from './sentence.ts'
import { serviceOfPacket } from './service-facts.ts'

// A packet's birth, its ways from place to place, and its ends.

export function bornFact(c: Context, step: StepOf<'born'>): Fact {
  const { where } = c
  const p = packetOf(c)
  switch (step.how) {
    case 'arp':
      if (p.arpOp === ARP_OP.REPLY) {
        return {
          kind: 'arp-answered',
          where,
          address: address(p.arpSpa),
          mac: code(formatMac(p.arpSha)),
          asker: address(p.arpTpa),
        }
      }
      return {
        kind: 'arp-asked',
        where,
        target: address(p.arpTpa),
        ...optional('waiting', step.parent),
        unicast: p.ethDst !== 0xffffffffffff,
      }
    case 'icmp':
      if (p.icmpType === ICMP.ECHO_REPLY) return { kind: 'echo-answered', where, to: address(p.dst) }
      if (p.protocol === IPPROTO.ICMP && isQuoting(p)) {
        const error = code(icmpName(p.icmpType, p.icmpCode))
        return { kind: 'icmp-reported', where, error, to: address(p.dst), ...optional('about', step.parent) }
      }
      return { kind: 'sent', where, packet: code(summarize(p)) }
    case 'reset':
      return { kind: 'reset-sent', where, to: code(`${formatIpv4(p.dst)}:${p.dport}`), ...optional('about', step.parent) }
    case 'clone':
      return { kind: 'copied', where, ...optional('of', step.parent) }
    case 'fragment':
      return { kind: 'fragmented', where, ...optional('of', step.parent) }
    case 'reassembled':
      return { kind: 'made-whole', where }
    case 'encapsulated':
      return { kind: 'encapsulated', where, ...optional('of', step.parent) }
    case 'decapsulated':
      return { kind: 'decapsulated', where, ...optional('of', step.parent) }
    case 'socket': {
      const who = step.process === undefined ? undefined : nameIn(c, step.process)
      return {
        kind: 'sent',
        where,
        ...optional('who', who),
        packet: code(chipLabel(p) === 'TCP' ? summarize(p) : `${protocolOf(c)}${chipLabel(p)}`),
      }
    }
  }
}

/** Chips name TCP segments by their flags alone; a sentence says the protocol too. */
function protocolOf(c: Context): string {
  const p = packetOf(c)
  if (p.etherType !== ETH_P.IP || p.protocol !== IPPROTO.TCP) return ''
  return p.payload.length > 0 ? '' : 'TCP '
}

export function enterFact(c: Context, step: StepOf<'enter'>): Fact {
  const id = c.reader.deviceAt(c.seq)
  if (step.place === 'stack') {
    const hop = c.reader.hops.hopOf(c.seq)
    const came = deviceBefore(c)
    const resumed = hop >= 0 && c.reader.hops.hop(hop).resumed
    return {
      kind: 'entered-stack',
      where: c.where,
      direction: step.direction,
      ...optional('device', came),
      resumed,
      arp: isArp(c),
    }
  }
  const device = deviceOf(c, id)
  const link = device?.link.kind ?? 'unknown'
  const port = link === 'bridge' && step.direction === 'in' ? deviceBefore(c) : undefined
  const span = device === undefined ? code(deviceName(id ?? '').name) : deviceSpan(device)
  return { kind: 'entered-device', device: span, where: c.where, direction: step.direction, link, ...optional('port', port) }
}

const isArp = (c: Context): boolean => c.packet >= 0 && packetOf(c).etherType === ETH_P.ARP

/** The device that the packet's previous hop was on. */
function deviceBefore(c: Context): Span | undefined {
  const hops = c.reader.hops.hopsOf(c.packet)
  const here = hops.indexOf(c.reader.hops.hopOf(c.seq))
  const previous = here > 0 ? c.reader.hops.hop(hops[here - 1] ?? 0) : undefined
  const device = deviceOf(c, previous?.device)
  return device === undefined ? undefined : deviceSpan(device)
}

export function departFact(c: Context, step: StepOf<'depart'>): Fact {
  const from = deviceOf(c, c.reader.deviceAt(c.seq))
  const to = deviceOf(c, step.to)
  if (to === undefined) {
    const where = record(step.to, netnsName(step.to))
    return { kind: 'left-to-stack', where, ...optional('device', from === undefined ? undefined : deviceSpan(from)) }
  }
  const there = record(to.netns, netnsName(to.netns))
  if (from === undefined) return { kind: 'left-to-device', device: deviceSpan(to), where: c.where, arp: isArp(c) }
  if (to.id === from.id) return { kind: 'left-through-loopback', device: deviceSpan(from), where: c.where }
  if (to.netns === from.netns && to.link.kind === 'bridge')
    return { kind: 'left-to-bridge', port: deviceSpan(from), bridge: deviceSpan(to) }
  if (to.netns === from.netns && from.link.kind === 'bridge')
    return { kind: 'left-to-port', port: deviceSpan(to), bridge: deviceSpan(from) }
  const kind = from.link.kind === 'veth' ? 'left-over-veth' : 'left-over-wire'
  return { kind, device: deviceSpan(from), peer: deviceSpan(to), there }
}

export function deliverFact(c: Context, step: StepOf<'deliver'>): Fact {
  const socket = step.socket === undefined ? undefined : c.reader.versions.near(step.socket, c.seq)
  const process = socket?.kind === 'socket' && socket.process !== undefined ? nameIn(c, socket.process) : undefined
  return {
    kind: 'delivered',
    to: step.to,
    where: c.where,
    ...optional('socket', step.socket === undefined ? undefined : nameIn(c, step.socket)),
    ...optional('process', process),
  }
}

export function dropFact(c: Context, step: StepOf<'drop'>): Fact {
  const cause = step.decidedBy === undefined ? undefined : causeOf(c, step.decidedBy)
  return { kind: 'dropped', reason: step.reason, where: c.where, ...optional('cause', cause) }
}

/** should_deliver(): the forwarding database names the very port that the frame came in through. */
function hairpinCause(c: Context, entry: FdbRecord): DropCause | undefined {
  const port = deviceOf(c, entry.port)
  const bridge = deviceOf(c, entry.bridge)
  if (port === undefined || bridge === undefined || port.master?.hairpin !== false) return undefined
  const p = c.packet < 0 ? undefined : packetOf(c)
  const dst = p?.etherType === ETH_P.IP ? p.dst : undefined
  const owner = dst === undefined ? undefined : ownerOf(c.view, dst)
  return {
    kind: 'hairpin-off',
    port: deviceSpan(port),
    bridge: deviceSpan(bridge),
    ...optional('address', dst === undefined ? undefined : address(dst)),
    ...optional('owner', owner),
  }
}

function causeOf(c: Context, id: string): DropCause {
  const r = c.reader.versions.near(id, c.seq)
  switch (r?.kind) {
    case 'rule':
      return { kind: 'rule', rule: nameIn(c, id), role: roleOf(c.view, r) }
    case 'nft-rule':
      return { kind: 'rule', rule: nameIn(c, id), role: nftRole(c.reader, c.view, r, c.seq) }
    case 'chain':
      return { kind: 'policy', chain: chainSpan(id) }
    case 'nft-chain':
      return { kind: 'policy', chain: nameIn(c, id) }
    case 'sysctl':
      return { kind: 'sysctl', sysctl: nameIn(c, id) }
    case 'neighbour': {
      const device = deviceOf(c, r.device)
      const service = c.packet < 0 ? undefined : serviceOfPacket(c.reader, c.view, c.packet, c.seq)?.object
      return {
        kind: 'neighbour',
        address: address(r.address),
        device: device === undefined ? code(deviceName(r.device).name) : deviceSpan(device),
        ...optional('service', service),
        ...optional('owner', ownerOf(c.view, r.address)),
      }
    }
    case 'route':
      return { kind: 'route', route: nameIn(c, id) }
    case 'device':
      return { kind: 'device', device: deviceSpan(r) }
    case 'conntrack':
      return { kind: 'conntrack', entry: nameIn(c, id) }
    case 'fdb':
      return hairpinCause(c, r) ?? { kind: 'other', record: nameIn(c, id) }
    default:
      return { kind: 'other', record: nameIn(c, id) }
  }
}

export function waitFact(c: Context, step: StepOf<'wait'>): Fact {
  const r = c.reader.versions.near(step.neighbour, c.seq)
  const device = r?.kind === 'neighbour' ? deviceOf(c, r.device) : undefined
  const span = record(step.neighbour, r?.kind === 'neighbour' ? formatIpv4(r.address) : step.neighbour)
  return {
    kind: 'waiting',
    where: c.where,
    address: span,
    ...optional('device', device === undefined ? undefined : deviceSpan(device)),
  }
}
