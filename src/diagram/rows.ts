import { type CompactSpec, compactBlock, compactHeight, compactWidth } from './compact-block.ts'
import type { Detail } from './detail.ts'
import type { Words } from './figure.ts'
import { type Block, machineBlock } from './machine-block.ts'
import { isGuest, isHost, isPlain } from './roles.ts'
import { podsOf } from './slim.ts'
import type { Measure } from './text.ts'
import type { Link, Machine, Topology } from './topology.ts'

// Machines in one row above their network, or in two with the network between them, the lower row upside down, so that
// every cable is short.

export const MACHINE_GAP = 14

export interface Plan {
  /** Hosts in the upper row. */
  readonly split: number
  /** Pods side by side on one bridge. */
  readonly cols: number
  /** What is no host stands beside the hosts instead of below the network. */
  readonly beside: boolean
  /** Guests show their whole stack as one place, to spare room. */
  readonly small: boolean
  readonly detail: Detail
}

export interface Look {
  readonly measure: Measure
  readonly words: Words
  /** netns ids of machines and pods that take no part. */
  readonly idle: ReadonlySet<string>
  /** The network between the rows is at least so wide. */
  readonly spine: number
}

export type Row = 'top' | 'bottom'

interface Placed {
  readonly machine: Machine
  readonly block: Block
  readonly x: number
  /** Every cable of it runs below the row. */
  readonly low: boolean
}

export interface Rows {
  readonly upper: readonly Placed[]
  readonly under: readonly Placed[]
  readonly rowOf: ReadonlyMap<string, Row>
  /** Links between machines of the lower row that run below it. */
  readonly sunk: readonly Link[]
  readonly width: number
  readonly upperHeight: number
  readonly underHeight: number
}

/** Plans both rows. Nothing is drawn yet, so that many plans can be compared. */
export function planRows(topology: Topology, plan: Plan, look: Look): Rows {
  const hosts = topology.machines.filter(isHost)
  const guests = inChainOrder(topology.machines.filter(isGuest), topology.links)
  const first = hosts.slice(0, plan.split)
  const rest = hosts.slice(plan.split)
  const top = hosts.length === 0 ? guests : plan.beside ? [...first, ...guests] : first
  const lower = hosts.length === 0 ? [] : plan.beside ? rest : [...rest, ...guests]
  const rowOf = new Map<string, Row>([
    ...top.map((m): [string, Row] => [m.netns.id, 'top']),
    ...lower.map((m): [string, Row] => [m.netns.id, 'bottom']),
  ])
  const isBrief = (m: Machine) => look.idle.has(m.netns.id) && (isGuest(m) ? m.bridges.length === 0 : plan.detail.cards)
  const isCompact = (m: Machine) => isBrief(m) || isPlain(m) || (plan.small && isGuest(m) && m.bridges.length === 0)
  const sunk = sunkenLinks(topology.links, lower, isCompact)
  const linked = new Set<string>(topology.links.flatMap((l) => [l.a.id, l.b.id]))
  const opposite = new Set<string>(sunk.flatMap((l) => [l.a.id, l.b.id]))
  const isLow = (machine: Machine) => {
    const links = topology.links.filter((l) => l.a.netns === machine.netns.id || l.b.netns === machine.netns.id)
    return links.length > 0 && links.every((l) => sunk.includes(l))
  }
  const build = (machine: Machine, row: Row): Block => {
    const flip = row === 'bottom' && !(isCompact(machine) && isLow(machine))
    if (!isCompact(machine))
      return machineBlock(machine, { cols: plan.cols, detail: plan.detail, flip, opposite, linked, ...look })
    const spec = isHost(machine) ? card(machine, linked, look.words) : compactMachine(machine, isBrief(machine))
    const w = compactWidth(spec, look.measure)
    return { w, h: compactHeight(spec, look.measure), draw: () => compactBlock(spec, { width: w, flip, ...look }).sketch }
  }
  const upper = inLine(top.map((machine) => ({ machine, block: build(machine, 'top'), low: false })))
  const under = inLine(lower.map((machine) => ({ machine, block: build(machine, 'bottom'), low: isLow(machine) })))
  const width = Math.max(widthOf(upper), widthOf(under), look.spine)
  // A short row stands in the middle of a long one.
  const centred = (row: readonly Placed[]) => row.map((p) => ({ ...p, x: p.x + (width - widthOf(row)) / 2 }))
  return {
    upper: centred(upper),
    under: centred(under),
    rowOf,
    sunk,
    width,
    upperHeight: Math.max(0, ...upper.map((p) => p.block.h)),
    underHeight: Math.max(0, ...under.map((p) => p.block.h)),
  }
}

function inLine(row: readonly Omit<Placed, 'x'>[]): Placed[] {
  let x = 0
  return row.map((p) => {
    const placed = { ...p, x }
    x += p.block.w + MACHINE_GAP
    return placed
  })
}

const widthOf = (row: readonly Placed[]) => Math.max(0, ...row.map((p) => p.x + p.block.w))

function compactMachine(m: Machine, brief: boolean): CompactSpec {
  return {
    netns: m.netns.id,
    name: m.netns.name,
    parent: undefined,
    title: m.name,
    address: m.address,
    // Who only passes packets on has no process worth a row.
    containers: isPlain(m) ? m.containers : m.containers.filter((c) => c.listens.length > 0),
    devices: [...m.devices, ...m.bridges.map((b) => b.device), ...m.bridges.flatMap((b) => b.ports)],
    look: { kind: 'machine', role: m.netns.role },
    brief,
  }
}

/** A node that takes no part: its name, how many pods it has, and its NICs. */
function card(m: Machine, linked: ReadonlySet<string>, words: Words): CompactSpec {
  const devices = m.devices.filter((d) => linked.has(d.record.id))
  const pods = podsOf(m)
  const hidden = [...m.devices, ...m.bridges.flatMap((b) => [b.device, ...b.ports])].filter((d) => !devices.includes(d))
  const inPods = pods.flatMap((p) => [
    p.netns.id,
    ...p.devices.map((d) => d.record.id),
    ...(p.uplink ? [p.uplink.outside.record.id] : []),
  ])
  return {
    ...compactMachine(m, true),
    address: [m.address, pods.length === 0 ? undefined : words.pods(pods.length)].filter((t) => t !== undefined).join(' · '),
    devices,
    stands: [...hidden.map((d) => d.record.id), ...inPods],
  }
}

/**
 * Neighbours on a chain (router, gateway, Internet) next to each other, beginning with what is linked to the rest. Where several
 * chains begin at one machine, it stands between the first of them and the others, so that cables do not run below each other.
 */
function inChainOrder(machines: readonly Machine[], links: readonly Link[]): Machine[] {
  const mine = new Map(machines.map((m) => [m.netns.id as string, m]))
  const next = (id: string) =>
    links.flatMap((l) => (l.a.netns === id ? [l.b.netns as string] : l.b.netns === id ? [l.a.netns as string] : []))
  const outward = machines.filter((m) => next(m.netns.id).some((n) => !mine.has(n)))
  const seen = new Set<string>()
  const onward = (id: string) => next(id).filter((n) => mine.has(n) && !seen.has(n) && !outward.some((o) => o.netns.id === n))
  const chainFrom = (start: string): Machine[] => {
    const chain: Machine[] = []
    const stack: string[] = [start]
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      const m = mine.get(id)
      if (m === undefined || seen.has(id)) continue
      seen.add(id)
      chain.push(m)
      stack.push(...onward(id).reverse())
    }
    return chain
  }
  const order: Machine[] = []
  for (const start of [...outward, ...machines]) {
    if (seen.has(start.netns.id)) continue
    seen.add(start.netns.id)
    const [first = [], ...others] = onward(start.netns.id)
      .map(chainFrom)
      .filter((chain) => chain.length > 0)
    order.push(...(others.length > 0 ? [...first.reverse(), start, ...others.flat()] : [start, ...first]))
  }
  return order
}

/**
 * Cables between two machines of the lower row run below them, out of the way of the network's, where both machines can
 * turn a device that way: in full form without pods, or in compact form with no cable that must go up.
 */
function sunkenLinks(links: readonly Link[], lower: readonly Machine[], isCompact: (m: Machine) => boolean): Link[] {
  const row = new Map(lower.map((m) => [m.netns.id as string, m]))
  let sunk = links.filter((l) => row.has(l.a.netns) && row.has(l.b.netns))
  const canSink = (netns: string) => {
    const m = row.get(netns)
    if (m === undefined) return false
    if (!isCompact(m)) return m.bridges.length === 0 && m.routed.length === 0
    return links.every((l) => (l.a.netns !== netns && l.b.netns !== netns) || sunk.includes(l))
  }
  for (let before = -1; before !== sunk.length; ) {
    before = sunk.length
    sunk = sunk.filter((l) => canSink(l.a.netns) && canSink(l.b.netns))
  }
  return sunk
}
