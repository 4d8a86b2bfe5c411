import { assertNever } from '../../base/assert-never.ts'
import { formatIpv4, formatMac } from '../../net/address.ts'
import type {
  AddressMatch,
  InterfaceMatch,
  Match,
  NatRange,
  PortMatch,
  PortRange,
  RuleSpec,
  Target,
} from '../../world/netfilter.ts'
import { TCP_FLAGS } from './names.ts'
import { saveString } from './words.ts'

/** Prefix length of a mask, or undefined when its ones are not all in front. */
export function prefixLengthOf(mask: number): number | undefined {
  const zeros = ~mask >>> 0
  return (zeros & (zeros + 1)) === 0 ? 32 - (zeros === 0 ? 0 : 32 - Math.clz32(zeros)) : undefined
}

/** `/24`, or `/255.0.255.0`. */
export const maskSuffix = (mask: number): string => `/${prefixLengthOf(mask) ?? formatIpv4(mask)}`

export const not = (invert: boolean | undefined): string => (invert ? ' !' : '')
export const hex = (n: number): string => `0x${n.toString(16)}`
export const valueAndMask = (value: number, mask: number): string =>
  mask === 0xffffffff ? hex(value) : `${hex(value)}/${hex(mask)}`
export const formatInterface = (i: InterfaceMatch): string => (i.prefix ? `${i.name}+` : i.name)
export const portRange = (p: PortRange, separator = ':'): string =>
  p.from === p.to ? `${p.from}` : `${p.from}${separator}${p.to}`
export const isAnyPort = (p: PortMatch): boolean => p.from === 0 && p.to === 65535 && !p.invert

export const tcpFlagNames = (bits: number): string => TCP_FLAGS.filter((_, i) => bits & (1 << i)).join(',') || 'NONE'
/** Of 2^31, as xt_statistic stores it. */
export const formatProbability = (p: number): string => (p / 0x8000_0000).toFixed(11)

/**
 * The rule's options, each with a blank before it, as iptables-save prints them after `-A CHAIN` (iptables/iptables.c
 * print_rule4, spelling of iptables-legacy 1.8.9).
 */
export function formatSpec(s: RuleSpec): string {
  return `${formatBase(s)}${s.matches.map(saveMatch).join('')}${saveTarget(s.target)}`
}

/** The part before -j, for `iptables -S -v`, which puts the counters in between. */
export const formatBaseAndMatches = (s: RuleSpec): string => `${formatBase(s)}${s.matches.map(saveMatch).join('')}`

function formatBase(s: RuleSpec): string {
  let out = ''
  if (s.src) out += saveAddress('-s', s.src)
  if (s.dst) out += saveAddress('-d', s.dst)
  if (s.inIface) out += saveInterface('-i', s.inIface)
  if (s.outIface) out += saveInterface('-o', s.outIface)
  if (s.protocol) out += `${not(s.protocol.invert)} -p ${s.protocol.name === 'ipv4' ? 'ipencap' : s.protocol.name}`
  if (s.fragment) out += `${not(s.fragment.invert)} -f`
  return out
}

const saveAddress = (option: string, a: AddressMatch): string =>
  `${not(a.invert)} ${option} ${formatIpv4(a.address)}${maskSuffix(a.mask)}`

/** `+` alone is any interface, and nothing is printed for it. */
const saveInterface = (option: string, i: InterfaceMatch): string =>
  i.name === '' ? '' : `${not(i.invert)} ${option} ${formatInterface(i)}`

/** Words of an extension that is not modelled: quoted wherever a shell would need it, as extensions print their strings. */
const words = (list: readonly string[]): string =>
  list.map((w) => ` ${w === '!' || /^[\w.,:/%+=@-]+$/.test(w) ? w : `"${w.replace(/["\\']/g, '\\$&')}"`}`).join('')

const ports = (m: { readonly sport?: PortMatch; readonly dport?: PortMatch }): string =>
  `${m.sport && !isAnyPort(m.sport) ? `${not(m.sport.invert)} --sport ${portRange(m.sport)}` : ''}${m.dport && !isAnyPort(m.dport) ? `${not(m.dport.invert)} --dport ${portRange(m.dport)}` : ''}`

/** ` -m NAME …`: each extension's save function (extensions/libxt_*.c, libipt_*.c). */
export function saveMatch(m: Match): string {
  return ` -m ${m.kind === 'unknown' ? m.name : m.kind}${matchOptions(m)}`
}

function matchOptions(m: Match): string {
  switch (m.kind) {
    case 'tcp':
      return `${ports(m)}${m.option ? `${not(m.option.invert)} --tcp-option ${m.option.number}` : ''}${m.flags ? `${not(m.flags.invert)} --tcp-flags ${tcpFlagNames(m.flags.mask)} ${tcpFlagNames(m.flags.comp)}` : ''}`
    case 'udp':
    case 'sctp':
      return ports(m)
    case 'icmp':
      return `${not(m.invert)} --icmp-type ${m.type === 255 ? 'any' : m.code === undefined ? m.type : `${m.type}/${m.code}`}`
    case 'multiport':
      return `${not(m.invert)} --${m.which} ${m.ranges.map((r) => portRange(r)).join(',')}`
    case 'comment':
      return ` --comment ${saveString(m.text)}`
    case 'mark':
    case 'connmark':
      return `${not(m.invert)} --mark ${valueAndMask(m.value, m.mask)}`
    case 'conntrack':
      return conntrackOptions(m)
    case 'state':
      return `${not(m.invert)} --state ${m.states.join(',')}`
    case 'addrtype':
      return `${m.srcTypes ? `${not(m.srcInvert)} --src-type ${m.srcTypes.join(',')}` : ''}${m.dstTypes ? `${not(m.dstInvert)} --dst-type ${m.dstTypes.join(',')}` : ''}${m.limitIface ? ` --limit-iface-${m.limitIface}` : ''}`
    case 'statistic':
      return m.mode === 'random'
        ? ` --mode random${not(m.invert)} --probability ${formatProbability(m.probability)}`
        : ` --mode nth${not(m.invert)} --every ${m.every} --packet ${m.packet}`
    case 'set':
      return `${not(m.invert)} --match-set ${m.set} ${m.directions.join(',')}${words(m.options)}`
    case 'physdev':
      return physdevOptions(m)
    case 'recent':
      return recentOptions(m)
    case 'mac':
      return `${not(m.invert)} --mac-source ${formatMac(m.source)}`
    case 'limit':
      return ` --limit ${m.average}/${m.unit}${m.burst === 5 ? '' : ` --limit-burst ${m.burst}`}`
    case 'nfacct':
      return ` --nfacct-name ${m.name}`
    case 'unknown':
      return words(m.arguments)
    default:
      return assertNever(m, 'match')
  }
}

/** libxt_conntrack.c prints no /32. */
const ctAddress = (a: AddressMatch): string => `${formatIpv4(a.address)}${a.mask === 0xffffffff ? '' : maskSuffix(a.mask)}`

/** libxt_conntrack.c conntrack_dump(); `prefix` is `--` in save text and empty in a listing. */
export function conntrackOptions(m: Extract<Match, { kind: 'conntrack' }>, prefix = '--'): string {
  let out = ''
  const add = (invert: boolean | undefined, name: string, value: string) => {
    out += `${not(invert)} ${prefix}${name} ${value}`
  }
  if (m.states) add(m.statesInvert, 'ctstate', m.states.join(','))
  if (m.protocol) add(m.protocol.invert, 'ctproto', String(m.protocol.number))
  if (m.origSrc) add(m.origSrc.invert, 'ctorigsrc', ctAddress(m.origSrc))
  if (m.origDst) add(m.origDst.invert, 'ctorigdst', ctAddress(m.origDst))
  if (m.replSrc) add(m.replSrc.invert, 'ctreplsrc', ctAddress(m.replSrc))
  if (m.replDst) add(m.replDst.invert, 'ctrepldst', ctAddress(m.replDst))
  if (m.origDstPort) add(m.origDstPort.invert, 'ctorigdstport', portRange(m.origDstPort))
  if (m.status) add(m.statusInvert, 'ctstatus', m.status.join(','))
  if (m.direction) add(false, 'ctdir', m.direction)
  return out
}

export function physdevOptions(m: Extract<Match, { kind: 'physdev' }>): string {
  const flag = (v: boolean | undefined, name: string) => (v === undefined ? '' : `${not(!v)} --physdev-${name}`)
  const device = (i: InterfaceMatch | undefined, name: string) =>
    i === undefined ? '' : `${not(i.invert)} --physdev-${name} ${formatInterface(i)}`
  return `${flag(m.isIn, 'is-in')}${device(m.physIn, 'in')}${flag(m.isOut, 'is-out')}${device(m.physOut, 'out')}${flag(m.isBridged, 'is-bridged')}`
}

function recentOptions(m: Extract<Match, { kind: 'recent' }>): string {
  return [
    `${not(m.invert)} --${m.operation}`,
    m.seconds ? ` --seconds ${m.seconds}` : '',
    m.reap ? ' --reap' : '',
    m.hitcount ? ` --hitcount ${m.hitcount}` : '',
    m.ttl ? ' --rttl' : '',
    ` --name ${m.name} --mask ${formatIpv4(m.mask)} --r${m.side}`,
  ].join('')
}

/** `1.2.3.4-1.2.3.9:100-200`. */
export function natTo(r: NatRange): string {
  const { addresses: a, ports: p } = r
  const hosts = a ? (a.from === a.to ? formatIpv4(a.from) : `${formatIpv4(a.from)}-${formatIpv4(a.to)}`) : ''
  return `${hosts}${p ? `:${portRange(p, '-')}` : ''}`
}

const natFlags = (r: NatRange): string =>
  `${r.random ? ' --random' : ''}${r.randomFully ? ' --random-fully' : ''}${r.persistent ? ' --persistent' : ''}`
const toPorts = (r: NatRange): string => (r.ports ? ` --to-ports ${portRange(r.ports, '-')}` : '')

/** ` -j TARGET …`, nothing for a rule without a target. */
export function saveTarget(t: Target): string {
  switch (t.kind) {
    case 'none':
      return ''
    case 'accept':
    case 'drop':
    case 'return':
      return ` -j ${t.kind.toUpperCase()}`
    case 'jump':
      return ` -j ${t.chain}`
    case 'goto':
      return ` -g ${t.chain}`
    case 'reject':
      return ` -j REJECT --reject-with ${t.with}`
    case 'dnat':
      return ` -j DNAT --to-destination ${natTo(t.range)}${natFlags(t.range)}`
    case 'snat':
      return ` -j SNAT --to-source ${natTo(t.range)}${natFlags(t.range)}`
    case 'masquerade':
      return ` -j MASQUERADE${toPorts(t.range)}${natFlags(t.range)}`
    case 'redirect':
      return ` -j REDIRECT${toPorts(t.range)}${natFlags(t.range)}`
    case 'mark':
      return ` -j MARK --set-xmark ${hex(t.value)}/${hex(t.mask)}`
    case 'connmark':
      return t.operation === 'set'
        ? ` -j CONNMARK --set-xmark ${hex(t.value)}/${hex(t.mask)}`
        : ` -j CONNMARK --${t.operation}-mark --nfmask ${hex(t.nfmask)} --ctmask ${hex(t.ctmask)}`
    case 'log':
      return ` -j LOG${t.prefix === '' ? '' : ` --log-prefix ${saveString(t.prefix)}`}${t.level === 4 ? '' : ` --log-level ${t.level}`}${words(t.options)}`
    case 'notrack':
      return t.spelling === 'NOTRACK' ? ' -j NOTRACK' : ' -j CT --notrack'
    case 'trace':
      return ' -j TRACE'
    case 'unknown':
      return ` -j ${t.name}${words(t.arguments)}`
    default:
      return assertNever(t, 'target')
  }
}
