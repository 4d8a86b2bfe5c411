import type { AttachChange } from '../../world/changes.ts'
import { routeId } from '../../world/ids.ts'
import type { DeviceRecord, NetnsRecord, ProcessRecord, RouteRecord, WorldRecord } from '../../world/records.ts'
import { netnsOf, type World } from '../../world/world.ts'

// A pod's network as records, taken out of the world that has the pod, and fitted into the one that is there: what others have
// already (interface indices, bridge ports, process ids) is theirs.

type Attached = Pick<AttachChange, 'records' | 'servers'>

/** Namespaces of pods that `after` has and `before` has not, in the order of `after`. */
export const newPods = (before: World, after: World): NetnsRecord[] => podsOf(after).filter((ns) => !before.has(ns.id))
export const gonePods = (before: World, after: World): NetnsRecord[] => podsOf(before).filter((ns) => !after.has(ns.id))

const podsOf = (world: World): NetnsRecord[] =>
  [...world.values()].filter((r): r is NetnsRecord => r.kind === 'netns' && r.role === 'pod')

/** What `netns` of `after` is to become in `now`, the world at that moment. */
export function attached(netns: NetnsRecord, after: World, now: World): Attached {
  const inside = [...after.values()].filter((r) => netnsOf(r) === netns.id && r.kind !== 'note')
  const ends = inside.flatMap((r): DeviceRecord[] => {
    const peer = r.kind === 'device' && r.link.kind === 'veth' ? after.get(r.link.peer) : undefined
    return peer?.kind === 'device' && !now.has(peer.id) ? [joined(peer, now)] : []
  })
  const pids = pidsFrom(now)
  const records = [
    ...inside.map((r) => (r.kind === 'process' ? { ...r, pid: pids() } : r)),
    ...ends,
    ...ends.flatMap((end) => routesTo(end, netns, after, now)),
  ]
  return { records, servers: records.filter((r): r is ProcessRecord => r.kind === 'process') }
}

export const processesOf = (netns: NetnsRecord, world: World) =>
  [...world.values()].flatMap((r) => (r.kind === 'process' && r.netns === netns.id ? [r.id] : []))

function pidsFrom(now: World): () => number {
  let last = 0
  for (const r of now.values()) if (r.kind === 'process' && r.pid > last) last = r.pid
  return () => ++last
}

/** dev_new_index() counts up; find_portno() takes the first that is free. */
function joined(end: DeviceRecord, now: World): DeviceRecord {
  let ifindex = 0
  const ports = new Set<number>()
  for (const r of now.values()) {
    if (r.kind !== 'device' || r.netns !== end.netns) continue
    ifindex = Math.max(ifindex, r.ifindex)
    if (r.master !== undefined && r.master.bridge === end.master?.bridge) ports.add(r.master.port)
  }
  if (end.master === undefined) return { ...end, ifindex: ifindex + 1 }
  let port = 1
  while (ports.has(port)) port++
  return { ...end, ifindex: ifindex + 1, master: { ...end.master, port } }
}

/** Routes of the node that are there for this pod alone (an address from outside the node's range). */
function routesTo(end: DeviceRecord, netns: NetnsRecord, after: World, now: World): RouteRecord[] {
  const node = end.netns.slice('netns:'.length)
  const own = [...after.values()].filter((r): r is RouteRecord => {
    const of = r.kind === 'route' && r.netns === end.netns ? r.origin.object : undefined
    return (
      of !== undefined &&
      of.kind === 'Pod' &&
      of.name === netns.origin.object?.name &&
      of.namespace === netns.origin.object.namespace
    )
  })
  let n = 0
  const freeId = () => {
    while (now.has(routeId(node, 'main', n))) n++
    return routeId(node, 'main', n++)
  }
  return own.map((r) => ({ ...r, id: freeId() }))
}

/** Everything that goes with a pod's namespace, as far as it was there before the run: what `unplug` removes of these. */
export function recordsOfPod(netns: NetnsRecord, now: World): WorldRecord[] {
  const ends = new Set<string>()
  for (const r of now.values()) {
    if (r.kind === 'device' && r.netns === netns.id && r.link.kind === 'veth') ends.add(r.link.peer)
  }
  return [...now.values()].filter((r) => netnsOf(r) === netns.id || ends.has(r.id))
}
