import { HOOK, type RuleVerdict } from '../../trace/step.ts'
import type { NftExpression, NftNatFlag, NftStatement } from '../../world/nft.ts'
import type { HookState } from '../netfilter/hook-state.ts'
import { MANIP_DST, MANIP_SRC, type Range } from '../netfilter/nat-range.ts'
import { rejectAnswers } from '../netfilter/reject.ts'
import { LOOPBACK_ADDRESS, masqueradeAddress } from '../netfilter/target.ts'
import { NF_ACCEPT, NF_DROP, type Skb } from '../types.ts'
import { BREAK, compileExpression, compileMap, type Unmodelled } from './expression.ts'
import type { RuleDeps } from './rule.ts'
import { type Loaded, spanOf } from './set.ts'

/** A statement that ends the rule with a verdict of its own. */
export interface Ending {
  /** Whether the rule goes on to it: a map may have no answer (NFT_BREAK). Undefined: it always does. */
  readonly ready?: (skb: Skb, at: HookState) => boolean
  /** What the rule's step says. */
  verdict(skb: Skb, at: HookState): RuleVerdict
  /** After the step is written: NF_ACCEPT, or NF_DROP (the walk drops it). */
  run(skb: Skb, at: HookState): number
}

type Nat = Extract<NftStatement, { kind: 'nat' | 'masquerade' | 'redirect' }>

interface Span {
  readonly from: number
  readonly to: number
}

/** Range of a constant; what it maps to where it is looked up. */
type Source = { readonly span: Span } | { load(skb: Skb, at: HookState): readonly Loaded[] | undefined }

export function compileNat(s: Nat, deps: RuleDeps): Ending | Unmodelled {
  if (s.kind === 'nat' && s.family === 'ip6') return { unmodelled: `${s.operation} ip6` }
  const address = s.kind !== 'nat' || s.address === undefined ? undefined : sourceOf(s.address, deps)
  const port = s.port === undefined ? undefined : sourceOf(s.port, deps)
  if (address !== undefined && 'unmodelled' in address) return address
  if (port !== undefined && 'unmodelled' in port) return port
  const both = s.kind === 'nat' && s.both === true
  /** The range of this packet; undefined at NFT_BREAK. */
  const rangeOf = (skb: Skb, at: HookState, own: number | undefined): Range | undefined => {
    const mapped = address !== undefined && 'load' in address ? address.load(skb, at) : undefined
    if (address !== undefined && 'load' in address && mapped === undefined) return undefined
    const to =
      own !== undefined ? one(own) : address === undefined ? undefined : 'span' in address ? address.span : one(mapped?.[0])
    const mappedPort = port !== undefined && 'load' in port ? port.load(skb, at) : undefined
    if (port !== undefined && 'load' in port && mappedPort === undefined) return undefined
    const ports = both ? one(mapped?.[1]) : port === undefined ? undefined : 'span' in port ? port.span : one(mappedPort?.[0])
    return makeRange(to, ports, s.flags)
  }
  switch (s.kind) {
    case 'masquerade':
      return masquerade(deps, rangeOf)
    case 'redirect':
      return redirect(deps, rangeOf)
    case 'nat': {
      const manip = s.operation === 'snat' ? MANIP_SRC : MANIP_DST
      let range: Range | undefined
      const fixed =
        address === undefined || 'span' in address ? (port === undefined || 'span' in port ? true : undefined) : undefined
      return {
        ...(fixed === true
          ? {}
          : {
              ready: (skb, at) => {
                range = rangeOf(skb, at, undefined)
                return range !== undefined
              },
            }),
        verdict: (skb) => (skb.ct === undefined ? 'accept' : 'nat'),
        run(skb, at) {
          if (fixed === true) range ??= rangeOf(skb, at, undefined)
          return skb.ct === undefined || range === undefined ? NF_ACCEPT : deps.nat.bind(skb, skb.ct, range, manip)
        },
      }
    }
  }
}

function sourceOf(e: NftExpression, deps: RuleDeps): Source | Unmodelled {
  if (e.kind === 'constant') {
    const { value } = e
    if (value.kind === 'number') return { span: { from: value.value, to: value.value } }
    const span = spanOf(value)
    return span === undefined ? { unmodelled: 'NAT to what is no address' } : { span }
  }
  if (e.kind === 'map') return compileMap(e, deps)
  const loader = compileExpression(e, deps)
  if ('unmodelled' in loader) return loader
  return {
    load(skb, at) {
      const value = loader.load(skb, at)
      return value === BREAK ? undefined : [value]
    },
  }
}

const one = (value: Loaded | undefined): Span | undefined => (typeof value === 'number' ? { from: value, to: value } : undefined)

/** struct nf_nat_range2, as nft_nat_setup_addr() and nft_nat_setup_proto() fill it. */
const makeRange = (address: Span | undefined, ports: Span | undefined, flags: readonly NftNatFlag[]): Range => ({
  mapIps: address !== undefined,
  min: address?.from ?? 0,
  max: address?.to ?? 0,
  ports: ports !== undefined,
  minPort: ports?.from ?? 0,
  maxPort: ports?.to ?? 0,
  random: flags.includes('random'),
  randomFully: flags.includes('fully-random'),
  persistent: flags.includes('persistent'),
})

type RangeOf = (skb: Skb, at: HookState, own: number | undefined) => Range | undefined

/** nft_masq_ipv4_eval() and nf_nat_masquerade_ipv4() */
function masquerade(deps: RuleDeps, rangeOf: RangeOf): Ending {
  const skips = (skb: Skb, at: HookState) => skb.ct === undefined || skb.ct.original.src === 0 || at.hook !== HOOK.POSTROUTING
  return {
    verdict: (skb, at) => (skips(skb, at) ? 'accept' : masqueradeAddress(deps.ns, skb, at) === 0 ? 'drop' : 'nat'),
    run(skb, at) {
      if (skb.ct === undefined || skips(skb, at)) return NF_ACCEPT
      const source = masqueradeAddress(deps.ns, skb, at)
      const range = source === 0 ? undefined : rangeOf(skb, at, source)
      if (range === undefined) return NF_DROP
      skb.ct.masqueradeIfindex = at.outDev?.ifindex ?? 0
      return deps.nat.bind(skb, skb.ct, range, MANIP_SRC)
    },
  }
}

/** nft_redir_eval() and nf_nat_redirect_ipv4() */
function redirect(deps: RuleDeps, rangeOf: RangeOf): Ending {
  const address = (at: HookState) => (at.hook === HOOK.OUTPUT ? LOOPBACK_ADDRESS : at.inDev?.addresses[0]?.address)
  return {
    verdict: (skb, at) => (address(at) === undefined || skb.ct === undefined ? 'drop' : 'nat'),
    run(skb, at) {
      const own = address(at)
      const range = own === undefined ? undefined : rangeOf(skb, at, own)
      return skb.ct === undefined || range === undefined ? NF_DROP : deps.nat.bind(skb, skb.ct, range, MANIP_DST)
    },
  }
}

const ICMP_UNREACHABLE = 3
const CODES: Readonly<Record<string, number>> = {
  ...{ 'net-unreachable': 0, 'host-unreachable': 1, 'prot-unreachable': 2, 'port-unreachable': 3, 'frag-needed': 4 },
  ...{ 'net-prohibited': 9, 'host-prohibited': 10, 'admin-prohibited': 13 },
}
/** icmp_code_v4[] of nft_reject.c */
const ICMPX: Readonly<Record<string, number>> = {
  'no-route': 0,
  'port-unreachable': 3,
  'host-unreachable': 1,
  'admin-prohibited': 13,
}

/** nft_reject_ipv4_eval() and nft_reject_inet_eval() */
export function compileReject({ with: answer }: Extract<NftStatement, { kind: 'reject' }>, deps: RuleDeps): Ending {
  return {
    verdict: () => 'reject',
    run(skb, at) {
      if (!rejectAnswers(skb.pkt)) return NF_DROP
      if (answer.kind === 'tcp-reset') deps.path.sendReset(deps.ns, skb, at.hook)
      else if (answer.kind !== 'icmpv6') {
        const code = answer.kind === 'default' ? 3 : (answer.kind === 'icmp' ? CODES : ICMPX)[answer.code]
        deps.path.icmpSend(deps.ns, skb, ICMP_UNREACHABLE, code ?? 3)
      }
      return NF_DROP
    },
  }
}
