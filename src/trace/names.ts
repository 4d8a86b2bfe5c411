import { formatIpv4, formatMac, formatPrefix, maskOf } from '../net/address.ts'
import { IPPROTO, type Packet } from '../net/packet.ts'
import { parseQuoted } from '../net/quoted.ts'
import type { NatRange, Target } from '../world/netfilter.ts'
import type { NftRuleRecord, RouteRecord, RuleRecord, WorldRecord } from '../world/records.ts'

// Short names of things, the same in the text trace, in explanations and in captures.

/** `pod/client` of `netns:pod/client`. */
export const netnsName = (id: string): string => id.slice('netns:'.length)

/** Namespace and device name of a device id: `dev:pod/client/eth0` → `pod/client`, `eth0`. Device names have no slash. */
export function deviceName(id: string): { readonly netns: string; readonly name: string } {
  const slash = id.lastIndexOf('/')
  return { netns: id.slice('dev:'.length, slash), name: id.slice(slash + 1) }
}

/** `node1 eth0`, or the namespace alone for its stack. */
export function placeName(netns: string, device: string | undefined): string {
  return device === undefined ? netnsName(netns) : `${deviceName(device).netns} ${deviceName(device).name}`
}

/** What a `depart` goes to: a device (`node1 eth0`) or a namespace's stack. */
export const whereName = (id: string): string => (id.startsWith('dev:') ? placeName('', id) : netnsName(id))

/** The last part of a chain id: its name. */
export const chainName = (id: string): string => id.slice(id.lastIndexOf('/') + 1)

/** Number of a rule in its chain, from 1, as `iptables -L --line-numbers` counts. */
export function ruleNumber(rule: RuleRecord): number {
  return Number(rule.id.slice(rule.id.lastIndexOf('/') + 1))
}

/** Number of a rule of nftables in its chain, from 1. */
export const nftRuleNumber = (rule: NftRuleRecord): number => Number(rule.id.slice(rule.id.lastIndexOf('/') + 1))

const hasPorts = (protocol: number) => protocol === IPPROTO.TCP || protocol === IPPROTO.UDP || protocol === IPPROTO.SCTP

/** `10.96.0.10:80`, without a port where the protocol has none. */
export const sourceOf = (p: Packet): string => `${formatIpv4(p.src)}${hasPorts(p.protocol) ? `:${p.sport}` : ''}`
export const destinationOf = (p: Packet): string => `${formatIpv4(p.dst)}${hasPorts(p.protocol) ? `:${p.dport}` : ''}`

/** Source and destination of the datagram that an ICMP error quotes; undefined when it cannot be read. */
export function quotedEnds(p: Packet): { readonly src: string; readonly dst: string } | undefined {
  const q = parseQuoted(p.payload)
  if (!q.ok) return undefined
  const { src, dst, sport, dport, protocol } = q.value
  const port = (n: number) => (hasPorts(protocol) ? `:${n}` : '')
  return { src: `${formatIpv4(src)}${port(sport)}`, dst: `${formatIpv4(dst)}${port(dport)}` }
}

/** `10.244.2.0/24 via 192.168.1.12 dev eth0`, `default …`, `local 10.0.0.1`, as `ip route` begins its lines. */
export function routeText(route: RouteRecord, nexthop = 0): string {
  const dst =
    route.prefixLength === 0
      ? 'default'
      : route.prefixLength === 32
        ? formatIpv4(route.dst)
        : formatPrefix({ address: route.dst, length: route.prefixLength })
  const hop = route.nexthops[nexthop]
  const via = hop?.via === undefined ? '' : ` via ${formatIpv4(hop.via)}`
  const dev = hop?.device === undefined ? '' : ` dev ${deviceName(hop.device).name}`
  return `${route.type === 'unicast' ? '' : `${route.type} `}${dst}${via}${dev}`
}

const hex = (n: number) => `0x${(n >>> 0).toString(16)}`

/** `10.244.2.7:8080`, `10.0.0.1-10.0.0.9`, `:1024-2047`. */
export function rangeText(range: NatRange): string {
  const a = range.addresses
  const p = range.ports
  const addresses = a === undefined ? '' : a.from === a.to ? formatIpv4(a.from) : `${formatIpv4(a.from)}-${formatIpv4(a.to)}`
  const ports = p === undefined ? '' : p.from === p.to ? `:${p.from}` : `:${p.from}-${p.to}`
  return `${addresses}${ports}`
}

/** A target in iptables' words: `DNAT`, `MARK or 0x4000`, `REJECT icmp-port-unreachable`. Empty where a rule has none. */
export function targetText(target: Target): string {
  switch (target.kind) {
    case 'none':
      return ''
    case 'accept':
    case 'drop':
    case 'return':
    case 'dnat':
    case 'snat':
    case 'masquerade':
    case 'notrack':
    case 'trace':
      return target.kind.toUpperCase()
    case 'redirect':
      return `REDIRECT${target.range.ports === undefined ? '' : ` to ${rangeText(target.range)}`}`
    case 'jump':
    case 'goto':
      return target.chain
    case 'reject':
      return `REJECT ${target.with}`
    case 'mark':
      if (target.mask === target.value) return `MARK or ${hex(target.value)}`
      if (target.value === 0) return `MARK and ${hex(~target.mask)}`
      if (target.mask === 0) return `MARK xor ${hex(target.value)}`
      return `MARK set ${hex(target.value)}${target.mask === 0xffffffff ? '' : `/${hex(target.mask)}`}`
    case 'connmark':
      return `CONNMARK ${target.operation}`
    case 'log':
      return target.prefix === '' ? 'LOG' : `LOG "${target.prefix}"`
    case 'unknown':
      return target.name
  }
}

/** One record as a short noun: what a drop names as its cause. */
export function recordText(record: WorldRecord): string {
  switch (record.kind) {
    case 'rule':
      return `${record.table} ${record.chain} rule ${ruleNumber(record)}`
    case 'chain':
      return `${record.table} ${record.name} policy`
    case 'route':
      return `route ${routeText(record)}`
    case 'sysctl':
      return `${record.key}=${record.value}`
    case 'neighbour':
      return `neighbour ${formatIpv4(record.address)} dev ${deviceName(record.device).name}`
    case 'device':
    case 'netns':
    case 'ipset':
      return record.name
    case 'fdb':
      return record.remote === undefined
        ? `fdb entry of ${deviceName(record.port).name}`
        : `fdb ${formatMac(record.mac)} dev ${deviceName(record.port).name} dst ${formatIpv4(record.remote)}`
    case 'socket':
      return `${record.protocol} ${formatIpv4(record.local.address)}:${record.local.port}`
    case 'process':
      return record.argv[0] ?? 'process'
    case 'object':
      return `${record.objectKind} ${record.namespace === undefined ? '' : `${record.namespace}/`}${record.name}`
    case 'address':
      return formatPrefix({ address: record.address, length: record.prefixLength })
    case 'policy-rule':
      return `ip rule ${record.priority}`
    case 'conntrack':
      return `${formatIpv4(record.original.src)}:${record.original.sport} > ${formatIpv4(record.original.dst)}:${record.original.dport}`
    case 'nft-rule':
      return `${record.family} ${record.table} ${record.chain} rule ${nftRuleNumber(record)}`
    case 'nft-chain':
      return `${record.family} ${record.table} ${record.name}${record.base === undefined ? '' : ' policy'}`
    case 'nft-set':
    case 'nft-table':
      return `${record.family} ${'table' in record ? `${record.table} ` : ''}${record.name}`
    case 'ipvs-service':
      return `virtual server ${record.protocol} ${formatIpv4(record.address)}:${record.port}`
    case 'ipvs-destination':
      return `real server ${formatIpv4(record.address)}:${record.port}`
    case 'ipvs-connection':
      return `${formatIpv4(record.client.address)}:${record.client.port} > ${formatIpv4(record.virtual.address)}:${record.virtual.port} > ${formatIpv4(record.destination.address)}:${record.destination.port}`
    case 'note':
      return record.what
    case 'file':
      return record.path
    case 'fault':
      return `stall ${record.duration / 1000} µs`
  }
}

/** Whether an address lies in a route's destination. */
export const covers = (route: RouteRecord, address: number): boolean => ((route.dst ^ address) & maskOf(route.prefixLength)) === 0
