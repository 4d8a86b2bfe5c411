import type { RecordId } from '../world/ids.ts'
import type { DeviceRecord, WorldRecord } from '../world/records.ts'
import { netnsOf } from '../world/world.ts'
import { bringUp } from './boot.ts'
import type { NetDevice } from './device.ts'
import type { NetKernel } from './kernel.ts'
import type { NetworkNamespace } from './namespace.ts'
import { drop } from './path/hop.ts'

// Namespaces that come and go while packets are on their way: what a container runtime and a network plugin ask of the kernel.
// Both write the deltas into the step last written, which says what happens and why.

/** Adds records of new namespaces, and of devices in old ones (ip link add, ip link set master), and brings them to life. */
export function plug(kernel: NetKernel, records: readonly WorldRecord[]): void {
  const names = new Set(records.flatMap((r) => netnsOf(r)?.slice('netns:'.length) ?? []))
  const before = new Set([...names].filter((name) => kernel.namespaces.get(name) !== undefined))
  for (const r of records) kernel.rec.change({ id: r.id, from: undefined, to: r })
  bringUp(kernel, records)
  for (const r of records) {
    const dev = r.kind === 'device' ? kernel.devices.get(r.id) : undefined
    if (dev === undefined) continue
    dev.bridge?.fdb?.addLocal(dev)
    dev.ns.fib.invalidate()
  }
  for (const r of records) {
    const name = r.kind === 'route' ? r.netns.slice('netns:'.length) : ''
    if (r.kind === 'route' && before.has(name)) kernel.namespaces.get(name)?.fib.add(r)
  }
}

/**
 * cleanup_net(): the namespace's devices are unregistered, a veth takes its other end with it, timers and whatever waited are
 * gone. Every record of the namespace goes; of others, those of the veth's other end.
 */
export function unplug(kernel: NetKernel, ns: NetworkNamespace): void {
  ns.kernel.shutDown()
  const devices = [...ns.devices.values()]
  const ends = devices.flatMap((d) => (d.record.link.kind === 'veth' && d.peer !== undefined ? [d.peer] : []))
  for (const dev of [...ends, ...devices]) unregister(kernel, dev)
  const gone = new Set<RecordId>(ends.map((d) => d.record.id))
  for (const r of [...kernel.rec.world.values()]) {
    const hangsOn = 'device' in r && r.device !== undefined && gone.has(r.device)
    if (netnsOf(r) === ns.record.id || gone.has(r.id) || hangsOn) kernel.rec.change({ id: r.id, from: r, to: undefined })
  }
  kernel.namespaces.delete(ns.name)
}

/**
 * A switch's port goes down, as when its cable is pulled: it forgets what it has learnt there (br_stp_disable_port), and the machine at
 * the other end loses its carrier and the neighbours behind it (neigh_carrier_down).
 */
export function portDown(kernel: NetKernel, id: DeviceRecord['id']): void {
  const port = kernel.devices.get(id)
  if (port === undefined || !port.up) return
  const to = { ...port.record, up: false }
  kernel.rec.change({ id, from: port.record, to })
  port.record = to
  port.up = false
  port.bridge?.fdb?.flush(port, true)
  port.ns.fib.invalidate()
  if (port.peer !== undefined) loseCarrier(port.peer)
}

/** neigh_carrier_down(): what is behind the device is forgotten. */
function loseCarrier(dev: NetDevice): void {
  const waiting = dev.neighbours.carrierDown()
  dev.ns.fib.invalidate()
  for (const skb of waiting) drop(skb, 'SKB_DROP_REASON_NEIGH_FAILED')
}

/** unregister_netdevice(): frames that are still on the cable find the device down. */
function unregister(kernel: NetKernel, dev: NetDevice): void {
  dev.up = false
  const { bridge, peer } = dev
  if (bridge !== undefined) {
    bridge.fdb?.flush(dev)
    bridge.ports.splice(bridge.ports.indexOf(dev), 1)
    // A bridge has a carrier as long as a port of it has.
    if (bridge.ports.length === 0) loseCarrier(bridge)
  }
  peer?.unplug()
  dev.ns.fib.invalidate()
  dev.ns.devices.delete(dev.name)
  kernel.devices.delete(dev.record.id)
}
