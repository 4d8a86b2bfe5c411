import { assertNever } from '../../base/assert-never.ts'
import { formatIpv4, formatMac } from '../../net/address.ts'
import type { Match, NatRange, PortMatch, PortRange, Target } from '../../world/netfilter.ts'
import { ICMP_TYPES, serviceOfPort } from './names.ts'
import {
  conntrackOptions,
  formatProbability,
  hex,
  isAnyPort,
  natTo,
  not,
  physdevOptions,
  portRange,
  tcpFlagNames,
  valueAndMask,
} from './print-rule.ts'

// What `iptables -L` says of matches and targets: each extension's print function, which is not its save function.
// Every part begins with a blank.

const portName = (n: number, numeric: boolean): string => (numeric ? undefined : serviceOfPort(n)) ?? String(n)
const rangeNames = (r: PortRange, numeric: boolean): string =>
  r.from === r.to ? portName(r.from, numeric) : `${portName(r.from, numeric)}:${portName(r.to, numeric)}`

function port(name: string, p: PortMatch | undefined, numeric: boolean): string {
  if (p === undefined || isAnyPort(p)) return ''
  return ` ${name}${p.from === p.to ? '' : 's'}:${p.invert ? '!' : ''}${rangeNames(p, numeric)}`
}

const hex2 = (n: number): string => `0x${n.toString(16).toUpperCase().padStart(2, '0')}`

export function listMatch(m: Match, numeric: boolean): string {
  switch (m.kind) {
    case 'tcp': {
      const option = m.option ? ` option=${m.option.invert ? '!' : ''}${m.option.number}` : ''
      const bits = (n: number) => (numeric ? hex2(n) : tcpFlagNames(n))
      const flags = m.flags ? ` flags:${m.flags.invert ? '!' : ''}${bits(m.flags.mask)}/${bits(m.flags.comp)}` : ''
      return ` tcp${port('spt', m.sport, numeric)}${port('dpt', m.dport, numeric)}${option}${flags}`
    }
    case 'udp':
    case 'sctp':
      return ` ${m.kind}${port('spt', m.sport, numeric)}${port('dpt', m.dport, numeric)}`
    case 'icmp':
      return listIcmp(m, numeric)
    case 'multiport':
      return ` multiport ${m.which} ${not(m.invert)}${m.ranges.map((r) => rangeNames(r, numeric)).join(',')}`
    case 'comment':
      return ` /* ${m.text} */`
    case 'mark':
      return ` mark match${not(m.invert)} ${valueAndMask(m.value, m.mask)}`
    case 'connmark':
      return ` connmark match ${m.invert ? '!' : ''} ${valueAndMask(m.value, m.mask)}`
    case 'conntrack':
      return conntrackOptions(m, '')
    case 'state':
      return `${not(m.invert)} state ${m.states.join(',')}`
    case 'addrtype': {
      const types = (name: string, list: readonly string[] | undefined, invert: boolean | undefined) =>
        list ? ` ${name} ${invert ? '!' : ''}${list.join(',')}` : ''
      return ` ADDRTYPE match${types('src-type', m.srcTypes, m.srcInvert)}${types('dst-type', m.dstTypes, m.dstInvert)}${m.limitIface ? ` limit-${m.limitIface}` : ''}`
    }
    case 'statistic':
      return m.mode === 'random'
        ? ` statistic mode random${not(m.invert)} probability ${formatProbability(m.probability)}`
        : ` statistic mode nth${not(m.invert)} every ${m.every}${m.packet === 0 ? '' : ` packet ${m.packet}`}`
    case 'set':
      return `${not(m.invert)} match-set ${m.set} ${m.directions.join(',')}${m.options.map((o) => ` ${o.replace(/^--/, '')}`).join('')}`
    case 'physdev':
      return ` PHYSDEV match${physdevOptions(m)}`
    case 'recent':
      return listRecent(m)
    case 'mac':
      return ` MAC${not(m.invert)} ${formatMac(m.source)}`
    case 'limit':
      return ` limit: avg ${m.average}/${m.unit} burst ${m.burst}`
    case 'nfacct':
      return ` nfacct-name ${m.name}`
    case 'unknown':
      return ` ${[m.name, ...m.arguments].join(' ')}`
    default:
      return assertNever(m, 'match')
  }
}

function listIcmp(m: Extract<Match, { kind: 'icmp' }>, numeric: boolean): string {
  const named = numeric ? undefined : ICMP_TYPES.find((t) => t.type === m.type && t.code === m.code)
  if (named) return ` icmp ${m.invert ? '!' : ''}${named.name}`
  const code = m.code === undefined ? '' : ` code ${m.code}`
  return m.invert ? ` icmp !type ${m.type}${code}` : ` icmptype ${m.type}${code}`
}

const RECENT = { set: 'SET', rcheck: 'CHECK', update: 'UPDATE', remove: 'REMOVE' } as const

function listRecent(m: Extract<Match, { kind: 'recent' }>): string {
  return [
    `${not(m.invert)} recent: ${RECENT[m.operation]}`,
    m.seconds ? ` seconds: ${m.seconds}` : '',
    m.reap ? ' reap' : '',
    m.hitcount ? ` hit_count: ${m.hitcount}` : '',
    m.ttl ? ' TTL-Match' : '',
    ` name: ${m.name} side: ${m.side} mask: ${formatIpv4(m.mask)}`,
  ].join('')
}

/** What stands in the target column. */
export function targetName(t: Target): string {
  switch (t.kind) {
    case 'none':
      return ''
    case 'jump':
    case 'goto':
      return t.chain
    case 'notrack':
      return 'CT'
    case 'unknown':
      return t.name
    default:
      return t.kind.toUpperCase()
  }
}

const natFlags = (r: NatRange): string =>
  `${r.random ? ' random' : ''}${r.randomFully ? ' random-fully' : ''}${r.persistent ? ' persistent' : ''}`
const natPorts = (label: string, r: NatRange): string => (r.ports ? ` ${label} ${portRange(r.ports, '-')}` : '')

function setMark(name: string, value: number, mask: number): string {
  if (value === 0) return ` ${name} and ${hex(~mask >>> 0)}`
  if (value === mask) return ` ${name} or ${hex(value)}`
  if (mask === 0) return ` ${name} xor ${hex(value)}`
  return mask === 0xffffffff ? ` ${name} set ${hex(value)}` : ` ${name} xset ${hex(value)}/${hex(mask)}`
}

const LOG_LEVEL_NAMES = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug']
const LOG_FLAG_BITS: Readonly<Record<string, number>> = {
  '--log-tcp-sequence': 1,
  '--log-tcp-options': 2,
  '--log-ip-options': 4,
  '--log-uid': 8,
  '--log-macdecode': 32,
}

/** What follows the matches: the target's options. */
export function listTarget(t: Target, numeric: boolean): string {
  switch (t.kind) {
    case 'reject':
      return ` reject-with ${t.with}`
    case 'dnat':
    case 'snat':
      return ` to:${natTo(t.range)}${natFlags(t.range)}`
    case 'masquerade':
      return `${natPorts('masq ports:', t.range)}${natFlags(t.range)}`
    case 'redirect':
      return `${natPorts('redir ports', t.range)}${natFlags(t.range)}`
    case 'mark':
      return setMark('MARK', t.value, t.mask)
    case 'connmark': {
      if (t.operation === 'set') return setMark('CONNMARK', t.value, t.mask)
      if (t.nfmask === t.ctmask) return ` CONNMARK ${t.operation}${t.nfmask === 0xffffffff ? '' : ` mask ${hex(t.nfmask)}`}`
      return t.operation === 'save'
        ? ` CONNMARK save nfmask ${hex(t.nfmask)} ctmask ~${hex(t.ctmask)}`
        : ` CONNMARK restore ctmask ${hex(t.ctmask)} nfmask ~${hex(t.nfmask)}`
    }
    case 'log': {
      const prefix = t.prefix === '' ? '' : ` prefix "${t.prefix}"`
      if (numeric) return ` LOG flags ${t.options.reduce((n, o) => n | (LOG_FLAG_BITS[o] ?? 0), 0)} level ${t.level}${prefix}`
      return ` LOG level ${LOG_LEVEL_NAMES[t.level]}${t.options.map((o) => ` ${o.replace('--log-', '')}`).join('')}${prefix}`
    }
    case 'notrack':
      return t.spelling === 'NOTRACK' ? ' NOTRACK' : ' CT notrack'
    case 'unknown':
      return t.arguments.length === 0 ? '' : ` ${t.name} ${t.arguments.map((a) => a.replace(/^--/, '')).join(' ')}`
    default:
      return ''
  }
}
