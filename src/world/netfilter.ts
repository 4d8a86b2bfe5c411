import type { Ipv4, Mac } from '../net/address.ts'

// A rule as iptables understands it: what `iptables-save` prints, parsed once, printed back by linux/, compiled and run by
// kernel/netfilter. Everything that is not modelled is kept as it was written (`unknown`) and survives a round trip.

export type TableName = 'raw' | 'mangle' | 'nat' | 'filter' | 'security'
export type HookName = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING'

/** An address with a mask (not always a prefix: iptables takes any mask), negated by `! -s`. */
export interface AddressMatch {
  readonly address: Ipv4
  readonly mask: Ipv4
  readonly invert: boolean
}
/** A name, or a name prefix when it ended in `+`. */
export interface InterfaceMatch {
  readonly name: string
  readonly prefix: boolean
  readonly invert: boolean
}
/** `name` is as printed (`tcp`, `udp`, `icmp`, or digits); `number` 0 means all. */
export interface ProtocolMatch {
  readonly name: string
  readonly number: number
  readonly invert: boolean
}
export interface PortRange {
  readonly from: number
  readonly to: number
}
export interface PortMatch extends PortRange {
  readonly invert: boolean
}

export type CtStateName = 'INVALID' | 'NEW' | 'RELATED' | 'ESTABLISHED' | 'UNTRACKED' | 'SNAT' | 'DNAT'
export type AddrType =
  | 'UNSPEC'
  | 'UNICAST'
  | 'LOCAL'
  | 'BROADCAST'
  | 'ANYCAST'
  | 'MULTICAST'
  | 'BLACKHOLE'
  | 'UNREACHABLE'
  | 'PROHIBIT'
  | 'THROW'
  | 'NAT'
  | 'XRESOLVE'

export type Match =
  | {
      readonly kind: 'tcp'
      readonly sport?: PortMatch
      readonly dport?: PortMatch
      /** `--tcp-flags MASK COMP` as bits FIN=1 SYN=2 RST=4 PSH=8 ACK=16 URG=32. */
      readonly flags?: { readonly mask: number; readonly comp: number; readonly invert: boolean }
      readonly option?: { readonly number: number; readonly invert: boolean }
    }
  | { readonly kind: 'udp'; readonly sport?: PortMatch; readonly dport?: PortMatch }
  | { readonly kind: 'sctp'; readonly sport?: PortMatch; readonly dport?: PortMatch }
  | { readonly kind: 'icmp' /** 255 means any. */; readonly type: number; readonly code?: number; readonly invert: boolean }
  | {
      readonly kind: 'multiport'
      readonly which: 'sports' | 'dports' | 'ports'
      readonly ranges: readonly PortRange[]
      readonly invert: boolean
    }
  | { readonly kind: 'comment'; readonly text: string }
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number; readonly invert: boolean }
  | { readonly kind: 'connmark'; readonly value: number; readonly mask: number; readonly invert: boolean }
  | {
      readonly kind: 'conntrack'
      readonly states?: readonly CtStateName[]
      readonly statesInvert?: boolean
      readonly status?: readonly ('NONE' | 'EXPECTED' | 'SEEN_REPLY' | 'ASSURED' | 'CONFIRMED')[]
      readonly statusInvert?: boolean
      readonly origSrc?: AddressMatch
      readonly origDst?: AddressMatch
      readonly replSrc?: AddressMatch
      readonly replDst?: AddressMatch
      readonly origDstPort?: PortMatch
      readonly protocol?: ProtocolMatch
      readonly direction?: 'ORIGINAL' | 'REPLY'
    }
  | { readonly kind: 'state'; readonly states: readonly CtStateName[]; readonly invert: boolean }
  | {
      readonly kind: 'addrtype'
      readonly srcTypes?: readonly AddrType[]
      readonly srcInvert?: boolean
      readonly dstTypes?: readonly AddrType[]
      readonly dstInvert?: boolean
      readonly limitIface?: 'in' | 'out'
    }
  | {
      readonly kind: 'statistic'
      readonly mode: 'random' /** Of 2^31, as xt_statistic stores it. */
      readonly probability: number
      readonly invert: boolean
    }
  | {
      readonly kind: 'statistic'
      readonly mode: 'nth'
      readonly every: number
      readonly packet: number
      readonly invert: boolean
    }
  | {
      readonly kind: 'set'
      readonly set: string
      readonly directions: readonly ('src' | 'dst')[]
      readonly invert: boolean
      readonly options: readonly string[]
    }
  | {
      readonly kind: 'physdev'
      readonly physIn?: InterfaceMatch
      readonly physOut?: InterfaceMatch
      readonly isIn?: boolean
      readonly isOut?: boolean
      readonly isBridged?: boolean
    }
  | {
      readonly kind: 'recent'
      readonly operation: 'set' | 'rcheck' | 'update' | 'remove'
      readonly name: string
      readonly invert: boolean
      readonly seconds?: number
      readonly hitcount?: number
      readonly reap: boolean
      readonly ttl: boolean
      readonly mask: Ipv4
      readonly side: 'source' | 'dest'
    }
  | { readonly kind: 'mac'; readonly source: Mac; readonly invert: boolean }
  /** `average` packets per `unit`, as written. */
  | { readonly kind: 'limit'; readonly average: number; readonly unit: 'sec' | 'min' | 'hour' | 'day'; readonly burst: number }
  | { readonly kind: 'nfacct'; readonly name: string }
  /** Not modelled: `arguments` verbatim (unquoted words) after `-m name`. */
  | { readonly kind: 'unknown'; readonly name: string; readonly arguments: readonly string[] }

/** REJECT --reject-with, the names iptables-save prints. */
export type RejectWith =
  | 'icmp-net-unreachable'
  | 'icmp-host-unreachable'
  | 'icmp-proto-unreachable'
  | 'icmp-port-unreachable'
  | 'icmp-net-prohibited'
  | 'icmp-host-prohibited'
  | 'icmp-admin-prohibited'
  | 'tcp-reset'

/** New source or destination. Absent addresses leave the address, absent ports leave the port (within the NAT core's rules). */
export interface NatRange {
  readonly addresses?: { readonly from: Ipv4; readonly to: Ipv4 }
  readonly ports?: PortRange
  readonly random: boolean
  readonly randomFully: boolean
  readonly persistent: boolean
}

export type Target =
  /** No -j: the rule counts and the walk goes on. */
  | { readonly kind: 'none' }
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'return' }
  | { readonly kind: 'jump'; readonly chain: string }
  | { readonly kind: 'goto'; readonly chain: string }
  | { readonly kind: 'reject'; readonly with: RejectWith }
  | { readonly kind: 'dnat'; readonly range: NatRange }
  | { readonly kind: 'snat'; readonly range: NatRange }
  | { readonly kind: 'masquerade'; readonly range: NatRange }
  | { readonly kind: 'redirect'; readonly range: NatRange }
  /** mark = (mark & ~mask) ^ value: every --set-mark, --or-mark, --and-mark and --xor-mark is this. */
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number }
  | { readonly kind: 'connmark'; readonly operation: 'set'; readonly value: number; readonly mask: number }
  | { readonly kind: 'connmark'; readonly operation: 'save' | 'restore'; readonly nfmask: number; readonly ctmask: number }
  | { readonly kind: 'log'; readonly prefix: string; readonly level: number; readonly options: readonly string[] }
  /** `-j CT --notrack`; `spelling` when it was written with the old name, which iptables-legacy keeps. */
  | { readonly kind: 'notrack'; readonly spelling?: 'NOTRACK' }
  | { readonly kind: 'trace' }
  | { readonly kind: 'unknown'; readonly name: string; readonly arguments: readonly string[] }

export interface RuleSpec {
  readonly src?: AddressMatch
  readonly dst?: AddressMatch
  readonly inIface?: InterfaceMatch
  readonly outIface?: InterfaceMatch
  readonly protocol?: ProtocolMatch
  readonly fragment?: { readonly invert: boolean }
  /** In the order they are printed and tried. */
  readonly matches: readonly Match[]
  readonly target: Target
}
