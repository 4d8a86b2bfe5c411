import { HOOK, type HOOKS, ROUTE_RESULTS } from '../../trace/step.ts'
import type { NftChainRecord, NftRuleRecord, NftSetRecord, NftTableRecord } from '../../world/records.ts'
import type { HookState, MatchPlace } from '../netfilter/hook-state.ts'
import type { TargetDeps } from '../netfilter/target.ts'
import type { Device, Flow, Namespace, Skb } from '../types.ts'
import type { ExpressionDeps, NftInput } from './expression.ts'
import { CompiledNftChain, compileRule, type RuleDeps, usesConntrack } from './rule.ts'
import { RuntimeSet } from './runtime-set.ts'
import { NftWalk, type NftWalkDeps } from './walk.ts'

export interface NftRecords {
  readonly tables: readonly NftTableRecord[]
  readonly chains: readonly NftChainRecord[]
  readonly rules: readonly NftRuleRecord[]
  readonly sets: readonly NftSetRecord[]
}

/** A base chain that packets meet. */
export interface NftBaseChain {
  readonly hook: number
  readonly priority: number
  readonly type: 'filter' | 'nat' | 'route'
  run(skb: Skb, at: HookState): number
}

export interface NftablesDeps extends TargetDeps, Pick<ExpressionDeps, 'rng' | 'now' | 'addressType' | 'ip6'> {
  drop(skb: Skb, decidedBy: number): void
}

const HOOK_OF: Readonly<Record<string, number>> = {
  prerouting: HOOK.PREROUTING,
  input: HOOK.INPUT,
  forward: HOOK.FORWARD,
  output: HOOK.OUTPUT,
  postrouting: HOOK.POSTROUTING,
} satisfies Record<Lowercase<(typeof HOOKS)[number]>, number>

/** What nftables registers at a namespace's hooks of a family: its base chains and those of family inet, the youngest first. */
export interface Nftables {
  readonly bases: readonly NftBaseChain[]
  readonly needsConntrack: boolean
}

/** The hooks are those of IPv4; with `deps.ip6`, those of IPv6. */
export function loadNftables(records: NftRecords, deps: NftablesDeps): Nftables {
  const family = deps.ip6 === undefined ? 'ip' : 'ip6'
  const mine = records.tables.filter((t) => (t.family === family || t.family === 'inet') && !t.flags.includes('dormant'))
  const bases = mine.flatMap((t) => tableBases(t, records, deps))
  const names = new Set(mine.map((t) => `${t.family} ${t.name}`))
  return {
    // nf_hook_entries_grow(): of one priority, what is registered later runs earlier.
    bases: bases.reverse(),
    needsConntrack: records.rules.some((r) => names.has(`${r.family} ${r.table}`) && usesConntrack(r)),
  }
}

function tableBases(table: NftTableRecord, records: NftRecords, deps: NftablesDeps): NftBaseChain[] {
  const isMine = (r: { readonly family: string; readonly table: string }) => r.family === table.family && r.table === table.name
  const rules = new Map(records.rules.filter(isMine).map((r) => [r.id, r]))
  const chains = new Map(records.chains.filter(isMine).map((c) => [c.name, new CompiledNftChain(c)]))
  const declared = new Map(records.sets.filter(isMine).map((s) => [s.name, s]))
  const sets = new Map<string, RuntimeSet>()
  const runtimeSet = (name: string): RuntimeSet | undefined => {
    const record = declared.get(name)
    let set = sets.get(name)
    if (set === undefined && record !== undefined) {
      set = new RuntimeSet(record, deps.rec)
      sets.set(name, set)
    }
    return set
  }
  const ruleDeps: RuleDeps = {
    ...deps,
    set: (name) => runtimeSet(name)?.index,
    runtimeSet,
    chain: (name) => chains.get(name),
    fibDevice: (skb, at, flags) => fibDevice(deps.ns, skb, at, flags),
  }
  const walkDeps: NftWalkDeps = {
    ...deps,
    prepare(chain) {
      chain.rules = chain.record.rules.flatMap((id) => {
        const record = rules.get(id)
        return record === undefined ? [] : [compileRule(record, ruleDeps)]
      })
      chain.ready = true
    },
  }
  const walk = new NftWalk(walkDeps)
  return [...chains.values()].flatMap((chain) => {
    const { base } = chain.record
    const hook = base === undefined ? undefined : HOOK_OF[base.hook]
    if (base === undefined || hook === undefined) return []
    return [{ hook, priority: base.priority, type: base.type, run: (skb: Skb, at: HookState) => walk.run(chain, skb, at) }]
  })
}

const FORWARDS: ReadonlySet<number> = new Set([ROUTE_RESULTS.indexOf('forward')])

/** nft_fib4_eval(): the device that a unicast route leads to; '' for none, and with iif or oif for any other than that one. */
function fibDevice(ns: Namespace, skb: NftInput, at: MatchPlace, flags: readonly string[]): string {
  const { pkt } = skb
  const { hook } = at as HookState
  const own = flags.includes('oif') ? at.outDev?.name : flags.includes('iif') ? at.inDev?.name : undefined
  if (hook === HOOK.PREROUTING && at.inDev?.name === 'lo') return 'lo'
  const flow: Flow = {
    dst: flags.includes('daddr') ? pkt.dst : pkt.src,
    src: flags.includes('daddr') ? pkt.src : pkt.dst,
    mark: flags.includes('mark') ? skb.mark : 0,
    tos: pkt.tos,
    iif: ns.loopback as Device | undefined,
    oif: undefined,
  }
  const found = ns.fib.lookup(flow)
  if (!FORWARDS.has(found.result)) return ''
  const leads = found.route?.nexthops.map((h) => h.device?.slice(h.device.lastIndexOf('/') + 1)) ?? []
  if (own === undefined) return found.device?.name ?? ''
  return leads.includes(own) || found.device?.name === own ? own : ''
}
