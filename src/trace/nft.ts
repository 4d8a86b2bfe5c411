import { ipv4 } from '../net/address.ts'
import type { NatRange, RejectWith, Target } from '../world/netfilter.ts'
import type { NftExpression, NftNatFlag, NftStatement } from '../world/nft.ts'
import type { NftRuleRecord, RuleRecord } from '../world/records.ts'
import { chainName, targetText } from './names.ts'
import type { TraceReader } from './reader.ts'
import type { Step } from './step.ts'

// Rules of nftables for those who show walks: what one did, in the terms in which a rule of iptables says it.

type RuleStep = Extract<Step, { kind: 'rule' }>

/** A chain's name at a step. Of nftables it may hold slashes, so that the id does not tell. */
export function chainNameAt(reader: TraceReader, id: string, seq: number): string {
  const record = id.startsWith('nftchain:') ? reader.versions.near(id, seq) : undefined
  return record?.kind === 'nft-chain' ? record.name : chainName(id)
}

/** What a rule did at a step, whichever tool wrote it. */
export function targetAt(reader: TraceReader, rule: RuleRecord | NftRuleRecord, step: RuleStep, seq: number): Target {
  if (rule.kind === 'rule') return rule.spec.target
  const { verdict } = step
  if ((verdict === 'jump' || verdict === 'goto') && step.target !== undefined)
    return { kind: verdict, chain: chainNameAt(reader, step.target, seq) }
  if (verdict === 'accept' || verdict === 'drop' || verdict === 'return') return { kind: verdict }
  return nftTarget(rule.statements)
}

/** The statement of a rule that says most about it: what ends it, else what it leaves behind. */
export function nftTarget(statements: readonly NftStatement[]): Target {
  let found: Target = { kind: 'none' }
  for (const s of statements) {
    const target = targetOf(s)
    if (target !== undefined) found = target
  }
  return found
}

function targetOf(s: NftStatement): Target | undefined {
  switch (s.kind) {
    case 'verdict':
      switch (s.verdict.kind) {
        case 'continue':
          return undefined
        case 'jump':
        case 'goto':
          return { kind: s.verdict.kind, chain: s.verdict.chain }
        default:
          return { kind: s.verdict.kind }
      }
    case 'nat':
      return { kind: s.operation, range: rangeOf(s.address, s.port, s.flags) }
    case 'masquerade':
    case 'redirect':
      return { kind: s.kind, range: rangeOf(undefined, s.port, s.flags) }
    case 'reject':
      return { kind: 'reject', with: rejectOf(s) }
    case 'mangle':
      return s.target.kind === 'meta' && s.target.key === 'mark' ? markOf(s.value) : unknown(`${keyOf(s.target)} set`)
    case 'dynset':
      return unknown(`${s.operation} @${s.set}`)
    case 'log':
      return { kind: 'log', prefix: s.prefix, level: 4, options: [] }
    case 'notrack':
      return { kind: 'notrack' }
    default:
      return undefined
  }
}

const unknown = (name: string): Target => ({ kind: 'unknown', name, arguments: [] })
const keyOf = (e: NftExpression): string => (e.kind === 'meta' || e.kind === 'ct' ? `${e.kind} ${e.key}` : e.kind)

/** `meta mark set meta mark | 0x4000` as the mask and value that say the same. */
function markOf(e: NftExpression): Target {
  if (e.kind === 'constant' && e.value.kind === 'number') return { kind: 'mark', value: e.value.value, mask: 0xffffffff }
  if (e.kind === 'binary' && e.right.kind === 'constant' && e.right.value.kind === 'number') {
    const n = e.right.value.value
    if (e.operator === '|') return { kind: 'mark', value: n, mask: n }
    if (e.operator === '^') return { kind: 'mark', value: n, mask: 0 }
    if (e.operator === '&') return { kind: 'mark', value: 0, mask: ~n >>> 0 }
  }
  return unknown('meta mark set')
}

const REJECTS: Readonly<Record<string, RejectWith>> = {
  'net-unreachable': 'icmp-net-unreachable',
  'no-route': 'icmp-net-unreachable',
  'host-unreachable': 'icmp-host-unreachable',
  'prot-unreachable': 'icmp-proto-unreachable',
  'net-prohibited': 'icmp-net-prohibited',
  'host-prohibited': 'icmp-host-prohibited',
  'admin-prohibited': 'icmp-admin-prohibited',
}

function rejectOf({ with: w }: Extract<NftStatement, { kind: 'reject' }>): RejectWith {
  if (w.kind === 'tcp-reset') return 'tcp-reset'
  return w.kind === 'default' ? 'icmp-port-unreachable' : (REJECTS[w.code] ?? 'icmp-port-unreachable')
}

/** Constant ends of a NAT statement; what a map decides is left open. */
function rangeOf(address: NftExpression | undefined, port: NftExpression | undefined, flags: readonly NftNatFlag[]): NatRange {
  const at = boundsOf(address)
  const ports = boundsOf(port)
  return {
    ...(at === undefined ? {} : { addresses: { from: ipv4(at.from), to: ipv4(at.to) } }),
    ...(ports === undefined ? {} : { ports }),
    random: flags.includes('random'),
    randomFully: flags.includes('fully-random'),
    persistent: flags.includes('persistent'),
  }
}

function boundsOf(e: NftExpression | undefined): { readonly from: number; readonly to: number } | undefined {
  if (e?.kind !== 'constant') return undefined
  if (e.value.kind === 'number') return { from: e.value.value, to: e.value.value }
  return e.value.kind === 'range' ? { from: e.value.from, to: e.value.to } : undefined
}

/** What a rule did in its own tool's words: `DNAT` of iptables, `dnat` of nft. */
export const ruleTargetText = (rule: RuleRecord | NftRuleRecord, target: Target): string => {
  const text = targetText(target)
  return rule.kind === 'rule' || target.kind === 'jump' || target.kind === 'goto'
    ? text
    : text.replace(/^[A-Z]+/, (w) => w.toLowerCase())
}
