import { LANE } from './compact-block.ts'
import { isGuest, isHost } from './roles.ts'
import type { Measure } from './text.ts'
import type { Link, Machine, Topology } from './topology.ts'

// Machines that no packet of the run touches, behind a switch port: a gateway and the Internet, say, while pods talk to each
// other. They get a chip with name and address on the switch's edge instead of a row of their own.

/** What hangs on one switch port, nearest first. */
export type SlimChain = readonly Machine[]

/** Chains of idle machines by the id of the switch port that they hang on. A machine that also leads to a busy one is in none. */
export function slimChains(topology: Topology, idle: ReadonlySet<string>): ReadonlyMap<string, SlimChain> {
  const chains = new Map<string, SlimChain>()
  if (!topology.machines.some(isHost)) return chains
  const guests = new Map(
    topology.machines.filter((m) => isGuest(m) && idle.has(m.netns.id)).map((m) => [m.netns.id as string, m]),
  )
  const switches = new Set<string>(topology.machines.filter((m) => m.netns.role === 'switch').map((m) => m.netns.id))
  for (const link of topology.links) {
    for (const [port, first] of [
      [link.a, link.b],
      [link.b, link.a],
    ] as const) {
      const chain = switches.has(port.netns) ? chainFrom(link, first.netns, { guests, links: topology.links }) : undefined
      if (chain !== undefined) chains.set(port.id, chain)
    }
  }
  return chains
}

function chainFrom(
  link: Link,
  first: string,
  ctx: { readonly guests: ReadonlyMap<string, Machine>; readonly links: readonly Link[] },
): SlimChain | undefined {
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

export const SLIM_PAD = 7
const BETWEEN = 8
/** Of the cable between two chips. */
export const SLIM_GAP = 14

/** Cable before the first chip: a flooded frame may still come to rest at its door. */
export const SLIM_DOOR = LANE + 10

export const slimWidth = (m: Machine, measure: Measure): number =>
  Math.ceil(
    SLIM_PAD + measure(m.name, 'name') + (m.address === undefined ? 0 : BETWEEN + measure(m.address, 'address')) + SLIM_PAD + 1,
  )

/** Width of a chain with the cables in it. */
export const chainWidth = (chain: SlimChain, measure: Measure): number =>
  chain.reduce((w, m, i) => w + (i === 0 ? SLIM_DOOR : SLIM_GAP) + slimWidth(m, measure), 0)

/** Where the address begins in a chip, from its left edge; the name begins at `SLIM_SLIM_PAD`. */
export const slimAddress = (m: Machine, measure: Measure): number => SLIM_PAD + measure(m.name, 'name') + BETWEEN
