import { BASE_CHAINS } from '../../linux/iptables/names.ts'
import type { FuzzCase, FuzzHost } from './case.ts'
import { devicesOf } from './places.ts'
import { reachable } from './routes.ts'

/**
 * Every case that is this one with one thing left out, the large things first: hosts with their cables, journeys, tables,
 * then single lines. What a leftover still names may be gone; then it does not build, and is no smaller failure.
 */
export function* smallerCases(c: FuzzCase): Generator<FuzzCase> {
  for (const host of c.hosts) if (!c.journeys.some((j) => j.from === host.name)) yield withoutHost(c, host.name)
  if (c.journeys.length > 1) for (const i of c.journeys.keys()) yield { ...c, journeys: without(c.journeys, i) }
  for (const [i, j] of c.journeys.entries()) {
    for (const run of simplerCommands(j.run)) yield { ...c, journeys: c.journeys.with(i, { ...j, run }) }
  }
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
  if (host.rules.length > 0) yield { ...host, rules: [], routes: host.routes.filter((r) => !r.includes(' table ')) }
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

/** A ping that sends less often, or with an option less. */
function* simplerCommands(run: string): Generator<string> {
  if (!run.startsWith('ping ')) return
  const fewer = run.replace(/ -c [2-9]/, ' -c 1')
  if (fewer !== run) yield fewer
  for (const option of [/ -s \d+/, / -M \w+/, / -t \d+/, / -Q \d+/]) if (option.test(run)) yield run.replace(option, '')
}

/**
 * Whether iptables, ipset and ip would take what a case says, as far as leaving things out can break it: names of chains, sets
 * and bridges, gateways. The engine is not asked: it may take more than they do.
 */
export function isWhole(c: FuzzCase): boolean {
  const ends = c.cables.flatMap((k) => [k.a, k.b])
  return (
    ends.every((e) => e.master === undefined || c.hosts.some((h) => h.name === e.host && h.bridges.includes(e.master ?? ''))) &&
    c.hosts.every((h) => {
      const devices = devicesOf(h, c.cables)
      const sets = h.sets.flatMap((s) => (s.startsWith('create ') ? [s.split(' ')[1]] : []))
      const known = (rule: string, chains: readonly string[]) =>
        everyWord(rule, / -[jg] (U\d)/g, chains) && everyWord(rule, /--match-set (\S+)/g, sets)
      return (
        h.addresses.every((a) => devices.includes(a.device)) &&
        h.routes.every((r) => everyWord(r, / dev (\S+)/g, devices)) &&
        reachable(h, h.routes).length === h.routes.length &&
        h.tables.every((t) =>
          t.rules.every((r) => known(r, t.chains) && [...t.chains, ...BASE_CHAINS[t.table]].includes(r.split(' ')[1] ?? '')),
        )
      )
    })
  )
}

const everyWord = (text: string, pattern: RegExp, known: readonly (string | undefined)[]): boolean =>
  [...text.matchAll(pattern)].every((m) => known.includes(m[1]))

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
    let all = [...smallerCases(current)].filter(isWhole)
    for (let at = 0; trials < options.most; ) {
      const batch = all.slice(at, at + options.width)
      if (batch.length === 0) break
      trials += batch.length
      const results = await Promise.all(batch.map(fails))
      const index = results.indexOf(true)
      const found = batch[index]
      // What was tried before will hardly help now; what came after has moved to this place.
      at += index < 0 ? batch.length : index
      if (found === undefined) continue
      current = found
      all = [...smallerCases(current)].filter(isWhole)
      better = true
    }
  }
  return current
}
