import type { FuzzCase, FuzzHost } from './case.ts'

/**
 * Every case that is this one with one thing left out, the large things first: hosts with their cables, journeys, tables,
 * then single lines. What a leftover still names may be gone; then it does not build, and is no smaller failure.
 */
export function* smallerCases(c: FuzzCase): Generator<FuzzCase> {
  for (const host of c.hosts) if (!c.journeys.some((j) => j.from === host.name)) yield withoutHost(c, host.name)
  if (c.journeys.length > 1) for (const i of c.journeys.keys()) yield { ...c, journeys: without(c.journeys, i) }
  for (const [i, host] of c.hosts.entries()) {
    for (const smaller of smallerHosts(host)) yield { ...c, hosts: c.hosts.with(i, smaller) }
  }
  for (const [i, cable] of c.cables.entries()) {
    if (cable.mtu !== 1500) yield { ...c, cables: c.cables.with(i, { ...cable, mtu: 1500 }) }
    if (cable.b.hairpin === true) yield { ...c, cables: c.cables.with(i, { ...cable, b: { ...cable.b, hairpin: false } }) }
  }
}

const without = <T>(list: readonly T[], at: number): T[] => list.filter((_, i) => i !== at)

const withoutHost = (c: FuzzCase, name: string): FuzzCase => ({
  ...c,
  hosts: c.hosts.filter((h) => h.name !== name),
  cables: c.cables.filter((cable) => cable.a.host !== name && cable.b.host !== name),
})

function* smallerHosts(host: FuzzHost): Generator<FuzzHost> {
  if (host.tables.length > 0) yield { ...host, tables: [] }
  for (const i of host.tables.keys()) yield { ...host, tables: without(host.tables, i) }
  for (const [i, table] of host.tables.entries()) {
    const half = table.rules.length >> 1
    if (half > 1) {
      yield { ...host, tables: host.tables.with(i, { ...table, rules: table.rules.slice(half) }) }
      yield { ...host, tables: host.tables.with(i, { ...table, rules: table.rules.slice(0, half) }) }
    }
    for (const j of table.rules.keys())
      yield { ...host, tables: host.tables.with(i, { ...table, rules: without(table.rules, j) }) }
    for (const j of table.chains.keys())
      yield { ...host, tables: host.tables.with(i, { ...table, chains: without(table.chains, j) }) }
    if (Object.keys(table.policies).length > 0) yield { ...host, tables: host.tables.with(i, { ...table, policies: {} }) }
    for (const [j, rule] of table.rules.entries()) {
      for (const simpler of simplerRules(rule)) {
        yield { ...host, tables: host.tables.with(i, { ...table, rules: table.rules.with(j, simpler) }) }
      }
    }
  }
  for (const key of Object.keys(host.sysctls)) {
    if (key.startsWith('net.ipv4.neigh.')) continue
    yield { ...host, sysctls: Object.fromEntries(Object.entries(host.sysctls).filter(([k]) => k !== key)) }
  }
  for (const i of host.servers.keys()) yield { ...host, servers: without(host.servers, i) }
  for (const i of host.rules.keys()) yield { ...host, rules: without(host.rules, i) }
  for (const i of host.routes.keys()) yield { ...host, routes: without(host.routes, i) }
  if (host.sets.length > 0) yield { ...host, sets: [] }
  for (const [i, t] of (host.tunnels ?? []).entries()) {
    yield { ...host, tunnels: without(host.tunnels ?? [], i) }
    for (const j of t.fdb.keys()) yield { ...host, tunnels: (host.tunnels ?? []).with(i, { ...t, fdb: without(t.fdb, j) }) }
  }
  if (host.addresses.length > 1) for (const i of host.addresses.keys()) yield { ...host, addresses: without(host.addresses, i) }
}

/** A rule with one of its matches left out. */
function* simplerRules(rule: string): Generator<string> {
  const parts = rule.split(/ (?=(?:! )?-[a-zA-Z] )/)
  for (let i = 1; i < parts.length; i++) {
    const part = parts[i] ?? ''
    if (/^(?:! )?-[sdiom] /.test(part)) yield without(parts, i).join(' ')
  }
}

/**
 * The smallest case that still fails, by taking one thing away at a time for as long as that helps, with at most `most`
 * trials. `fails` runs a case; cases are tried `width` at a time.
 */
export async function shrink(
  c: FuzzCase,
  fails: (smaller: FuzzCase, lane: number) => Promise<boolean>,
  options: { readonly most: number; readonly width: number },
): Promise<FuzzCase> {
  let current = c
  let trials = 0
  for (let better = true; better && trials < options.most; ) {
    better = false
    for (let at = 0; trials < options.most; ) {
      const batch = [...smallerCases(current)].slice(at, at + options.width)
      if (batch.length === 0) break
      trials += batch.length
      const results = await Promise.all(batch.map(fails))
      const index = results.indexOf(true)
      // What was tried before will hardly help now; what came after has moved to this place.
      at += index < 0 ? batch.length : index
      current = batch[index] ?? current
      better ||= index >= 0
    }
  }
  return current
}
