import { ETH_P } from '../net/packet.ts'
import { STEP } from '../trace/columns.ts'
import { PACKET_WIDTH } from '../trace/packets.ts'
import type { TraceReader } from '../trace/reader.ts'
import { isGuest, switchOf } from './roles.ts'
import { podsOf } from './slim.ts'
import type { Topology } from './topology.ts'

/** Ids of the devices that any step of the run happens on, or comes in by. */
function usedDevices(reader: TraceReader): Set<string> {
  const { events: e, refs } = reader.trace
  const seen = new Uint8Array(refs.length)
  for (let s = 0; s < e.length; s++) seen[e.device[s] as number] = 1
  return new Set(refs.filter((_, i) => seen[i] === 1))
}

/** netns ids of all namespaces whose stack an IP packet of the run ever reaches. */
function busyNamespaces(reader: TraceReader): Set<string> {
  const { events: e, refs, packets } = reader.trace
  const busy = new Set<string>()
  const seen = new Uint8Array(refs.length)
  for (let s = 0; s < e.length; s++) {
    const ref = e.netns[s] as number
    if (seen[ref] === 1 || e.kind[s] !== STEP.enter || e.a[s] !== 1) continue
    if (packets.rows[(e.packet[s] as number) * PACKET_WIDTH + 4] === ETH_P.ARP) continue
    seen[ref] = 1
    busy.add(refs[ref] ?? '')
  }
  return busy
}

/**
 * Machines and pods (netns ids), and devices of nodes, that take no part in a whole run, and can be drawn small throughout it: seeking never rearranges
 * the drawing. A node takes part when one of its pods does. None where nothing has been sent yet: then everything is of interest.
 */
export function idleParts(reader: TraceReader, topology: Topology): ReadonlySet<string> {
  const busy = busyNamespaces(reader)
  const idle = new Set<string>()
  if (busy.size === 0) return idle
  const used = usedDevices(reader)
  for (const m of topology.machines) {
    if (switchOf(m) === undefined) for (const d of m.devices) if (!used.has(d.record.id)) idle.add(d.record.id)
    const pods = podsOf(m).map((p) => p.netns.id)
    for (const id of pods) if (!busy.has(id)) idle.add(id)
    if (switchOf(m) !== undefined || (isGuest(m) && m.bridges.length > 0)) continue
    if (!busy.has(m.netns.id) && !pods.some((id) => busy.has(id))) idle.add(m.netns.id)
  }
  return idle
}
