import { parseIpv4, parsePrefix } from '../../net/address.ts'
import { IPPROTO, type Packet } from '../../net/packet.ts'
import type { IpsetRecord } from '../../world/records.ts'

/** Whether the packet's addresses and ports, taken in these directions, are in the set. */
export type SetTest = (p: Packet, directions: readonly ('src' | 'dst')[]) => boolean

const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, sctp: 132, udplite: 136 }

const addressOf = (p: Packet, side: 'src' | 'dst' | undefined): number => (side === 'src' ? p.src : p.dst)

/** ip_set_get_ip4_port(): for ICMP the port is type << 8 | code; -1 where the packet has none. */
function portOf(p: Packet, side: 'src' | 'dst' | undefined): number {
  if (p.fragmentOffset !== 0) return -1
  if (p.protocol === IPPROTO.ICMP) return (p.icmpType << 8) | p.icmpCode
  if (p.protocol !== IPPROTO.TCP && p.protocol !== IPPROTO.UDP) return -1
  return side === 'src' ? p.sport : p.dport
}

/** `tcp:80`, `80` (tcp), `icmp:8/0`, `tcp:80-90`: protocol << 16 | port for each, undefined when it says something else. */
function parsePorts(text: string): readonly number[] | undefined {
  const colon = text.indexOf(':')
  const protocol = colon < 0 ? IPPROTO.TCP : (PROTOCOLS[text.slice(0, colon)] ?? Number.NaN)
  const range = (colon < 0 ? text : text.slice(colon + 1)).split(protocol === IPPROTO.ICMP ? '/' : '-').map(Number)
  if (Number.isNaN(protocol) || range.length > 2 || range.some((n) => !Number.isInteger(n) || n < 0 || n > 65535))
    return undefined
  const [from = 0, to = from] = range
  if (protocol === IPPROTO.ICMP) return [(protocol << 16) | (from << 8) | (range.length > 1 ? to : 0)]
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => (protocol << 16) | (from + i))
}

/** Longest prefix among members such as 10.0.0.0/8: whether it is in, or (nomatch) an exception from a wider one. */
class NetTree {
  readonly #lengths: { readonly mask: number; readonly members: Map<number, boolean> }[] = []

  add(text: string, nomatch: boolean): boolean {
    const prefix = parsePrefix(text)
    if (!prefix.ok) return false
    const mask = prefix.value.length === 0 ? 0 : -1 << (32 - prefix.value.length)
    let level = this.#lengths.find((l) => l.mask === mask)
    if (level === undefined) {
      level = { mask, members: new Map() }
      this.#lengths.push(level)
      this.#lengths.sort((a, b) => (b.mask >>> 0) - (a.mask >>> 0))
    }
    level.members.set(prefix.value.address & mask, !nomatch)
    return true
  }

  has(address: number): boolean {
    for (const level of this.#lengths) {
      const found = level.members.get(address & level.mask)
      if (found !== undefined) return found
    }
    return false
  }
}

/**
 * A set's members, made ready for lookups. `find` resolves the members of a list:set. Undefined when the type, an option that
 * changes its meaning or a member is not modelled.
 */
function compileSet(record: IpsetRecord, find: (name: string) => SetTest | undefined): SetTest | undefined {
  const members = record.entries.map((entry) => entry.trim().split(/\s+/))
  const keys = members.map((words) => words[0] ?? '')
  if (record.options.some((word) => word === 'netmask' || word === 'markmask' || word === 'bitmask')) return undefined
  switch (record.type) {
    case 'hash:ip': {
      const set = new Set<number>()
      for (const key of keys) {
        const address = parseIpv4(key)
        if (!address.ok) return undefined
        set.add(address.value)
      }
      return (p, d) => set.has(addressOf(p, d[0]))
    }
    case 'hash:net': {
      const tree = new NetTree()
      for (const words of members) if (!tree.add(words[0] ?? '', words.includes('nomatch'))) return undefined
      return (p, d) => tree.has(addressOf(p, d[0]))
    }
    case 'bitmap:port': {
      const set = new Set<number>()
      for (const key of keys) {
        const ports = parsePorts(key)
        if (ports === undefined) return undefined
        for (const port of ports) set.add(port & 0xffff)
      }
      return (p, d) => p.protocol !== IPPROTO.ICMP && set.has(portOf(p, d[0]))
    }
    case 'hash:ip,port':
    case 'hash:ip,port,ip':
      return compileAddressPort(keys, record.type === 'hash:ip,port,ip')
    case 'hash:ip,port,net':
      return compileAddressPortNet(members)
    case 'hash:net,port':
      return compileNetPort(members)
    case 'list:set': {
      const lists = keys.map(find)
      if (lists.includes(undefined)) return undefined
      return (p, d) => lists.some((test) => test?.(p, d) === true)
    }
    default:
      return undefined
  }
}

function compileAddressPort(keys: readonly string[], second: boolean): SetTest | undefined {
  const set = new Set<string>()
  for (const key of keys) {
    const [first = '', port = '', last = ''] = key.split(',')
    const address = parseIpv4(first)
    const ports = parsePorts(port)
    const other = second ? parseIpv4(last) : undefined
    if (!address.ok || ports === undefined || other?.ok === false) return undefined
    for (const n of ports) set.add(`${address.value},${n},${other?.ok ? other.value : ''}`)
  }
  return (p, d) => {
    const port = portOf(p, d[1])
    return port >= 0 && set.has(`${addressOf(p, d[0])},${(p.protocol << 16) | port},${second ? addressOf(p, d[2]) : ''}`)
  }
}

/** As kube-proxy keeps loadBalancerSourceRanges: an address and port exactly, then the longest prefix. */
function compileAddressPortNet(members: readonly (readonly string[])[]): SetTest | undefined {
  const byAddressPort = new Map<string, NetTree>()
  for (const words of members) {
    const [first = '', port = '', net = ''] = (words[0] ?? '').split(',')
    const address = parseIpv4(first)
    const ports = parsePorts(port)
    if (!address.ok || ports === undefined) return undefined
    for (const n of ports) {
      const key = `${address.value},${n}`
      const tree = byAddressPort.get(key) ?? new NetTree()
      byAddressPort.set(key, tree)
      if (!tree.add(net, words.includes('nomatch'))) return undefined
    }
  }
  return (p, d) => {
    const port = portOf(p, d[1])
    if (port < 0) return false
    return byAddressPort.get(`${addressOf(p, d[0])},${(p.protocol << 16) | port}`)?.has(addressOf(p, d[2])) === true
  }
}

function compileNetPort(members: readonly (readonly string[])[]): SetTest | undefined {
  const byPort = new Map<number, NetTree>()
  for (const words of members) {
    const [net = '', port = ''] = (words[0] ?? '').split(',')
    const ports = parsePorts(port)
    if (ports === undefined) return undefined
    for (const n of ports) {
      const tree = byPort.get(n) ?? new NetTree()
      byPort.set(n, tree)
      if (!tree.add(net, words.includes('nomatch'))) return undefined
    }
  }
  return (p, d) => {
    const port = portOf(p, d[1])
    return port >= 0 && byPort.get((p.protocol << 16) | port)?.has(addressOf(p, d[0])) === true
  }
}

/** Sets by name, compiled when a rule first asks; a list that contains itself is not modelled. */
export function setFinder(records: readonly IpsetRecord[]): (name: string) => SetTest | undefined {
  const byName = new Map(records.map((r) => [r.name, r]))
  const known = new Map<string, SetTest | undefined>()
  const find = (name: string): SetTest | undefined => {
    if (known.has(name)) return known.get(name)
    const record = byName.get(name)
    if (record === undefined) return undefined
    known.set(name, undefined)
    const test = compileSet(record, find)
    known.set(name, test)
    return test
  }
  return find
}
