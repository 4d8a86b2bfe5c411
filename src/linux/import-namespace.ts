import { formatIpv4, formatMac, MAC_ZERO } from '../net/address.ts'
import { deviceId, fdbId, neighbourId, netnsId, policyRuleId, routeId } from '../world/ids.ts'
import { localRoutes } from '../world/local-routes.ts'
import { defaultPolicyRules } from '../world/policy-rules.ts'
import { type Origin, type RouteRecord, RT_TABLE, type WorldRecord } from '../world/records.ts'
import { parseBrctlShow } from './brctl.ts'
import { formatVtep, parseBridgeFdb, parseBridgeLink } from './bridge.ts'
import { importDevices, mergeLinks } from './import-devices.ts'
import { importIptables } from './import-iptables.ts'
import type { TextKind } from './import-kind.ts'
import { importNft } from './import-nft.ts'
import { importNotes, importState } from './import-state.ts'
import { type NamedText, IMPORT_ORIGIN as ORIGIN } from './import-text.ts'
import { parseIpAddr } from './ip-addr-parse.ts'
import { parseIpNeigh } from './ip-neigh.ts'
import { type ParsedRoutes, parseIpRoute } from './ip-route-parse.ts'
import { parseIpRule } from './ip-rule.ts'
import { formatTable, parseTable } from './names.ts'
import type { TextError, TextResult } from './text.ts'
import { tunnelEntry } from './vxlan.ts'

export interface ImportedNamespace {
  readonly records: WorldRecord[]
  readonly errors: { readonly file: string; readonly error: TextError }[]
}

/** One namespace's records, its own NetnsRecord excepted. */
export function importNamespace(
  netns: string,
  texts: readonly NamedText[],
  note: (what: string, where?: string) => void,
): ImportedNamespace {
  const errors: ImportedNamespace['errors'] = []
  /** Every text of a kind that could be read, with its file. */
  const readAll = <T>(
    kind: TextKind,
    parse: (t: NamedText) => TextResult<T>,
  ): { readonly file: NamedText; readonly value: T }[] =>
    texts
      .filter((t) => t.kind === kind)
      .flatMap((file) => {
        const parsed = parse(file)
        if (parsed.ok) return [{ file, value: parsed.value }]
        errors.push({ file: file.name, error: parsed.error })
        return []
      })
  const from = (file: NamedText, line: number): Origin => ({ ...ORIGIN, detail: `${file.name}:${line}` })
  const ns = netnsId(netns)
  const ipv6 = new Map<string, number>()
  const countIpv6 = (n: number, what: string) => {
    if (n > 0) ipv6.set(what, (ipv6.get(what) ?? 0) + n)
  }

  const links = mergeLinks(readAll('ip-addr', (t) => parseIpAddr(t.text)).map((p) => p.value))
  countIpv6(
    links.reduce((n, l) => n + l.inet6.length, 0),
    'addresses',
  )
  const routeTexts = readAll('ip-route', (t) => parseIpRoute(t.text, tableFromName(t.name)))
  const ruleTexts = readAll('ip-rule', (t) => parseIpRule(t.text))
  const neighbourTexts = readAll('ip-neigh', (t) => parseIpNeigh(t.text))
  const fdbTexts = readAll('bridge-fdb', (t) => parseBridgeFdb(t.text))
  const bridgeTexts = readAll('brctl', (t) => parseBrctlShow(t.text))
  const portTexts = readAll('bridge-link', (t) => parseBridgeLink(t.text))
  const fdb = fdbTexts.flatMap((p) => p.value.map((entry) => ({ file: p.file, entry })))

  const { devices, addresses } = importDevices({
    netns,
    links,
    bridges: bridgeTexts.flatMap((p) => p.value),
    ports: portTexts.flatMap((p) => p.value),
    fdb: fdb.map((f) => f.entry),
    mentioned: [
      ...routeTexts.flatMap((p) =>
        p.value.routes.flatMap((r) => r.nexthops.flatMap((n) => (n.device === undefined ? [] : [n.device]))),
      ),
      ...neighbourTexts.flatMap((p) => p.value.neighbours.map((n) => n.device)),
    ],
    origin: ORIGIN,
    note,
  })
  const records: WorldRecord[] = [...devices, ...addresses]

  // Routes: what the text lists, and the kernel's own where it lists none of that table.
  const routes = routeRecords(netns, routeTexts, from)
  const own = localRoutes(ns, devices, addresses, ORIGIN)
  const has = (table: number) => routes.some((r) => r.table === table)
  records.push(...routes)
  if (!has(RT_TABLE.main)) records.push(...own.filter((r) => r.table === RT_TABLE.main))
  if (!has(RT_TABLE.local)) records.push(...own.filter((r) => r.table === RT_TABLE.local))
  if (routeTexts.length === 0 && links.length > 0)
    note('no ip route text: only the routes of the devices’ own addresses are known')
  for (const { file, value } of routeTexts) {
    countIpv6(value.ipv6, 'routes')
    const kept = new Map<string, number>()
    for (const { what } of value.unmodelled) kept.set(what, (kept.get(what) ?? 0) + 1)
    for (const [what, n] of kept) note(`${n === 1 ? 'a route' : `${n} routes`} with ${what}, which is not modelled`, file.name)
  }

  const rules = ruleTexts.flatMap(({ file, value }) => {
    countIpv6(value.ipv6, 'policy rules')
    for (const { line, what } of value.unmodelled)
      note(`a policy rule with ${what}, which is not modelled`, `${file.name}:${line}`)
    return value.rules.map(({ line, ...rule }) => ({ rule, origin: from(file, line) }))
  })
  // ip -6 rule of a host looks like its ip rule: the same priorities again are the other family's.
  const distinct = rules.filter(({ rule }, i) => rules.findIndex((o) => JSON.stringify(o.rule) === JSON.stringify(rule)) === i)
  if (distinct.length === 0) records.push(...defaultPolicyRules(ns, ORIGIN))
  distinct.forEach(({ rule, origin }, i) => {
    records.push({ kind: 'policy-rule', id: policyRuleId(netns, i), netns: ns, ...rule, origin })
  })
  const named = new Map([...routeTexts, ...ruleTexts].flatMap((p) => [...p.value.namedTables]))
  for (const [table, number] of named) {
    const listed = routes.some((r) => r.table === number)
    note(
      `routing table ${table} has a name of this machine’s own; here it is table ${number}${listed ? '' : ', and no text lists its routes'}`,
    )
  }

  for (const { file, value } of neighbourTexts) {
    countIpv6(value.ipv6, 'neighbours')
    for (const n of value.neighbours) {
      const id = neighbourId(netns, n.device, formatIpv4(n.address))
      // lo's own entry, and the multicast ones that the kernel makes by itself.
      if (n.state === 'NOARP' || records.some((r) => r.id === id)) continue
      records.push({
        kind: 'neighbour',
        id,
        netns: ns,
        device: deviceId(netns, n.device),
        address: n.address,
        ...(n.mac === undefined ? {} : { mac: n.mac }),
        state: n.state,
        probes: n.probes,
        queued: 0,
        origin: from(file, n.line),
      })
    }
  }

  const seen = new Set<string>()
  const vteps: string[] = []
  for (const { file, entry: e } of fdb) {
    const tunnel = e.dst !== undefined && devices.some((d) => d.name === e.device && d.link.kind === 'vxlan')
    if (e.dst !== undefined && tunnel) {
      records.push(tunnelEntry(netns, e, e.dst, from(file, e.line)))
      continue
    }
    if (e.dst !== undefined) vteps.push(`${formatVtep(e)} (${e.device})`)
    if (e.master === undefined) continue
    const id = fdbId(netns, e.master, formatMac(e.mac), e.device)
    // With VLAN 1 and without are one entry to a bridge that does not filter VLANs.
    if (seen.has(id) || !devices.some((d) => d.name === e.master && d.link.kind === 'bridge')) continue
    seen.add(id)
    records.push({
      kind: 'fdb',
      id,
      netns: ns,
      bridge: deviceId(netns, e.master),
      mac: e.mac,
      port: deviceId(netns, e.device),
      local: e.permanent,
      static: e.permanent || e.static,
      origin: from(file, e.line),
    })
  }
  if (vteps.length > 0) note(`forwarding entries of tunnels, not modelled yet: ${vteps.join(', ')}`)

  records.push(...importIptables(netns, texts, note, errors))
  records.push(...importNft(netns, texts, note, errors))
  importState(netns, { readAll, from, countIpv6, records })
  importNotes(texts, note)
  if (ipv6.size > 0) note(`IPv6 is not modelled; passed over: ${[...ipv6].map(([what, n]) => `${n} ${what}`).join(', ')}`)
  if (devices.some((d) => d.link.kind === 'physical')) {
    const nics = devices.filter((d) => d.link.kind === 'physical').map((d) => d.name)
    note(`what is behind ${nics.join(', ')} is not in these files`)
  }
  const noMac = devices.filter((d) => d.mac === MAC_ZERO && d.link.kind !== 'loopback' && d.link.kind !== 'unknown')
  if (noMac.length > 0) note(`no text tells the MAC address of ${noMac.map((d) => d.name).join(', ')}`)
  return { records, errors }
}

/** `ip-route-table-local.txt`, `ip_route_show_table_100`. */
function tableFromName(name: string): number {
  const word = /table[-_ ]([a-z0-9]+)/i.exec(name)?.[1] ?? 'main'
  return word === 'all' ? RT_TABLE.main : parseTable(word).table
}

function routeRecords(
  netns: string,
  texts: readonly { readonly file: NamedText; readonly value: ParsedRoutes }[],
  from: (file: NamedText, line: number) => Origin,
): RouteRecord[] {
  const routes: RouteRecord[] = []
  const counts = new Map<string, number>()
  const seen = new Set<string>()
  for (const { file, value } of texts) {
    for (const { line, nexthops, ...r } of value.routes) {
      // The same table published twice (before and after) counts once.
      const key = JSON.stringify([r, nexthops])
      if (seen.has(key)) continue
      seen.add(key)
      const table = formatTable(r.table)
      const n = (counts.get(table) ?? 0) + 1
      counts.set(table, n)
      routes.push({
        kind: 'route',
        id: routeId(netns, table, n),
        netns: netnsId(netns),
        ...r,
        nexthops: nexthops.map((h) => ({
          ...(h.via === undefined ? {} : { via: h.via }),
          ...(h.device === undefined ? {} : { device: deviceId(netns, h.device) }),
          ...(h.onlink ? { onlink: true } : {}),
          ...(h.weight === undefined ? {} : { weight: h.weight }),
        })),
        origin: from(file, line),
      })
    }
  }
  return routes
}
