import type { IpvsServers } from '../../world/changes.ts'
import { deviceId, netnsId, type RecordId, routeId } from '../../world/ids.ts'
import type { RouteRecord, WorldRecord } from '../../world/records.ts'
import type { Delta, World } from '../../world/world.ts'
import { KUBE_IPVS0 } from '../kube-proxy/ipvs/node.ts'
import type { IpvsSync } from '../kube-proxy/ipvs/proxier.ts'
import { ipvsRecords } from '../kube-proxy/ipvs/records.ts'

/** One node's sync in IPVS mode beside its rules. `built` is the world as built of the new objects, `now` the one at this moment. */
export function ipvsServers(node: string, sync: IpvsSync, built: World, now: World): IpvsServers {
  const records = ipvsRecords(node, sync)
  const servers = records.filter((r) => r.kind !== 'ipset')
  const netns = netnsId(node)
  const device = deviceId(node, KUBE_IPVS0)
  const sets = (world: World) => [...world.values()].filter((r) => r.kind === 'ipset' && r.netns === netns)
  const addresses = (world: World) => [...world.values()].filter((r) => r.kind === 'address' && r.device === device)
  return {
    deltas: [
      ...deltasOf(sets(now), sets(built)),
      ...deltasOf(addresses(now), addresses(built)),
      ...routeDeltas(node, built, now),
    ],
    servers,
  }
}

function deltasOf(before: readonly WorldRecord[], after: readonly WorldRecord[]): Delta[] {
  const old = new Map<RecordId, WorldRecord>(before.map((r) => [r.id, r]))
  const fresh = new Map<RecordId, WorldRecord>(after.map((r) => [r.id, r]))
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((id): Delta[] => {
    const from = old.get(id)
    const to = fresh.get(id)
    return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ id, from, to }]
  })
}

/** The local routes of kube-ipvs0's addresses. They are numbered as they come: the same one has another id in another world. */
function routeDeltas(node: string, built: World, now: World): Delta[] {
  const device = deviceId(node, KUBE_IPVS0)
  const routes = (world: World) =>
    [...world.values()].filter((r): r is RouteRecord => r.kind === 'route' && r.nexthops[0]?.device === device)
  const old = new Map(routes(now).map((r) => [r.dst, r]))
  const fresh = new Map(routes(built).map((r) => [r.dst, r]))
  let number = 0
  const free = (): RecordId => {
    for (;;) {
      const id = routeId(node, 'local/kernel', number++)
      if (!now.has(id)) return id
    }
  }
  const gone = [...old.values()].filter((r) => !fresh.has(r.dst)).map((r): Delta => ({ id: r.id, from: r, to: undefined }))
  const come = [...fresh.values()].flatMap((r): Delta[] => {
    if (old.has(r.dst)) return []
    const id = free()
    return [{ id, from: undefined, to: { ...r, id } as RouteRecord }]
  })
  return [...gone, ...come]
}
