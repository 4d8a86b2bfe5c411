import { LANE } from './compact-block.ts'
import type { Words } from './figure.ts'
import { isGuest, isHost, switchOf } from './roles.ts'
import { fitText, type Measure } from './text.ts'
import type { Link, Machine, Topology } from './topology.ts'

// Machines that no packet of the run touches, behind a switch port: a gateway and the Internet, say, while pods talk to each
// other. They get a chip with name and address on the switch's edge instead of a row of their own. So do idle nodes of a crowded
// cluster, several of them one chip together.

/** One chip: a machine, or several nodes. */
export interface SlimMachine {
  /** Of its box; the netns id of a machine that is alone. */
  readonly id: string
  readonly netns: string
  readonly role: Machine['netns']['role']
  readonly name: string
  /** What stands beside the name: an address, how many pods. */
  readonly note: string | undefined
  /** For tooltips and screen readers. */
  readonly full: string
  /** Ids of namespaces that it stands for, beside its own. */
  readonly stands: readonly string[]
}

/** What hangs on one switch port, nearest first. */
export interface SlimChain {
  readonly machines: readonly SlimMachine[]
  /** Ids of the ports of the same switch that this one stands for. */
  readonly ports: readonly string[]
  /** Length of the cable before the first chip. */
  readonly door: number
}

export interface Slim {
  /** By the id of the switch port that they hang on. */
  readonly chains: ReadonlyMap<string, SlimChain>
  /** netns ids of all machines in them. */
  readonly machines: ReadonlySet<string>
}

/**
 * Chains of idle machines. A machine that also leads to a busy one is in none; nodes only with `nodes`, when they hang on one
 * cable.
 */
export function slimChains(
  topology: Topology,
  idle: ReadonlySet<string>,
  options: { readonly nodes: boolean; readonly words: Words; readonly measure: Measure },
): Slim {
  const chains = new Map<string, SlimChain>()
  const chained = new Set<string>()
  if (!topology.machines.some(isHost)) return { chains, machines: chained }
  const { links } = topology
  const door = options.nodes ? SLIM_SHORT_DOOR : SLIM_DOOR
  const guests = new Map(
    topology.machines.filter((m) => isGuest(m) && idle.has(m.netns.id)).map((m) => [m.netns.id as string, m]),
  )
  const cablesOf = (m: Machine) => links.filter((l) => l.a.netns === m.netns.id || l.b.netns === m.netns.id)
  const nodes = new Map(
    topology.machines
      .filter((m) => options.nodes && isHost(m) && idle.has(m.netns.id) && cablesOf(m).length === 1)
      .map((m) => [m.netns.id as string, m]),
  )
  for (const at of topology.machines.filter((m) => switchOf(m) !== undefined)) {
    const together: { readonly port: string; readonly node: Machine }[] = []
    for (const link of links) {
      for (const [port, first] of [
        [link.a, link.b],
        [link.b, link.a],
      ] as const) {
        if (port.netns !== at.netns.id) continue
        const node = nodes.get(first.netns)
        if (node !== undefined) together.push({ port: port.id, node })
        const chain = node === undefined ? chainFrom(link, first.netns, { guests, links }) : undefined
        if (chain === undefined) continue
        chains.set(port.id, { machines: chain.map((m) => slimOf(m, options)), ports: [], door })
        for (const m of chain) chained.add(m.netns.id)
      }
    }
    const [first, ...others] = together
    if (first === undefined) continue
    const members = together.map((t) => t.node)
    const slim = others.length === 0 ? slimOf(first.node, options) : slimNodes(members, at, options.words)
    chains.set(first.port, { machines: [slim], ports: others.map((o) => o.port), door })
    for (const m of members) chained.add(m.netns.id)
  }
  return { chains, machines: chained }
}

function chainFrom(
  link: Link,
  first: string,
  ctx: { readonly guests: ReadonlyMap<string, Machine>; readonly links: readonly Link[] },
): readonly Machine[] | undefined {
  const chain: Machine[] = []
  let by = link
  for (let id: string | undefined = first; id !== undefined; ) {
    const machine = ctx.guests.get(id)
    const here: string = id
    const onward = ctx.links.filter((l) => l !== by && (l.a.netns === here || l.b.netns === here))
    if (machine === undefined || chain.includes(machine) || onward.length > 1) return undefined
    chain.push(machine)
    const next = onward[0]
    id = next === undefined ? undefined : next.a.netns === here ? next.b.netns : next.a.netns
    if (next !== undefined) by = next
  }
  return chain
}

/** All pods of a machine. */
export const podsOf = (m: Machine) => [...m.bridges.flatMap((b) => b.pods), ...m.routed]

const listed = (words: readonly (string | undefined)[]) => words.filter((w) => w !== undefined && w !== '').join(' ')

/** No chip's name is wider, in pixels. */
const WIDEST_NAME = 150

function slimOf(m: Machine, { words, measure }: { readonly words: Words; readonly measure: Measure }): SlimMachine {
  const pods = podsOf(m)
  const note = [m.address, pods.length === 0 ? undefined : words.pods(pods.length)].filter((t) => t !== undefined).join(' · ')
  return {
    id: m.netns.id,
    netns: m.netns.id,
    role: m.netns.role,
    name: fitText(m.name, 'name', WIDEST_NAME, measure),
    note: note === '' ? undefined : note,
    full: listed([m.netns.name, m.address, ...pods.map((p) => p.netns.name)]),
    stands: pods.map((p) => p.netns.id),
  }
}

function slimNodes(members: readonly Machine[], at: Machine, words: Words): SlimMachine {
  const pods = members.flatMap(podsOf)
  return {
    id: `nodes:${at.netns.name}`,
    netns: members[0]?.netns.id ?? at.netns.id,
    role: 'node',
    name: words.nodes(members.length),
    note: pods.length === 0 ? undefined : words.pods(pods.length),
    full: members.map((m) => listed([m.netns.name, m.address])).join(', '),
    stands: [...members.map((m) => m.netns.id), ...pods.map((p) => p.netns.id)],
  }
}

export const SLIM_PAD = 7
const BETWEEN = 8
/** Of the cable between two chips. */
export const SLIM_GAP = 14

/** Cable before the first chip: a flooded frame may still come to rest at its door; where room is short, half in the port's. */
const SLIM_DOOR = LANE + 10
const SLIM_SHORT_DOOR = 16

export const slimWidth = (m: SlimMachine, measure: Measure): number =>
  Math.ceil(SLIM_PAD + measure(m.name, 'name') + (m.note === undefined ? 0 : BETWEEN + measure(m.note, 'address')) + SLIM_PAD + 1)

/** Width of a chain with the cables in it. */
export const chainWidth = (chain: SlimChain, measure: Measure): number =>
  chain.machines.reduce((w, m, i) => w + (i === 0 ? chain.door : SLIM_GAP) + slimWidth(m, measure), 0)

/** Where the note begins in a chip, from its left edge; the name begins at `SLIM_PAD`. */
export const slimNote = (m: SlimMachine, measure: Measure): number => SLIM_PAD + measure(m.name, 'name') + BETWEEN
