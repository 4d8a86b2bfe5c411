import { formatIpv4, formatPrefix, IPV4_BROADCAST, type Ipv4, type Ipv4Prefix, maskOf } from '../../net/address.ts'
import type { AddrType, CtStateName, Match, NatRange, RuleSpec, TableName, Target } from '../../world/netfilter.ts'
import type { Origin } from '../../world/records.ts'
import { hostCidr, type IpAddress, type IpCidr, joinHostPort } from './ip.ts'

// A rule is written once, as the arguments that a component passes to iptables, and gives both: the text that
// iptables-restore would read and the rule that the kernel then holds. linux/'s parser of the text gives the same rule.

/** `-d 10.96.0.10`, and what it adds to a rule. */
export interface Argument {
  readonly text: string
  readonly apply: (draft: Draft) => void
}
type Draft = { -readonly [K in keyof Omit<RuleSpec, 'matches'>]?: RuleSpec[K] } & { matches: Match[] }

export interface GeneratedRule {
  readonly chain: string
  /** `-A CHAIN …` as the component writes it; '' where it was asked for rules alone. */
  readonly text: string
  /** Of an IPv6 rule, which the engine has not: one that no packet meets. Such rules are only written. */
  readonly spec: RuleSpec
  readonly origin: Origin
}

export function rule(chain: string, origin: Origin, ...args: readonly Argument[]): GeneratedRule {
  const draft: Draft = { matches: [] }
  let text = `-A ${chain}`
  for (const a of args) {
    text += ` ${a.text}`
    a.apply(draft)
  }
  return { chain, text, spec: specOf(draft), origin }
}

/** A rule that nobody is going to read: of a large cluster, the texts are more than all the rest. */
export function wordlessRule(chain: string, origin: Origin, ...args: readonly Argument[]): GeneratedRule {
  const draft: Draft = { matches: [] }
  for (const a of args) a.apply(draft)
  return { chain, text: '', spec: specOf(draft), origin }
}

function specOf({ target, ...rest }: Draft): RuleSpec {
  return { ...rest, target: target ?? { kind: 'none' } }
}

const match = (text: string, m: Match): Argument => ({ text, apply: (d) => void d.matches.push(m) })
const target = (text: string, t: Target): Argument => ({
  text,
  apply: (d) => {
    d.target = t
  },
})

/** Quoted as Go's kube-proxy does: unless it is a single word. */
export const comment = (text: string): Argument =>
  match(`-m comment --comment ${text.includes(' ') ? `"${text}"` : text}`, { kind: 'comment', text })

const PROTOCOL_NUMBERS = { tcp: 6, udp: 17, sctp: 132 } as const
export type L4Protocol = keyof typeof PROTOCOL_NUMBERS

/** `-m tcp -p tcp`; `destination` and `destinationPort` may stand between, so the port is given here and written by `dport`. */
export const protocol = (name: L4Protocol): Argument => ({
  text: `-m ${name} -p ${name}`,
  apply: (d) => {
    d.protocol = { name, number: PROTOCOL_NUMBERS[name], invert: false }
    d.matches.push({ kind: name })
  },
})

/** `--dport` belongs to the protocol match before it. */
export const dport = (port: number): Argument => ({
  text: `--dport ${port}`,
  apply: (d) => {
    const i = d.matches.findLastIndex((m) => m.kind === 'tcp' || m.kind === 'udp' || m.kind === 'sctp')
    const m = d.matches[i]
    if (m?.kind === 'tcp' || m?.kind === 'udp' || m?.kind === 'sctp') {
      d.matches[i] = { ...m, dport: { from: port, to: port, invert: false } }
    }
  },
})

/** `-p udp` alone: iptables adds no match for it. */
export const protocolOnly = (name: L4Protocol): Argument => ({
  text: `-p ${name}`,
  apply: (d) => {
    d.protocol = { name, number: PROTOCOL_NUMBERS[name], invert: false }
  },
})

const prefixText = (p: Ipv4Prefix): string => (p.length === 32 ? formatIpv4(p.address) : formatPrefix(p))

export const destination = (p: Ipv4Prefix, invert = false): Argument => ({
  text: `${invert ? '! ' : ''}-d ${prefixText(p)}`,
  apply: (d) => {
    d.dst = { address: p.address, mask: maskOf(p.length), invert }
  },
})
export const source = (p: Ipv4Prefix, invert = false): Argument => ({
  text: `${invert ? '! ' : ''}-s ${prefixText(p)}`,
  apply: (d) => {
    d.src = { address: p.address, mask: maskOf(p.length), invert }
  },
})

/** What an IPv6 block comes to in a spec. */
const beyondTheEngine = (d: Draft, c: IpCidr): void => void d.matches.push({ kind: 'unknown', name: 'ipv6', arguments: [c.text] })

const host = (address: Ipv4): Ipv4Prefix => ({ address, length: 32 })
export const toHost = (address: Ipv4): Argument => destination(host(address))
export const fromHost = (address: Ipv4): Argument => source(host(address))
/** Blocks of either family, `-d 10.96.0.10` for a host. */
export const toCidr = (c: IpCidr, invert = false): Argument => ({
  text: `${invert ? '! ' : ''}-d ${c.text}`,
  apply: (d) => {
    if (c.base.family === 'IPv4') d.dst = { address: c.base.value, mask: maskOf(c.length), invert }
    else beyondTheEngine(d, c)
  },
})
export const fromCidr = (c: IpCidr, invert = false): Argument => ({
  text: `${invert ? '! ' : ''}-s ${c.text}`,
  apply: (d) => {
    if (c.base.family === 'IPv4') d.src = { address: c.base.value, mask: maskOf(c.length), invert }
    else beyondTheEngine(d, c)
  },
})
export const toIp = (a: IpAddress): Argument => toCidr(hostCidr(a))
export const fromIp = (a: IpAddress): Argument => fromCidr(hostCidr(a))

/** `-i cbr0`; with `prefix`, any interface whose name begins so (`-i veth+`). */
export const inInterface = (name: string, more: { prefix?: boolean; invert?: boolean } = {}): Argument => ({
  text: `${more.invert ? '! ' : ''}-i ${name}${more.prefix ? '+' : ''}`,
  apply: (d) => {
    d.inIface = { name, prefix: more.prefix ?? false, invert: more.invert ?? false }
  },
})
export const outInterface = (name: string): Argument => ({
  text: `-o ${name}`,
  apply: (d) => {
    d.outIface = { name, prefix: false, invert: false }
  },
})

export const ctstate = (states: readonly CtStateName[], invert = false): Argument =>
  match(`-m conntrack ${invert ? '! ' : ''}--ctstate ${states.join(',')}`, {
    kind: 'conntrack',
    states,
    ...(invert ? { statesInvert: true } : {}),
  })

/** The old name of `ctstate`, which iptables keeps. */
export const stateNew: Argument = match('-m state --state NEW', { kind: 'state', states: ['NEW'], invert: false })

export const dstType = (type: AddrType, invert = false): Argument =>
  match(`-m addrtype ${invert ? '! ' : ''}--dst-type ${type}`, {
    kind: 'addrtype',
    dstTypes: [type],
    ...(invert ? { dstInvert: true } : {}),
  })

export const srcType = (type: AddrType, invert = false): Argument =>
  match(`-m addrtype ${invert ? '! ' : ''}--src-type ${type}`, {
    kind: 'addrtype',
    srcTypes: [type],
    ...(invert ? { srcInvert: true } : {}),
  })

/** `-m set --match-set NAME dst,dst`. */
export const matchSet = (set: string, directions: readonly ('src' | 'dst')[]): Argument =>
  match(`-m set --match-set ${set} ${directions.join(',')}`, { kind: 'set', set, directions, invert: false, options: [] })

/** `-m multiport -p tcp --destination-ports 8080,8443`: up to 15 of them. */
export const destinationPorts = (name: L4Protocol, ports: readonly number[]): Argument[] => [
  protocolOnly(name),
  match(`-m multiport --destination-ports ${ports.join(',')}`, {
    kind: 'multiport',
    which: 'dports',
    ranges: ports.map((p) => ({ from: p, to: p })),
    invert: false,
  }),
]

/** Not from a bridge port. */
export const notFromBridgePort: Argument = match('-m physdev ! --physdev-is-in', { kind: 'physdev', isIn: false })

/** `-m ipvs`, which the engine does not model: a packet that meets it ends as undetermined. */
export const ipvsMatch = (vaddr: string, vproto: string, vport: number): Argument => {
  const args = ['--vaddr', vaddr, '--vproto', vproto, '--vport', String(vport)]
  return match(`-m ipvs ${args.join(' ')}`, { kind: 'unknown', name: 'ipvs', arguments: args })
}

const hex = (n: number) => `0x${n.toString(16)}`
export const hasMark = (bits: number, invert = false): Argument =>
  match(`-m mark ${invert ? '! ' : ''}--mark ${hex(bits)}/${hex(bits)}`, { kind: 'mark', value: bits, mask: bits, invert })

export const nfacct = (name: string): Argument => match(`-m nfacct --nfacct-name ${name}`, { kind: 'nfacct', name })

/** xt_statistic keeps the chance as a fraction of 2^31, rounded as iptables' libxt_statistic does (lround). */
export const statisticRandom = (chance: string): Argument =>
  match(`-m statistic --mode random --probability ${chance}`, {
    kind: 'statistic',
    mode: 'random',
    probability: Math.round(Number(chance) * 0x8000_0000),
    invert: false,
  })

const RECENT = { kind: 'recent', invert: false, ttl: false, mask: IPV4_BROADCAST, side: 'source' } as const

/** Has the source been seen on this list within `seconds`? Older entries are removed (`--reap`). */
export const recentCheck = (name: string, seconds: number): Argument =>
  match(`-m recent --name ${name} --rcheck --seconds ${seconds} --reap`, {
    ...RECENT,
    operation: 'rcheck',
    name,
    seconds,
    reap: true,
  })
export const recentSet = (name: string): Argument =>
  match(`-m recent --name ${name} --set`, { ...RECENT, operation: 'set', name, reap: false })

export const jump = (chain: string): Argument => target(`-j ${chain}`, { kind: 'jump', chain })
/** A target that the engine does not know: a packet that meets it ends as undetermined. */
export const unmodelled = (name: string): Argument => target(`-j ${name}`, { kind: 'unknown', name, arguments: [] })
export const ACCEPT = target('-j ACCEPT', { kind: 'accept' })
export const DROP = target('-j DROP', { kind: 'drop' })
export const RETURN = target('-j RETURN', { kind: 'return' })
/** Without --reject-with the kernel answers icmp-port-unreachable. */
export const REJECT = target('-j REJECT', { kind: 'reject', with: 'icmp-port-unreachable' })
export const orMark = (bits: number): Argument =>
  target(`-j MARK --or-mark ${hex(bits)}`, { kind: 'mark', value: bits, mask: bits })
/** `--set-xmark VALUE/MASK`, which is how every other way to set a mark is kept. */
export const setXmark = (value: number, mask: number): Argument =>
  target(`-j MARK --set-xmark ${hex(value)}/${hex(mask)}`, { kind: 'mark', value, mask })
export const xorMark = (bits: number): Argument =>
  target(`-j MARK --xor-mark ${hex(bits)}`, { kind: 'mark', value: bits, mask: 0 })

/** The whole connection mark; the packet's own mark from it. */
export const setConnmark = (value: number): Argument =>
  target(`-j CONNMARK --set-xmark ${hex(value)}/0xffffffff`, { kind: 'connmark', operation: 'set', value, mask: 0xffffffff })
export const restoreConnmark: Argument = target('-j CONNMARK --restore-mark', {
  kind: 'connmark',
  operation: 'restore',
  nfmask: 0xffffffff,
  ctmask: 0xffffffff,
})

/** The connection has a mark. */
export const hasConnmark = match('-m connmark ! --mark 0x0', { kind: 'connmark', value: 0, mask: 0xffffffff, invert: true })

const PLAIN_RANGE: NatRange = { random: false, randomFully: false, persistent: false }
export const masquerade = (randomFully: boolean): Argument =>
  target(`-j MASQUERADE${randomFully ? ' --random-fully' : ''}`, { kind: 'masquerade', range: { ...PLAIN_RANGE, randomFully } })
export const dnatTo = (address: Ipv4): Argument =>
  target(`-j DNAT --to-destination ${formatIpv4(address)}`, {
    kind: 'dnat',
    range: { ...PLAIN_RANGE, addresses: { from: address, to: address } },
  })
export const dnatToEndpoint = (address: IpAddress, port: number): Argument => {
  const text = `-j DNAT --to-destination ${joinHostPort(address, port)}`
  const ports = { from: port, to: port }
  return address.family === 'IPv4'
    ? target(text, { kind: 'dnat', range: { ...PLAIN_RANGE, addresses: { from: address.value, to: address.value }, ports } })
    : target(text, { kind: 'unknown', name: 'DNAT', arguments: ['--to-destination', joinHostPort(address, port)] })
}
export const dnatToPort = (address: Ipv4, port: number): Argument =>
  target(`-j DNAT --to-destination ${formatIpv4(address)}:${port}`, {
    kind: 'dnat',
    range: { ...PLAIN_RANGE, addresses: { from: address, to: address }, ports: { from: port, to: port } },
  })
/** To a port of this machine itself. */
export const redirectTo = (port: number): Argument =>
  target(`-j REDIRECT --to-ports ${port}`, { kind: 'redirect', range: { ...PLAIN_RANGE, ports: { from: port, to: port } } })
export const snatTo = (address: Ipv4): Argument =>
  target(`-j SNAT --to-source ${formatIpv4(address)}`, {
    kind: 'snat',
    range: { ...PLAIN_RANGE, addresses: { from: address, to: address } },
  })

/** One table as it is loaded: user chains in the order they are declared, and the rules of all chains. */
export interface GeneratedTable {
  readonly table: TableName
  readonly chains: readonly { readonly name: string; readonly origin: Origin }[]
  readonly rules: readonly GeneratedRule[]
  /** Declared only to be emptied, and removed (`-X`) once nothing jumps to them. */
  readonly removed?: readonly string[]
}
