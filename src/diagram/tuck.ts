import { isGuest } from './roles.ts'
import type { Machine, Topology } from './topology.ts'

// An idle machine that hangs on a busy one, and on nothing else, leads nowhere in this run: where room is short its name in the
// busy one's head is enough.

export interface Tucked {
  readonly topology: Topology
  /** Ids of what is not drawn any more, by the machine that names it. */
  readonly inside: ReadonlyMap<string, readonly string[]>
}

/** `topology` without idle guests that are leaves of busy guests. */
export function tuckIdleLeaves(topology: Topology, idle: ReadonlySet<string>): Tucked {
  const machines = new Map(topology.machines.map((m) => [m.netns.id as string, m]))
  const leaves = new Map<string, { readonly leaf: Machine; readonly port: string }[]>()
  for (const leaf of topology.machines) {
    if (!isGuest(leaf) || leaf.bridges.length > 0 || !idle.has(leaf.netns.id)) continue
    const [link, ...others] = topology.links.filter((l) => l.a.netns === leaf.netns.id || l.b.netns === leaf.netns.id)
    if (link === undefined || others.length > 0) continue
    const port = link.a.netns === leaf.netns.id ? link.b : link.a
    const on = machines.get(port.netns)
    if (on === undefined || !isGuest(on) || idle.has(on.netns.id)) continue
    leaves.set(on.netns.id, [...(leaves.get(on.netns.id) ?? []), { leaf, port: port.id }])
  }
  const gone = new Set<string>([...leaves.values()].flat().map((l) => l.leaf.netns.id))
  const inside = new Map([...leaves].map(([on, l]) => [on, l.flatMap(({ leaf, port }) => [leaf.netns.id as string, port])]))
  return {
    topology: {
      machines: topology.machines.filter((m) => !gone.has(m.netns.id)).map((m) => naming(m, leaves.get(m.netns.id) ?? [])),
      links: topology.links.filter((l) => !gone.has(l.a.netns) && !gone.has(l.b.netns)),
    },
    inside,
  }
}

function naming(m: Machine, leaves: readonly { readonly leaf: Machine; readonly port: string }[]): Machine {
  if (leaves.length === 0) return m
  const names = `+ ${leaves.map((l) => l.leaf.name).join(', ')}`
  return {
    ...m,
    address: m.address === undefined ? names : `${m.address} ${names}`,
    devices: m.devices.filter((d) => !leaves.some((l) => l.port === d.record.id)),
  }
}
