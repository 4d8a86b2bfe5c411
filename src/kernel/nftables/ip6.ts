import type { AddrType } from '../../world/netfilter.ts'
import type { NftExpression, NftStatement } from '../../world/nft.ts'
import type { HookState } from '../netfilter/hook-state.ts'
import { NF_DROP, type Skb } from '../types.ts'
import {
  BREAK,
  compileExpression,
  compileMap,
  type ExpressionDeps,
  type Loader,
  type NftInput,
  type Unmodelled,
} from './expression.ts'
import type { Ending } from './nat.ts'
import type { RuleDeps } from './rule.ts'
import { ip6Of, type Loaded } from './set.ts'

// Rules of families ip6 and inet as packets of IPv6 meet them. The engine's own packets are IPv4 through and through; here the rules
// are the engine's, and whoever has an IPv6 packet says what is in it and what becomes of it.

/** The network header, beside which the Skb's packet is the transport header. Addresses are 32 hexadecimal digits. */
export interface Ip6Header {
  readonly src: string
  readonly dst: string
  readonly hopLimit: number
  /** Payload length, bytes. */
  readonly length: number
}

/** Where NAT sends a packet; what is undefined stays. */
export interface Ip6Target {
  readonly address?: string
  readonly port?: number
}

export interface Ip6Deps {
  header(skb: NftInput): Ip6Header
  /** What an address is to the namespace. */
  addressType(address: string): AddrType
  /** NF_CT_STATE_BIT() of its connection. */
  ctState(skb: NftInput): number
  /** Sets up NAT; NF_ACCEPT or NF_DROP. */
  nat(skb: Skb, at: HookState, kind: 'dnat' | 'snat' | 'masquerade' | 'redirect', to: Ip6Target): number
}

const NFPROTO_IPV6 = 10
const ICMPV6 = 58
const pure = (load: Loader['load']): Loader => ({ pure: true, load })
const unmodelled = (what: string): Unmodelled => ({ unmodelled: what })

/** What loads otherwise than in IPv4; undefined: the same. */
export function compileIp6Expression(e: NftExpression, ip6: Ip6Deps): Loader | Unmodelled | undefined {
  switch (e.kind) {
    case 'payload':
      return compilePayload(e.protocol, e.field, ip6)
    case 'meta':
      if (e.key === 'nfproto') return pure(() => NFPROTO_IPV6)
      if (e.key === 'protocol') return pure(() => 0x86dd)
      return e.key === 'length' ? pure((skb) => 40 + ip6.header(skb).length) : undefined
    case 'ct':
      if (e.key === 'state') return pure((skb) => ip6.ctState(skb))
      return e.key === 'mark' ? undefined : unmodelled(`ct ${e.key} of IPv6`)
    case 'fib': {
      if (e.result !== 'type' || e.flags.includes('iif') || e.flags.includes('oif')) return unmodelled('fib of IPv6')
      const source = e.flags.includes('saddr')
      return pure((skb) => {
        const { src, dst } = ip6.header(skb)
        return RTN[ip6.addressType(source ? src : dst)] ?? 0
      })
    }
    default:
      return undefined
  }
}

/** rtm_type numbers, as far as an address of IPv6 can be of that type. */
const RTN: Partial<Readonly<Record<AddrType, number>>> = {
  UNSPEC: 0,
  UNICAST: 1,
  LOCAL: 2,
  ANYCAST: 4,
  MULTICAST: 5,
  UNREACHABLE: 7,
}

function compilePayload(protocol: string, field: string, ip6: Ip6Deps): Loader | Unmodelled | undefined {
  if (protocol === 'ip' || protocol === 'icmp') return pure(() => BREAK)
  if (protocol === 'icmpv6') {
    if (field !== 'type' && field !== 'code') return unmodelled(`icmpv6 ${field}`)
    return pure(({ pkt }) => (pkt.protocol === ICMPV6 ? (field === 'type' ? pkt.icmpType : pkt.icmpCode) : BREAK))
  }
  if (protocol !== 'ip6') return undefined
  switch (field) {
    case 'saddr':
      return pure((skb) => ip6.header(skb).src)
    case 'daddr':
      return pure((skb) => ip6.header(skb).dst)
    case 'nexthdr':
      return pure(({ pkt }) => pkt.protocol)
    case 'hoplimit':
      return pure((skb) => ip6.header(skb).hopLimit)
    case 'length':
      return pure((skb) => ip6.header(skb).length)
    case 'version':
      return pure(() => 6)
    default:
      return unmodelled(`ip6 ${field}`)
  }
}

type Nat = Extract<NftStatement, { kind: 'nat' | 'masquerade' | 'redirect' }>

/** nft_nat_eval(), nft_masq_ipv6_eval() and nft_redir_eval() with one address and one port; ranges are not modelled. */
export function compileIp6Nat(s: Nat, deps: RuleDeps, ip6: Ip6Deps): Ending | Unmodelled {
  if (s.kind === 'nat' && s.family === 'ip') return { ready: () => false, verdict: () => 'continue', run: () => NF_DROP }
  const address = s.kind === 'nat' && s.address !== undefined ? valuesOf(s.address, deps) : undefined
  const port = s.port === undefined ? undefined : valuesOf(s.port, deps)
  if (address !== undefined && 'unmodelled' in address) return address
  if (port !== undefined && 'unmodelled' in port) return port
  const both = s.kind === 'nat' && s.both === true
  let to: Ip6Target = {}
  return {
    ready(skb, at) {
      const a = address?.load(skb, at)
      const p = both ? a?.[1] : port?.load(skb, at)?.[0]
      if ((address !== undefined && typeof a?.[0] !== 'string') || ((both || port !== undefined) && typeof p !== 'number'))
        return false
      to = { ...(typeof a?.[0] === 'string' ? { address: a[0] } : {}), ...(typeof p === 'number' ? { port: p } : {}) }
      return true
    },
    verdict: () => 'nat',
    run: (skb, at) => ip6.nat(skb, at, s.kind === 'nat' ? s.operation : s.kind, to),
  }
}

function valuesOf(
  e: NftExpression,
  deps: ExpressionDeps,
): { load(skb: NftInput, at: HookState): readonly Loaded[] | undefined } | Unmodelled {
  if (e.kind === 'map') return compileMap(e, deps)
  if (e.kind === 'constant' && e.value.kind === 'text') {
    const address = ip6Of(e.value)
    return address === undefined ? unmodelled('NAT to a range') : { load: () => [address] }
  }
  const loader = compileExpression(e, deps)
  return 'unmodelled' in loader ? loader : { load: (skb, at) => [loader.load(skb, at)] }
}

/** nft_reject_ipv6_eval() and nft_reject_inet_eval(): the packet is dropped; its sender is told by whoever has the packet. */
export const compileIp6Reject = (): Ending => ({ verdict: () => 'reject', run: () => NF_DROP })
