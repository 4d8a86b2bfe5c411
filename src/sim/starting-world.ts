import { withKernelRecords } from '../kernel/boot.ts'
import type { RecordId } from '../world/ids.ts'
import type { WorldRecord } from '../world/records.ts'
import type { World } from '../world/world.ts'
import { serverSockets } from './processes/index.ts'

/**
 * The world that a run starts from: the given one, what the kernel adds by itself, and the listening sockets of the server
 * processes, which came up long before anybody looked.
 */
export function startingWorld(world: World): World {
  const out = new Map<RecordId, WorldRecord>(withKernelRecords(world))
  for (const socket of serverSockets(world)) out.set(socket.id, socket)
  return out
}
