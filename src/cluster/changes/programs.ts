import { netnsId, processId } from '../../world/ids.ts'
import type { Origin, ProcessRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'

// Processes of a node's own namespace that come and go while it stays: containers on the host's network, kube-proxy's servers.

export interface ProgramEdits {
  readonly starts: readonly ProcessRecord[]
  readonly stops: readonly ProcessRecord[]
}

/** Numbers of a run's own processes count up from what the world has; these stay clear of them. */
const FIRST = 1001

/** What `built` has on the node and `now` has not, and the other way round, of those that `isMeant`. */
export function programEdits(
  node: string,
  { now, built }: { now: World; built: World },
  isMeant: (o: Origin) => boolean,
): ProgramEdits {
  const own = (world: World) =>
    [...world.values()].filter(
      (r): r is ProcessRecord => r.kind === 'process' && r.netns === netnsId(node) && r.state === 'running' && isMeant(r.origin),
    )
  const key = (p: ProcessRecord) => JSON.stringify([p.argv, p.container, p.origin.object])
  const old = new Set(own(now).map(key))
  const wanted = new Set(own(built).map(key))
  let pid = 0
  for (const r of now.values()) if (r.kind === 'process' && r.pid > pid) pid = r.pid
  let n = FIRST
  const freshId = () => {
    while (now.has(processId(node, n))) n++
    return processId(node, n++)
  }
  return {
    starts: own(built).flatMap((p) => (old.has(key(p)) ? [] : [{ ...p, id: freshId(), pid: ++pid }])),
    stops: own(now).filter((p) => !wanted.has(key(p))),
  }
}

export const isOfPod = (o: Origin): boolean => o.object?.kind === 'Pod'
export const isHealthCheck = (o: Origin): boolean => o.component === 'kube-proxy' && o.detail === 'spec.healthCheckNodePort'
