import type { DeviceId } from '../world/ids.ts'
import type { DeviceRecord, WorldRecord } from '../world/records.ts'

/**
 * Joins veth ends of one host's namespaces: `eth0@if23` with ifindex 22 and a device with ifindex 23 that says `@if22`. Only
 * where exactly one pair fits, since ifindexes are counted in each namespace.
 */
export function connectNamespaces(records: readonly WorldRecord[]): WorldRecord[] {
  const ends = records.filter((r): r is DeviceRecord => r.kind === 'device' && r.link.kind === 'veth')
  const peerIndex = (d: DeviceRecord): number => {
    const named = d.link.kind === 'veth' ? /@[^/]*\/if(\d+)$/.exec(d.link.peer) : null
    return named ? Number(named[1]) : 0
  }
  const peers = new Map<DeviceId, DeviceId>()
  for (const d of ends) {
    const wanted = peerIndex(d)
    if (wanted === 0) continue
    const fits = (a: DeviceRecord, b: DeviceRecord) =>
      a.netns !== b.netns && b.ifindex === peerIndex(a) && peerIndex(b) === a.ifindex
    const candidates = ends.filter((o) => fits(d, o))
    const [only] = candidates
    if (only !== undefined && candidates.length === 1 && ends.filter((o) => fits(only, o)).length === 1) peers.set(d.id, only.id)
  }
  return records.map((r) => {
    const peer = r.kind === 'device' ? peers.get(r.id) : undefined
    return r.kind === 'device' && peer !== undefined ? { ...r, link: { kind: 'veth', peer } } : r
  })
}
