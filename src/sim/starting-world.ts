import { shelvesOf, withKernelRecords } from '../kernel/boot.ts'
import { tableFacts } from '../kernel/netfilter/table-facts.ts'
import { OverlayWorld } from '../world/overlay.ts'
import type { World } from '../world/world.ts'
import { serverSockets } from './processes/index.ts'

const known = new WeakMap<World, World>()

/** Does what a run does first, ahead of it: the same world may start many. */
export function prepare(world: World): void {
  for (const shelf of shelvesOf(startingWorld(world)).values()) tableFacts(shelf.list('chain'), shelf.list('rule'))
}

/**
 * The world that a run starts from: the given one, what the kernel adds by itself, and the listening sockets of the server
 * processes, which came up long before anybody looked.
 */
export function startingWorld(world: World): World {
  const there = known.get(world)
  if (there !== undefined) return there
  const out = withKernelRecords(world)
  for (const socket of serverSockets(new OverlayWorld(world))) out.set(socket.id, socket)
  known.set(world, out)
  return out
}
