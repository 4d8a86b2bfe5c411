import type { FuzzTable } from './case.ts'
import type { Draw } from './draw.ts'
import { chainsOf, type FuzzFlow } from './flows.ts'
import { addrtype, fragments, limit, mac, physdev, recent, sets, states, tuples } from './rare-matches.ts'
import type { RareRule, Site } from './rare-site.ts'
import { chosenPorts, draws, marks, notrack, redirect, reset, trace, translated, unreachable } from './rare-targets.ts'
import type { Draft, Host } from './topology.ts'

// Rules that chance alone seldom brings a packet to: each is aimed at what a journey of the case sends. They stand in front of,
// or behind, what the case has otherwise. nfacct is not among them: it needs an object made by a tool of its own, and few
// kernels have it.

/** Rules of one kind, in the order that they have to stand in. */
const KINDS: readonly (readonly [weight: number, make: (site: Site) => readonly RareRule[]])[] = [
  [6, reset],
  [3, unreachable],
  [4, notrack],
  [5, recent],
  [3, limit],
  [3, mac],
  [6, physdev],
  [3, redirect],
  [3, chosenPorts],
  [3, sets],
  [5, states],
  [3, tuples],
  [2, marks],
  [2, trace],
  [2, fragments],
  [2, addrtype],
  [1, draws],
  [3, translated],
]

/** Two to five kinds on a node; now and then some on a pod. */
export function drawRareRules(draw: Draw, draft: Draft, flows: readonly FuzzFlow[]): void {
  for (const host of draft.hosts) {
    if (host.role === 'switch' || !draw.chance(host.role === 'node' ? 85 : 15)) continue
    const near = flows.filter((f) => onTheWay(draft, host, f))
    for (let i = draw.between(2, 5); i > 0; i--) {
      const flow = draw.pick(near.length > 0 && draw.chance(85) ? near : flows)
      const front = draw.chance(70)
      place(draw, { host, flow, front }, draw.weighted(KINDS)({ draw, draft, host, flow }))
    }
  }
}

/** A pod's node, and whoever has the address at either end; routers between nodes are as good as any. */
function onTheWay(draft: Draft, host: Host, flow: FuzzFlow): boolean {
  const holds = (h: Host) => h.name === flow.from || h.addresses.some((a) => a.cidr.startsWith(`${flow.to}/`))
  if (holds(host)) return true
  return draft.cables.some((c) => c.b.host === host.name && draft.hosts.some((h) => h.name === c.a.host && holds(h)))
}

/** All rules of a kind go to one chain, so that they are met in their order. */
function place(
  draw: Draw,
  at: { readonly host: Host; readonly flow: FuzzFlow; readonly front: boolean },
  rules: readonly RareRule[],
) {
  const passed = chainsOf(at.host, at.flow)
  const chosen = new Map<string, string>()
  const lines = rules.map((r) => {
    const key = `${r.table} ${r.chains.join()}`
    const fitting = r.chains.filter((c) => passed.includes(c))
    const chain = chosen.get(key) ?? draw.pick(fitting.length > 0 ? fitting : r.chains)
    chosen.set(key, chain)
    return { table: r.table, line: `-A ${chain} ${r.words}`.trimEnd() }
  })
  for (const { table, line } of at.front ? lines.toReversed() : lines) {
    const i = at.host.tables.findIndex((t) => t.table === table)
    const old: FuzzTable = at.host.tables[i] ?? { table, policies: {}, chains: [], rules: [] }
    const grown = { ...old, rules: at.front ? [line, ...old.rules] : [...old.rules, line] }
    if (i < 0) at.host.tables.push(grown)
    else at.host.tables[i] = grown
  }
}
