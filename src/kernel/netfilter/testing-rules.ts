import { ipv4, maskOf, parseIpv4, parsePrefix } from '../../net/address.ts'
import { ETH_P, ICMP, IPPROTO, Packet, TCP } from '../../net/packet.ts'
import { chainId, netnsId, ruleId } from '../../world/ids.ts'
import type { AddressMatch, Match, NatRange, RuleSpec, TableName, Target } from '../../world/netfilter.ts'
import type { ChainRecord, IpsetRecord, RuleRecord } from '../../world/records.ts'
import { TABLE_HOOKS } from './priorities.ts'

// Rules, sets and packets in a few words. For tests.

const origin = { component: 'kernel' } as const
export const ip = (text: string) => {
  const r = parseIpv4(text)
  if (!r.ok) throw new Error(text)
  return r.value
}

// --- rules -----------------------------------------------------------------------------------------------------------

export const net = (text: string): AddressMatch => {
  const invert = text.startsWith('!')
  const r = parsePrefix(invert ? text.slice(1) : text)
  if (!r.ok) throw new Error(text)
  return { address: ipv4(r.value.address & maskOf(r.value.length)), mask: maskOf(r.value.length), invert }
}
export const iface = (text: string) => {
  const invert = text.startsWith('!')
  const name = invert ? text.slice(1) : text
  return { name: name.replace(/\+$/, ''), prefix: name.endsWith('+'), invert }
}
const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, sctp: 132 }
export const proto = (text: string) => {
  const invert = text.startsWith('!')
  const name = invert ? text.slice(1) : text
  return { name, number: PROTOCOLS[name] ?? Number(name), invert }
}
export const port = (from: number, to = from, invert = false) => ({ from, to, invert })

export interface Condition {
  readonly src?: string
  readonly dst?: string
  readonly in?: string
  readonly out?: string
  readonly proto?: string
  readonly dport?: number
  readonly matches?: readonly Match[]
}

/** `rule({ dst: '10.96.0.10', proto: 'tcp', dport: 80 }, jump('KUBE-SVC-X'))` */
export function rule(c: Condition, target: Target): RuleSpec {
  const ports: Match[] = []
  if (c.dport !== undefined) ports.push({ kind: c.proto === 'udp' ? 'udp' : 'tcp', dport: port(c.dport) })
  return {
    ...(c.src === undefined ? {} : { src: net(c.src) }),
    ...(c.dst === undefined ? {} : { dst: net(c.dst) }),
    ...(c.in === undefined ? {} : { inIface: iface(c.in) }),
    ...(c.out === undefined ? {} : { outIface: iface(c.out) }),
    ...(c.proto === undefined ? {} : { protocol: proto(c.proto) }),
    matches: [...ports, ...(c.matches ?? [])],
    target,
  }
}

export const ACCEPT: Target = { kind: 'accept' }
export const DROP: Target = { kind: 'drop' }
export const RETURN: Target = { kind: 'return' }
export const jump = (chain: string): Target => ({ kind: 'jump', chain })
export const setMarkTarget = (value: number, mask = 0xffffffff): Target => ({ kind: 'mark', value, mask })
/** `10.244.2.7:8080`, `1.2.3.4-1.2.3.9`, `:1024-2047` */
export function range(text: string, more: Partial<NatRange> = {}): NatRange {
  const [addresses = '', ports] = text.split(':')
  const [from, to = from] = addresses.split('-')
  const [low, high = low] = (ports ?? '').split('-')
  return {
    ...(from === undefined || to === undefined || from === '' ? {} : { addresses: { from: ip(from), to: ip(to) } }),
    ...(ports === undefined ? {} : { ports: { from: Number(low), to: Number(high) } }),
    random: false,
    randomFully: false,
    persistent: false,
    ...more,
  }
}
export const dnat = (to: string, more: Partial<NatRange> = {}): Target => ({ kind: 'dnat', range: range(to, more) })
export const snat = (to: string, more: Partial<NatRange> = {}): Target => ({ kind: 'snat', range: range(to, more) })
export const masquerade = (to = '', more: Partial<NatRange> = {}): Target => ({ kind: 'masquerade', range: range(to, more) })
export const redirect = (to = ''): Target => ({ kind: 'redirect', range: range(to) })
export const state = (
  ...states: readonly ('NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED' | 'DNAT' | 'SNAT')[]
): Match => ({
  kind: 'conntrack',
  states,
})

/** By table, by chain: `{ filter: { FORWARD: [rule(…)], 'FORWARD policy': 'DROP' } }`. Missing base chains are added. */
export type Ruleset = Partial<Record<TableName, Readonly<Record<string, readonly RuleSpec[] | 'DROP'>>>>

export function recordsOf(ruleset: Ruleset): { chains: ChainRecord[]; rules: RuleRecord[] } {
  const chains: ChainRecord[] = []
  const rules: RuleRecord[] = []
  const counters = { packets: 0, bytes: 0 }
  for (const [table, given] of Object.entries(ruleset) as [TableName, NonNullable<Ruleset[TableName]>][]) {
    const hooks = TABLE_HOOKS.filter((h) => h.table === table).map((h) => h.hook)
    const names = new Set<string>([...hooks, ...Object.keys(given).filter((n) => !n.endsWith(' policy'))])
    for (const name of names) {
      const hook = hooks.find((h) => h === name)
      const specs = given[name] ?? []
      const list = specs === 'DROP' ? [] : specs
      const ids = list.map((_, i) => ruleId('node1', table, name, i + 1))
      const policy = given[`${name} policy`] === 'DROP' ? 'DROP' : 'ACCEPT'
      chains.push({
        kind: 'chain',
        id: chainId('node1', table, name),
        netns: netnsId('node1'),
        table,
        name,
        ...(hook === undefined ? {} : { hook, policy }),
        counters,
        rules: ids,
        origin,
      })
      list.forEach((spec, i) => {
        rules.push({
          kind: 'rule',
          id: ruleId('node1', table, name, i + 1),
          netns: netnsId('node1'),
          table,
          chain: name,
          spec,
          counters,
          origin,
        })
      })
    }
  }
  return { chains, rules }
}

export const ipset = (name: string, type: string, entries: readonly string[], options: readonly string[] = []): IpsetRecord => ({
  kind: 'ipset',
  id: `ipset:node1/${name}` as IpsetRecord['id'],
  netns: netnsId('node1'),
  name,
  type,
  options,
  entries,
  origin,
})

// --- packets ---------------------------------------------------------------------------------------------------------

const FLAGS: Readonly<Record<string, number>> = { F: TCP.FIN, S: TCP.SYN, R: TCP.RST, P: TCP.PSH, '.': TCP.ACK, U: TCP.URG }
const endpoint = (text: string) => {
  const [address = '', number = '0'] = text.split(':')
  return { address: ip(address), port: Number(number) }
}

function ipPacket(protocol: number, src: string, dst: string, more: Partial<Packet>): Packet {
  const s = endpoint(src)
  const d = endpoint(dst)
  const p = new Packet()
  p.etherType = ETH_P.IP
  p.ttl = 64
  p.protocol = protocol
  p.src = s.address
  p.dst = d.address
  p.sport = s.port
  p.dport = d.port
  return Object.assign(p, more)
}
/** `flags` as tcpdump writes them: `S`, `S.`, `.`, `P.`, `F.`, `R`, `R.`. */
export const tcp = (src: string, dst: string, flags: string, more: Partial<Packet> = {}): Packet =>
  ipPacket(IPPROTO.TCP, src, dst, {
    tcpFlags: [...flags].reduce((bits, f) => bits | (FLAGS[f] ?? 0), 0),
    window: 64240,
    ...more,
  })
export const udp = (src: string, dst: string, more: Partial<Packet> = {}): Packet => ipPacket(IPPROTO.UDP, src, dst, more)
export const ping = (src: string, dst: string, id = 7, reply = false): Packet =>
  ipPacket(IPPROTO.ICMP, src, dst, { icmpType: reply ? ICMP.ECHO_REPLY : ICMP.ECHO, icmpRest: ((id << 16) | 1) >>> 0 })
