import type { StaleFlows, TableSync } from '../../world/changes.ts'
import { chainId, netnsId } from '../../world/ids.ts'
import type { Origin } from '../../world/records.ts'
import type { World } from '../../world/world.ts'
import type { ClusterPod } from '../model.ts'
import { type ChainContent, chainIn, chainsOf, tableEdits } from './edits.ts'

// The portmap plugin's runs in the middle of a journey: ADD when a pod's sandbox is made, DEL when it goes. It adds and deletes
// single rules, and leaves its own top-level chains where they are (plugins/meta/portmap: forwardPorts, unforwardPorts).

const PREFIX = 'CNI-'
const POD_PREFIX = 'CNI-DN-'

/** What portmap has to do to a node's nat table, given the namespaces that are there in `now`. `built` has the rules of the new pods. */
export function hostPortEdits(node: string, now: World, built: World): TableSync | undefined {
  const isThere = (o: Origin) => o.object?.kind !== 'Pod' || sandboxOf(o, now)
  const mine = (world: World) => chainsOf(world, node, 'nat').filter((c) => c.chain.name.startsWith(PREFIX))
  const old = mine(now)
  const fresh = mine(built)
  if (old.length === 0 && fresh.length === 0) return undefined
  const gone = old.filter((c) => c.chain.name.startsWith(POD_PREFIX) && !isThere(c.chain.origin))
  const come = fresh.filter((c) => !now.has(c.chain.id) && isThere(c.chain.origin))
  const top = fresh.filter((c) => now.has(c.chain.id) && !c.chain.name.startsWith(POD_PREFIX))
  const kept = old.filter((c) => !c.chain.name.startsWith(POD_PREFIX) && !top.some((t) => t.chain.id === c.chain.id))
  const entries = (from: ChainContent, to: ChainContent | undefined): ChainContent => ({
    chain: from.chain,
    rules: [
      ...from.rules.filter((r) => isThere(r.origin)),
      ...(to?.rules ?? []).filter((r) => isThere(r.origin) && !says(from, r.spec)),
    ],
  })
  const pairs = [...top.map((to) => entries(chainIn(now, to.chain.id) ?? to, to)), ...kept.map((c) => entries(c, undefined))]
  return tableEdits(now, 'nat', { wanted: [...come, ...pairs, ...jumps(node, now, built)], removed: gone })
}

/** The jumps of the first run: before everything in POSTROUTING, behind everything elsewhere. */
function jumps(node: string, now: World, built: World): ChainContent[] {
  return (['PREROUTING', 'OUTPUT', 'POSTROUTING'] as const).flatMap((hook): ChainContent[] => {
    const id = chainId(node, 'nat', hook)
    const from = chainIn(now, id)
    const to = chainIn(built, id)
    if (from === undefined || to === undefined) return []
    const missing = to.rules.filter((r) => r.origin.detail?.startsWith('portmap:') === true && !says(from, r.spec))
    if (missing.length === 0) return []
    return [{ chain: from.chain, rules: hook === 'POSTROUTING' ? [...missing, ...from.rules] : [...from.rules, ...missing] }]
  })
}

const says = ({ rules }: ChainContent, spec: unknown): boolean =>
  rules.some((r) => JSON.stringify(r.spec) === JSON.stringify(spec))

const sandboxOf = ({ object }: Origin, world: World): boolean => {
  const { namespace, name } = object ?? {}
  return world.has(netnsId(namespace === undefined || namespace === 'default' ? `pod/${name}` : `pod/${namespace}/${name}`))
}

/** deletePortmapStaleConnections(): UDP flows to a port that is mapped from now on, which went past the rule. */
export const staleHostPorts = (pod: ClusterPod): StaleFlows[] =>
  pod.containers.flatMap((c) =>
    c.ports.flatMap((p) => (p.hostPort === undefined || p.protocol !== 'UDP' ? [] : [{ port: p.hostPort, serving: [] }])),
  )
