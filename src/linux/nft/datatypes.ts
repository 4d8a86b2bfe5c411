import { formatIpv4, formatMac, parseIpv4, parseMac } from '../../net/address.ts'
import { ipv6Span } from '../../net/ipv6-value.ts'
import type { NftType, NftValue } from '../../world/nft.ts'

// nft's datatypes: how a constant of each is written (src/datatype.c, src/ct.c, src/fib.c, src/proto.c of nftables).

type Symbols = Readonly<Record<string, number>>

const CT_STATE: Symbols = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 }
const CT_STATUS: Symbols = { expected: 1, 'seen-reply': 2, assured: 4, confirmed: 8, snat: 16, dnat: 32, dying: 512 }
const TCP_FLAG: Symbols = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ecn: 64, cwr: 128 }

/** Names of a type's values, in the order in which nft looks a value up; aliases come after the name that it prints. */
const SYMBOLS: Readonly<Record<NftType, Symbols>> = {
  ct_state: CT_STATE,
  ct_status: CT_STATUS,
  tcp_flag: TCP_FLAG,
  ct_dir: { original: 0, reply: 1 },
  fib_addrtype: {
    ...{ unspec: 0, unicast: 1, local: 2, broadcast: 3, anycast: 4, multicast: 5, blackhole: 6, unreachable: 7, prohibit: 8 },
  },
  // Protocols by /etc/protocols.
  inet_proto: {
    ...{ icmp: 1, igmp: 2, tcp: 6, udp: 17, dccp: 33, gre: 47, esp: 50, ah: 51, 'ipv6-icmp': 58, icmpv6: 58 },
    ...{ comp: 108, sctp: 132, udplite: 136 },
  },
  // Services are printed as numbers, and a few names are read.
  inet_service: { ssh: 22, smtp: 25, domain: 53, bootps: 67, bootpc: 68, http: 80, ntp: 123, https: 443 },
  icmp_type: {
    ...{ 'echo-reply': 0, 'destination-unreachable': 3, 'source-quench': 4, redirect: 5, 'echo-request': 8 },
    ...{ 'router-advertisement': 9, 'router-solicitation': 10, 'time-exceeded': 11, 'parameter-problem': 12 },
    ...{ 'timestamp-request': 13, 'timestamp-reply': 14, 'info-request': 15, 'info-reply': 16 },
    ...{ 'address-mask-request': 17, 'address-mask-reply': 18 },
  },
  icmp_code: {
    ...{ 'net-unreachable': 0, 'host-unreachable': 1, 'prot-unreachable': 2, 'port-unreachable': 3, 'frag-needed': 4 },
    ...{ 'net-prohibited': 9, 'host-prohibited': 10, 'admin-prohibited': 13 },
  },
  icmpv6_type: {
    ...{ 'destination-unreachable': 1, 'packet-too-big': 2, 'time-exceeded': 3, 'parameter-problem': 4, 'echo-request': 128 },
    ...{ 'echo-reply': 129, 'mld-listener-query': 130, 'mld-listener-report': 131, 'mld-listener-done': 132 },
    ...{ 'mld-listener-reduction': 132, 'nd-router-solicit': 133, 'nd-router-advert': 134, 'nd-neighbor-solicit': 135 },
    ...{ 'nd-neighbor-advert': 136, 'nd-redirect': 137, 'router-renumbering': 138, 'ind-neighbor-solicit': 141 },
    ...{ 'ind-neighbor-advert': 142, 'mld2-listener-report': 143 },
  },
  icmpv6_code: {
    ...{
      'no-route': 0,
      'admin-prohibited': 1,
      'addr-unreachable': 3,
      'port-unreachable': 4,
      'policy-fail': 5,
      'reject-route': 6,
    },
  },
  icmpx_code: { 'no-route': 0, 'port-unreachable': 1, 'host-unreachable': 2, 'admin-prohibited': 3 },
  nf_proto: { ipv4: 2, ipv6: 10 },
  ether_type: { ip: 0x0800, arp: 0x0806, ip6: 0x86dd, '8021q': 0x8100, vlan: 0x8100 },
  pkt_type: { host: 0, unicast: 0, broadcast: 1, multicast: 2, other: 3 },
  boolean: { exists: 1, missing: 0 },
  dscp: {
    ...{ cs0: 0, cs1: 8, cs2: 16, cs3: 24, cs4: 32, cs5: 40, cs6: 48, cs7: 56, df: 0, be: 0, lephb: 1 },
    ...{ af11: 10, af12: 12, af13: 14, af21: 18, af22: 20, af23: 22, af31: 26, af32: 28, af33: 30 },
    ...{ af41: 34, af42: 36, af43: 38, 'voice-admit': 44, va: 44, ef: 46 },
  },
}

/** Types whose values are bits: a comma between names adds them, and an unwritten relation asks for any of them. */
const BITMASKS: ReadonlySet<NftType> = new Set(['ct_state', 'ct_status', 'tcp_flag', 'ct_label'])
export const isBitmask = (type: NftType): boolean => BITMASKS.has(type)

/** Printed in hexadecimal with all of their digits. */
const HEX: ReadonlySet<NftType> = new Set(['mark', 'realm'])
/** Texts and not numbers here, which nft quotes. */
const NAMES: ReadonlySet<NftType> = new Set(['ifname', 'iface_index', 'string'])
export const isName = (type: NftType): boolean => NAMES.has(type)

/** Bytes that a field takes in a concatenation, and whether they stand in network order: what nft sorts elements by. */
export function layoutOf(type: NftType): { readonly bytes: number; readonly network: boolean } {
  switch (type) {
    case 'ipv4_addr':
      return { bytes: 4, network: true }
    case 'ether_addr':
      return { bytes: 6, network: true }
    case 'ipv6_addr':
      return { bytes: 16, network: true }
    case 'inet_service':
    case 'ether_type':
      return { bytes: 2, network: true }
    case 'inet_proto':
    case 'nf_proto':
    case 'icmp_type':
    case 'icmp_code':
    case 'icmpv6_type':
    case 'icmpv6_code':
    case 'tcp_flag':
    case 'ct_dir':
    case 'pkt_type':
    case 'dscp':
      return { bytes: 1, network: true }
    case 'ifname':
      return { bytes: 16, network: true }
    default:
      return { bytes: 4, network: false }
  }
}

const number = (value: number): NftValue => ({ kind: 'number', value })

function parseOne(word: string, type: NftType): number | undefined {
  if (type === 'ipv4_addr') {
    const a = parseIpv4(word)
    if (a.ok) return a.value
  }
  if (type === 'ether_addr') {
    const mac = parseMac(word)
    return mac.ok ? mac.value : undefined
  }
  const named = Object.hasOwn(SYMBOLS, type) ? SYMBOLS[type] : undefined
  if (named !== undefined && Object.hasOwn(named, word)) return named[word]
  if (/^(\d+|0x[0-9a-f]+)$/i.test(word)) return Number(word)
  return undefined
}

/** A constant of a type, as one word: a number, a symbol, a prefix, a range, a name. Undefined when it is none. */
export function parseValue(word: string, type: NftType, quoted = false): NftValue | undefined {
  if (word === '*' && !quoted) return { kind: 'any' }
  if (type === 'iface_index' && !quoted && /^\d+$/.test(word)) return number(Number(word))
  if (isName(type)) {
    const wildcard = word.endsWith('*')
    return wildcard ? { kind: 'text', text: word.slice(0, -1), wildcard: true } : { kind: 'text', text: word }
  }
  if (type === 'ipv6_addr') {
    const span = ipv6Span(word)
    return span === undefined ? undefined : { kind: 'text', text: span.text, ip6: { from: span.from, to: span.to } }
  }
  const whole = parseOne(word, type)
  if (whole !== undefined) return number(whole)
  if (type === 'ipv4_addr') {
    const m = /^([\d.]+)\/(\d+)$/.exec(word)
    const address = m === null ? undefined : parseOne(m[1] ?? '', type)
    const length = Number(m?.[2])
    if (address !== undefined && length <= 32) {
      const masked = length === 0 ? 0 : ((address >>> 0) & (-1 << (32 - length))) >>> 0
      return length === 32 ? number(masked) : { kind: 'prefix', address: masked, length }
    }
  }
  // Symbols may hold a dash themselves, and were tried first.
  for (let at = word.indexOf('-', 1); at > 0; at = word.indexOf('-', at + 1)) {
    const from = parseOne(word.slice(0, at), type)
    const to = parseOne(word.slice(at + 1), type)
    if (from !== undefined && to !== undefined && from <= to) return from === to ? number(from) : { kind: 'range', from, to }
  }
  return undefined
}

function printOne(value: number, type: NftType): string {
  if (type === 'ipv4_addr') return formatIpv4(value)
  if (type === 'ether_addr') return formatMac(value)
  if (HEX.has(type)) return `0x${(value >>> 0).toString(16).padStart(8, '0')}`
  if (isBitmask(type)) return printFlags(value, type)
  const named = type === 'inet_service' || !Object.hasOwn(SYMBOLS, type) ? undefined : SYMBOLS[type]
  const name = named === undefined ? undefined : Object.keys(named).find((k) => named[k] === value)
  if (name !== undefined) return name
  return type === 'fib_addrtype' || type === 'ether_type' ? `0x${value.toString(16).padStart(4, '0')}` : String(value)
}

/** `established,related`. Bits without a name as a number. */
export function printFlags(value: number, type: NftType): string {
  const named = Object.entries((Object.hasOwn(SYMBOLS, type) ? SYMBOLS[type] : undefined) ?? {}).filter(([, bit]) => value & bit)
  const known = named.reduce((sum, [, bit]) => sum | bit, 0)
  if (named.length === 0 || known !== value) return value === 0 ? '0x0' : `0x${value.toString(16)}`
  return named.map(([name]) => name).join(',')
}

/** A constant as nft prints it where the type is known. */
export function printValue(v: NftValue, type: NftType): string {
  switch (v.kind) {
    case 'any':
      return '*'
    case 'number':
      return printOne(v.value, type)
    case 'text': {
      const text = v.wildcard ? `${v.text}*` : v.text
      return isName(type) ? `"${text}"` : text
    }
    case 'prefix':
      return `${printOne(v.address, type)}/${v.length}`
    case 'range':
      return `${printOne(v.from, type)}-${printOne(v.to, type)}`
  }
}

/** A value as nft keeps it in a number: `established` of ct_state is 2. */
export const symbolValue = (type: NftType, name: string): number | undefined =>
  Object.hasOwn(SYMBOLS, type) ? SYMBOLS[type]?.[name] : undefined

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

/** `3h`, `1m30s`, `9s996ms`, or plain seconds: nanoseconds. */
export function parseTime(word: string): number | undefined {
  if (/^\d+$/.test(word)) return Number(word) * 1e9
  if (!/^(\d+(ms|[dhms]))+$/.test(word)) return undefined
  let ms = 0
  for (const [, n, unit] of word.matchAll(/(\d+)(ms|[dhms])/g)) ms += Number(n) * (UNITS.find(([u]) => u === unit)?.[1] ?? 0)
  return ms * 1e6
}

/** Nanoseconds as nft prints a time (time_print). */
export function printTime(ns: number): string {
  let ms = Math.floor(ns / 1e6)
  let out = ''
  for (const [unit, size] of UNITS) {
    const n = Math.floor(ms / size)
    if (n > 0) out += `${n}${unit}`
    ms -= n * size
  }
  return out === '' ? '0s' : out
}
