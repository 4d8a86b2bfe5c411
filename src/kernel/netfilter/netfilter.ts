import { STEP } from '../../trace/columns.ts'
import { HOOK, HOOKS } from '../../trace/step.ts'
import type { TableName } from '../../world/netfilter.ts'
import type { ChainRecord, IpsetRecord, RuleRecord } from '../../world/records.ts'
import { Conntrack } from '../conntrack/conntrack.ts'
import type { Ip6Deps } from '../nftables/ip6.ts'
import { loadNftables, type Nftables, type NftBaseChain, type NftRecords } from '../nftables/nftables.ts'
import { type Device, type Namespace, type Netfilter, NF_ACCEPT, NF_DROP, type Path, type Skb } from '../types.ts'
import { type CompileDeps, type CompiledChain, InterfacePatterns } from './compile.ts'
import { HookState } from './hook-state.ts'
import { setFinder } from './ipset.ts'
import { Nat } from './nat.ts'
import { CONNTRACK_CONFIRM_HOOKS, CONNTRACK_IN_HOOKS, NAT_HOOKS, PRIORITY, TABLE_HOOKS } from './priorities.ts'
import { RecentLists } from './recent.ts'
import { tableFacts } from './table-facts.ts'
import { Table } from './tables.ts'
import { type WalkDeps, walkTable } from './walk.ts'

interface NetfilterRecords {
  readonly chains: readonly ChainRecord[]
  readonly rules: readonly RuleRecord[]
  readonly ipsets: readonly IpsetRecord[]
  readonly nftables?: NftRecords
}

/** struct nf_hook_ops: what runs at a hook, and when. `run` answers NF_ACCEPT, or another verdict with the packet's end written. */
interface HookOps {
  readonly hook: number
  readonly priority: number
  run(skb: Skb, at: HookState): number
}

export interface NamespaceNetfilter extends Netfilter {
  readonly conntrack: Conntrack
  /** iptables-restore of one table: its chains and rules are replaced, its counters of limit, nth and the like begin anew. No chains: the table is gone. */
  replaceTable(table: TableName, chains: readonly ChainRecord[], rules: readonly RuleRecord[]): void
  /** Sets and their members, for tables that are replaced from now on. */
  replaceSets(records: readonly IpsetRecord[]): void
  /** All tables of nftables anew, as a transaction leaves them. */
  replaceNftables(records: NftRecords): void
  /** The base chains that IPv6 packets meet, for whoever has such packets: the engine's own are IPv4. */
  ip6Chains(records: NftRecords, ip6: Ip6Deps): readonly NftBaseChain[]
  /** For what is not a table of iptables: IPVS, nftables base chains. Those of one priority run in order of registration. */
  register(ops: HookOps): void
}

const TABLES: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter', 'security']

/**
 * Everything that is registered at a namespace's IPv4 hooks: the tables that have chains, conntrack when something needs it
 * (the nat table, or a rule that looks at connections), NAT when the nat table exists.
 */
export function createNetfilter(ns: Namespace, path: Path, records: NetfilterRecords): NamespaceNetfilter {
  return new Hooks(ns, path, records)
}

class Hooks implements NamespaceNetfilter {
  readonly conntrack: Conntrack
  empty = true
  tracking = false
  readonly #ns: Namespace
  readonly #path: Path
  readonly #nat: Nat
  readonly #tables = new Map<TableName, Table>()
  readonly #extra: HookOps[] = []
  #sets: ReturnType<typeof setFinder>
  readonly #deps: Omit<CompileDeps, 'loops'>
  #nftables: Nftables = { bases: [], needsConntrack: false }
  #byHook: readonly (readonly HookOps[])[] = HOOKS.map(() => [])
  readonly #states: HookState[] = []
  #depth = 0

  constructor(ns: Namespace, path: Path, records: NetfilterRecords) {
    this.#ns = ns
    this.#path = path
    this.#sets = setFinder(records.ipsets)
    this.conntrack = new Conntrack(ns)
    this.#nat = new Nat(ns, this.conntrack, (skb, decidedBy) => this.#drop(skb, decidedBy))
    this.#deps = {
      rec: ns.kernel.rec,
      ns,
      path,
      conntrack: this.conntrack,
      nat: this.#nat,
      rng: ns.kernel.rng,
      now: () => ns.kernel.now,
      addressType: (address, device) => ns.fib.addressType(address, device === undefined ? undefined : ns.devices.get(device)),
      recent: new RecentLists(),
      set: (name) => this.#sets(name),
      interfaces: new InterfacePatterns(),
    }
    for (const table of TABLES) this.#load(table, records.chains, records.rules)
    if (records.nftables !== undefined) this.#loadNftables(records.nftables)
    this.#arrange()
  }

  hasHook(hook: number): boolean {
    return (this.#byHook[hook]?.length ?? 0) > 0
  }

  hook(hook: number, skb: Skb, inDev: Device | undefined, outDev: Device | undefined, bridged: boolean): number {
    const all = this.#byHook[hook]
    if (all === undefined || all.length === 0) return NF_ACCEPT
    this.#ns.kernel.rec.step(STEP.hook, skb, hook, bridged ? 1 : 0)
    const at = this.#enter(hook, inDev, outDev)
    let verdict = NF_ACCEPT
    for (let i = 0; i < all.length && verdict === NF_ACCEPT; i++) verdict = (all[i] as HookOps).run(skb, at)
    this.#depth--
    return verdict
  }

  replaceTable(table: TableName, chains: readonly ChainRecord[], rules: readonly RuleRecord[]): void {
    this.#load(table, chains, rules)
    this.#arrange()
  }

  replaceSets(records: readonly IpsetRecord[]): void {
    this.#sets = setFinder(records)
  }

  replaceNftables(records: NftRecords): void {
    this.#loadNftables(records)
    this.#arrange()
  }

  ip6Chains(records: NftRecords, ip6: Ip6Deps): readonly NftBaseChain[] {
    return loadNftables(records, { ...this.#deps, ip6, drop: (skb, decidedBy) => this.#drop(skb, decidedBy) }).bases
  }

  register(ops: HookOps): void {
    this.#extra.push(ops)
    this.#arrange()
  }

  attach(skb: Skb, offending: Skb): void {
    this.conntrack.attach(skb, offending)
  }

  setClosing(offending: Skb): void {
    this.conntrack.setClosing(offending)
  }

  release(skb: Skb): void {
    this.conntrack.release(skb)
  }

  #enter(hook: number, inDev: Device | undefined, outDev: Device | undefined): HookState {
    let at = this.#states[this.#depth]
    if (at === undefined) {
      at = new HookState()
      this.#states.push(at)
    }
    this.#depth++
    at.hook = hook
    at.inDev = inDev
    at.outDev = outDev
    at.inBits = this.#deps.interfaces.bits(inDev === undefined ? '' : inDev.name)
    at.outBits = this.#deps.interfaces.bits(outDev === undefined ? '' : outDev.name)
    return at
  }

  #load(name: TableName, chains: readonly ChainRecord[], rules: readonly RuleRecord[]): void {
    const facts = tableFacts(chains, rules).get(name)
    if (facts === undefined) this.#tables.delete(name)
    else this.#tables.set(name, new Table(facts, this.#deps))
  }

  #loadNftables(records: NftRecords): void {
    const deps = this.#deps
    this.#nftables = loadNftables(records, { ...deps, drop: (skb, decidedBy) => this.#drop(skb, decidedBy) })
  }

  /** Puts what is there into each hook's order: by priority; within one, what nftables registered (later than all else) first. */
  #arrange(): void {
    const nat = this.#tables.get('nat')
    const { bases, needsConntrack } = this.#nftables
    this.tracking = needsConntrack || [...this.#tables.values()].some((t) => t.needsConntrack)
    const ops: HookOps[] = bases.flatMap((base) => (base.type === 'nat' ? [] : [this.#nftOps(base)]))
    if (this.tracking) ops.push(...this.#conntrackOps())
    for (const { table, hook, priority } of TABLE_HOOKS) {
      const found = this.#tables.get(table)
      if (found !== undefined && table !== 'nat') this.#addTable(ops, found, HOOK[hook], priority)
    }
    const natBases = bases.filter((b) => b.type === 'nat')
    if (nat !== undefined || natBases.length > 0) for (const at of NAT_HOOKS) ops.push(this.#natOps(nat, natBases, at))
    ops.push(...this.#extra)
    this.#byHook = HOOKS.map((_, hook) => ops.filter((o) => o.hook === hook).sort((a, b) => a.priority - b.priority))
    this.empty = ops.length === 0
  }

  #conntrackOps(): HookOps[] {
    const track = (skb: Skb): number => {
      const verdict = this.conntrack.track(skb)
      // nf_conntrack: table full, dropping packet
      if (verdict === NF_DROP) this.#drop(skb, this.conntrack.settings.maxRef)
      return verdict
    }
    const confirm = (skb: Skb): number => {
      const verdict = this.conntrack.confirm(skb)
      if (verdict === NF_DROP) this.#drop(skb, skb.ct?.ref ?? -1)
      return verdict
    }
    return [
      ...CONNTRACK_IN_HOOKS.map((hook) => ({ hook, priority: PRIORITY.CONNTRACK, run: track })),
      ...CONNTRACK_CONFIRM_HOOKS.map((hook) => ({ hook, priority: PRIORITY.CONNTRACK_CONFIRM, run: confirm })),
    ]
  }

  #addTable(ops: HookOps[], table: Table, hook: number, priority: number): void {
    const base = table.base[hook]
    if (base === undefined) return
    const walk = this.#walkDeps(table)
    if (table.name !== 'mangle' || hook !== HOOK.OUTPUT) {
      ops.push({ hook, priority, run: (skb, at) => walkTable(base, skb, at, walk) })
      return
    }
    // ipt_mangle_out(): what routing looked at may have changed.
    ops.push({
      hook,
      priority,
      run: (skb, at) => {
        const { src, dst, tos } = skb.pkt
        const { mark } = skb
        const verdict = walkTable(base, skb, at, walk)
        const same = skb.mark === mark && skb.pkt.src === src && skb.pkt.dst === dst && skb.pkt.tos === tos
        return verdict !== NF_ACCEPT || same ? verdict : this.#reroute(skb)
      },
    })
  }

  /** A chain of type route at OUTPUT routes the packet anew when it changed what routing looked at (nf_route_table_hook4). */
  #nftOps({ hook, priority, type, run }: NftBaseChain): HookOps {
    if (type !== 'route' || hook !== HOOK.OUTPUT) return { hook, priority, run }
    return {
      hook,
      priority,
      run: (skb, at) => {
        const { src, dst, tos } = skb.pkt
        const { mark } = skb
        const verdict = run(skb, at)
        const same = skb.mark === mark && skb.pkt.src === src && skb.pkt.dst === dst && skb.pkt.tos === tos
        return verdict !== NF_ACCEPT || same ? verdict : this.#reroute(skb)
      },
    }
  }

  /** What a flow's first packet asks of all who do NAT at a hook, in their own order, until one has bound it (nf_nat_inet_fn). */
  #natConsult(table: Table | undefined, bases: readonly NftBaseChain[], at: { hook: number; priority: number }) {
    const asked = bases.filter((b) => b.hook === at.hook).map(({ priority, run }) => ({ priority, run }))
    const base = table?.base[at.hook]
    if (table !== undefined && base !== undefined) {
      const walk = this.#walkDeps(table)
      asked.push({ priority: at.priority, run: (skb, state) => walkTable(base, skb, state, walk) })
    }
    asked.sort((a, b) => a.priority - b.priority)
    const [only, ...others] = asked
    if (only === undefined || others.length === 0) return only?.run
    return (skb: Skb, state: HookState): number => {
      for (const { run } of asked) {
        const verdict = run(skb, state)
        if (verdict !== NF_ACCEPT || this.#nat.isBound(skb, state.hook)) return verdict
      }
      return NF_ACCEPT
    }
  }

  #natOps(table: Table | undefined, bases: readonly NftBaseChain[], { hook, priority }: (typeof NAT_HOOKS)[number]): HookOps {
    const consult = this.#natConsult(table, bases, { hook, priority })
    return {
      hook,
      priority,
      run: (skb, at) => {
        const before = skb.pkt.dst
        const verdict = this.#nat.hook(skb, at, consult)
        if (verdict !== NF_ACCEPT || hook !== HOOK.OUTPUT) return verdict
        // nf_nat_ipv4_local_fn(): the packet was routed to where it first said it wanted to go.
        return skb.pkt.dst === before ? verdict : this.#reroute(skb)
      },
    }
  }

  #walkDeps(table: Table): WalkDeps {
    const deps = this.#deps
    return {
      ...deps,
      prepare: (chain: CompiledChain) => table.prepare(chain, deps),
      drop: (skb: Skb, decidedBy: number) => this.#drop(skb, decidedBy),
    }
  }

  /** ip_route_me_harder() */
  #reroute(skb: Skb): number {
    return this.#path.reroute(this.#ns, skb) ? NF_ACCEPT : NF_DROP
  }

  #drop(skb: Skb, decidedBy: number): void {
    this.conntrack.release(skb)
    this.#path.drop(skb, 'SKB_DROP_REASON_NETFILTER_DROP', decidedBy)
  }
}
