import { assertNever } from '../../base/assert-never.ts'
import { ipLength } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import type { TraceRecorder } from '../../trace/recorder.ts'
import { HOOK, RULE_VERDICTS, type RuleVerdict, type Undetermined } from '../../trace/step.ts'
import type { RejectWith, Target } from '../../world/netfilter.ts'
import type { Conntrack } from '../conntrack/conntrack.ts'
import { CT } from '../conntrack/entry.ts'
import { type Namespace, NF_ACCEPT, NF_DROP, NF_STOLEN, type Path, type Skb } from '../types.ts'
import type { CompiledChain } from './compile.ts'
import type { HookState, Met } from './hook-state.ts'
import type { Nat } from './nat.ts'
import { MANIP_DST, MANIP_SRC, rangeOf } from './nat-range.ts'
import { rejectAnswers } from './reject.ts'
import { setMark } from './rewrite.ts'

/** What targets act on. */
export interface TargetDeps {
  readonly rec: TraceRecorder
  readonly ns: Namespace
  readonly path: Path
  readonly conntrack: Conntrack
  readonly nat: Nat
}

/** The walk goes on with the next rule (XT_CONTINUE). */
export const CONTINUE = -1

export type CompiledTarget =
  | { readonly kind: 'verdict'; readonly verdict: RuleVerdict; readonly result: number }
  | { readonly kind: 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: CompiledChain }
  /** Writes its own rule step first, then acts. Answers CONTINUE, NF_ACCEPT, NF_DROP (the walk drops it) or NF_STOLEN. */
  | { readonly kind: 'act'; readonly act: (skb: Skb, met: Met) => number }

const VERDICT = Object.fromEntries(RULE_VERDICTS.map((v, i) => [v, i])) as Readonly<Record<RuleVerdict, number>>

/** One `rule` row. */
export function ruleStep(deps: TargetDeps, skb: Skb, met: Met, verdict: RuleVerdict): void {
  deps.rec.step(STEP.rule, skb, met.rule.ref(deps), met.tried, VERDICT[verdict], ipLength(skb.pkt))
}

const ICMP_UNREACHABLE = 3
const REJECT_CODE: Readonly<Record<Exclude<RejectWith, 'tcp-reset'>, number>> = {
  'icmp-net-unreachable': 0,
  'icmp-host-unreachable': 1,
  'icmp-proto-unreachable': 2,
  'icmp-port-unreachable': 3,
  'icmp-net-prohibited': 9,
  'icmp-host-prohibited': 10,
  'icmp-admin-prohibited': 13,
}

/** Unparsed, but known to leave the packet and the walk alone: a copy for a daemon; a checksum, which here is always right. */
const HARMLESS = new Set(['NFLOG', 'CHECKSUM'])

/** A rule's target as what the walk does with it. `chains` are those of the rule's table. */
export function compileTarget(target: Target, chains: ReadonlyMap<string, CompiledChain>, deps: TargetDeps): CompiledTarget {
  const { rec } = deps
  const act = (run: (skb: Skb, met: Met) => number): CompiledTarget => ({ kind: 'act', act: run })
  /** A target that only leaves a trace on the packet. */
  const touch = (run: (skb: Skb, met: Met) => void): CompiledTarget =>
    act((skb, met) => {
      ruleStep(deps, skb, met, 'continue')
      run(skb, met)
      return CONTINUE
    })
  switch (target.kind) {
    case 'none':
      return { kind: 'verdict', verdict: 'continue', result: CONTINUE }
    case 'accept':
      return { kind: 'verdict', verdict: 'accept', result: NF_ACCEPT }
    case 'drop':
      return { kind: 'verdict', verdict: 'drop', result: NF_DROP }
    case 'return':
      return { kind: 'return' }
    case 'jump':
    case 'goto': {
      const chain = chains.get(target.chain)
      const word = target.kind === 'jump' ? '-j' : '-g'
      return chain === undefined
        ? undetermined(deps, 'chain', `${word} ${target.chain}: no such chain`)
        : { kind: target.kind, chain }
    }
    case 'reject':
      return act((skb, met) => {
        ruleStep(deps, skb, met, 'reject')
        if (!rejectAnswers(skb.pkt)) return NF_DROP
        if (target.with === 'tcp-reset') deps.path.sendReset(deps.ns, skb, met.at.hook)
        else deps.path.icmpSend(deps.ns, skb, ICMP_UNREACHABLE, REJECT_CODE[target.with])
        return NF_DROP
      })
    case 'dnat':
    case 'snat': {
      const manip = target.kind === 'snat' ? MANIP_SRC : MANIP_DST
      const range = rangeOf(target.range)
      return act((skb, met) => {
        ruleStep(deps, skb, met, 'nat')
        return skb.ct === undefined ? NF_ACCEPT : deps.nat.bind(skb, skb.ct, range, manip)
      })
    }
    case 'masquerade':
      return act((skb, met) => masquerade(deps, target, skb, met))
    case 'redirect':
      return act((skb, met) => redirect(deps, target, skb, met))
    case 'mark':
      return touch((skb) => setMark(rec, skb, ((skb.mark & ~target.mask) ^ target.value) >>> 0))
    case 'connmark':
      return touch((skb) => connmark(deps, target, skb))
    case 'log': {
      const text = rec.text(target.prefix)
      return touch((skb) => {
        rec.step(STEP.log, skb, text)
      })
    }
    case 'notrack':
      return touch((skb) => {
        // notrack_tg(): a packet that is tracked already stays so.
        if (skb.ct === undefined && skb.ctInfo !== CT.RELATED) skb.ctInfo = CT.UNTRACKED
      })
    case 'trace':
      return touch((skb) => {
        skb.traced = true
      })
    case 'unknown':
      if (HARMLESS.has(target.name)) return touch(() => undefined)
      return undetermined(deps, 'target', ['-j', target.name, ...target.arguments].join(' '))
    default:
      return assertNever(target, 'target')
  }
}

/** Meeting this ends what can be said of the packet. */
export function undetermined(deps: TargetDeps, kind: Undetermined, what: string): CompiledTarget {
  return { kind: 'act', act: (skb, met) => giveUp(deps, skb, met, { kind, what }) }
}

export function giveUp(deps: TargetDeps, skb: Skb, met: Met, of: { readonly kind: Undetermined; readonly what: string }): number {
  ruleStep(deps, skb, met, 'undetermined')
  deps.path.undetermined(skb, of.kind, of.what, met.rule.ref(deps))
  return NF_STOLEN
}

/** nf_nat_masquerade_ipv4(): the source becomes the out device's own address towards the next hop. */
function masquerade(deps: TargetDeps, target: Extract<Target, { kind: 'masquerade' }>, skb: Skb, met: Met): number {
  const { ct } = skb
  // A packet from 0.0.0.0 (DHCP) is left alone.
  if (ct === undefined || ct.original.src === 0 || met.at.hook !== HOOK.POSTROUTING) {
    ruleStep(deps, skb, met, 'accept')
    return NF_ACCEPT
  }
  const source = masqueradeAddress(deps.ns, skb, met.at)
  if (source === 0) {
    ruleStep(deps, skb, met, 'drop')
    return NF_DROP
  }
  ruleStep(deps, skb, met, 'nat')
  ct.masqueradeIfindex = met.at.outDev?.ifindex ?? 0
  return deps.nat.bind(skb, ct, rangeOf(target.range, source), MANIP_SRC)
}

/** The address that MASQUERADE gives a packet: inet_select_addr() of the out device, 0 when it has none. */
export const masqueradeAddress = (ns: Namespace, skb: Skb, at: Pick<HookState, 'outDev'>): number =>
  ns.fib.selectSource(at.outDev, skb.gateway === 0 ? skb.pkt.dst : skb.gateway, 'global')

export const LOOPBACK_ADDRESS = 0x7f000001

/** nf_nat_redirect_ipv4(): to this host, at loopback for its own packets, else at the in device's first address. */
function redirect(deps: TargetDeps, target: Extract<Target, { kind: 'redirect' }>, skb: Skb, met: Met): number {
  const address = met.at.hook === HOOK.OUTPUT ? LOOPBACK_ADDRESS : met.at.inDev?.addresses[0]?.address
  if (address === undefined || skb.ct === undefined) {
    ruleStep(deps, skb, met, 'drop')
    return NF_DROP
  }
  ruleStep(deps, skb, met, 'nat')
  return deps.nat.bind(skb, skb.ct, rangeOf(target.range, address), MANIP_DST)
}

/** connmark_tg() */
function connmark(deps: TargetDeps, target: Extract<Target, { kind: 'connmark' }>, skb: Skb): void {
  const { ct } = skb
  if (ct === undefined) return
  if (target.operation === 'restore') {
    setMark(deps.rec, skb, ((skb.mark & ~target.nfmask) ^ (ct.mark & target.ctmask)) >>> 0)
    return
  }
  const mark =
    target.operation === 'set'
      ? ((ct.mark & ~target.mask) ^ target.value) >>> 0
      : ((ct.mark & ~target.ctmask) ^ (skb.mark & target.nfmask)) >>> 0
  if (mark === ct.mark) return
  ct.mark = mark
  deps.conntrack.changed(ct, skb)
}
