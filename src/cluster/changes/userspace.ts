import type { PortalChange, StaleFlows, TableSync } from '../../world/changes.ts'
import { chainId, netnsId } from '../../world/ids.ts'
import type { TableName } from '../../world/netfilter.ts'
import type { ProcessRecord, SocketRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'
import type { ProxyServicePort } from '../kube-proxy/service-map.ts'
import { type ChainContent, chainIn, chainsOf, tableEdits } from './edits.ts'

// kube-proxy in userspace mode when a Service comes, changes or goes (pkg/proxy/userspace/proxier.go: mergeService, unmergeService):
// single rules are appended and deleted, and its sockets are opened and closed. Endpoints are none of the rules' business.

const TABLES: readonly TableName[] = ['filter', 'nat']
const OWN = /^KUBE-(?:PORTALS|NODEPORT)-/

export interface UserspaceEdits {
  readonly tables: readonly TableSync[]
  readonly portals?: PortalChange
}

/** `built` is the world as built of the new objects, `now` the one at this moment. Nothing where only endpoints differ. */
export function userspaceEdits(node: string, built: World, now: World): UserspaceEdits {
  const tables = TABLES.flatMap((table) => {
    const wanted = chainsOf(built, node, table)
      .filter((c) => OWN.test(c.chain.name))
      .map((to) => appended(chainIn(now, chainId(node, table, to.chain.name)), to))
    return tableEdits(now, table, { wanted, removed: [] }) ?? []
  })
  const process = proxyOf(node, now)
  if (process === undefined) return { tables }
  const old = socketsOf(process, now)
  const fresh = socketsOf(proxyOf(node, built), built)
  const opens = fresh.filter((s) => !old.some((o) => keyOf(o) === keyOf(s)))
  const closes = old.filter((s) => !fresh.some((f) => keyOf(f) === keyOf(s)))
  if (opens.length + closes.length === 0) return { tables }
  return { tables, portals: { process: process.id, opens, closes } }
}

/** The rules that stay where they are, and behind them the new ones. */
function appended(from: ChainContent | undefined, to: ChainContent): ChainContent {
  if (from === undefined) return to
  const says = ({ rules }: ChainContent, spec: unknown) => rules.some((r) => JSON.stringify(r.spec) === JSON.stringify(spec))
  return {
    chain: from.chain,
    rules: [...from.rules.filter((r) => says(to, r.spec)), ...to.rules.filter((r) => !says(from, r.spec))],
  }
}

const proxyOf = (node: string, world: World): ProcessRecord | undefined =>
  [...world.values()].find(
    (r): r is ProcessRecord =>
      r.kind === 'process' && r.netns === netnsId(node) && r.argv[0] === 'kube-proxy' && r.argv[1] === '--proxy-mode=userspace',
  )

const socketsOf = (process: ProcessRecord | undefined, world: World): SocketRecord[] =>
  [...world.values()].filter((r): r is SocketRecord => r.kind === 'socket' && process !== undefined && r.process === process.id)

const keyOf = ({ protocol, local, origin }: SocketRecord): string =>
  JSON.stringify([protocol, local.port, origin.object?.namespace, origin.object?.name, origin.detail])

/** ClearUDPConntrackForIP(): what was tracked to the cluster IP of a UDP Service that is gone. */
export function goneFlows(before: readonly ProxyServicePort[], after: readonly ProxyServicePort[]): StaleFlows[] {
  const has = (p: ProxyServicePort) => after.some((a) => a.name === p.name && a.clusterIP.text === p.clusterIP.text)
  return before.flatMap((p) =>
    p.protocol === 'udp' && p.clusterIP.family === 'IPv4' && !has(p)
      ? [{ address: p.clusterIP.value, port: p.port, serving: [] }]
      : [],
  )
}
