import type { Prng } from '../base/prng.ts'
import { formatMac, IPV4_ANY } from '../net/address.ts'
import type { TraceRecorder } from '../trace/recorder.ts'
import { fdbId, type NetnsId, netnsId, type RecordId, tunnelSocketId } from '../world/ids.ts'
import { OverlayWorld, recordsOf } from '../world/overlay.ts'
import type { DeviceRecord, RecordKind, RecordOf, WorldRecord } from '../world/records.ts'
import type { World } from '../world/world.ts'
import { Fdb } from './bridge/fdb.ts'
import { NetDevice } from './device.ts'
import { VxlanDevice, vxlanRcv } from './devices/vxlan.ts'
import { createFib } from './fib/fib.ts'
import { Ipvs } from './ipvs/index.ts'
import { type Clockwork, NetKernel } from './kernel.ts'
import { NetworkNamespace, type Rooms } from './namespace.ts'
import { NeighbourTable } from './neighbour/table.ts'
import { createNetfilter } from './netfilter/netfilter.ts'
import { path } from './path/index.ts'
import type { SkBuff } from './skb.ts'
import { createSockets } from './sockets/sockets.ts'

/** A namespace's records, by kind, in the world's order. */
class Shelf {
  readonly #kinds = new Map<RecordKind, WorldRecord[]>()

  put(r: WorldRecord): void {
    const list = this.#kinds.get(r.kind)
    if (list) list.push(r)
    else this.#kinds.set(r.kind, [r])
  }

  list<K extends RecordKind>(kind: K): readonly RecordOf<K>[] {
    return (this.#kinds.get(kind) ?? []) as unknown as readonly RecordOf<K>[]
  }
}

/**
 * What the kernel adds by itself when devices come up, as records: a bridge's own addresses and its ports' in the FDB
 * (br_fdb_add_local), and the socket that a VXLAN device listens on (vxlan_sock_add). The result is the world that a run starts from.
 */
export function withKernelRecords(world: World): Map<RecordId, WorldRecord> {
  const out = new OverlayWorld(world)
  for (const r of recordsOf(out, 'device')) {
    if (r.link.kind === 'vxlan' && r.up) addTunnelSocket(out, r.netns, r.link.port)
    if (r.link.kind === 'bridge') addLocal(out, r, r)
    else if (r.master !== undefined) {
      const bridge = world.get(r.master.bridge)
      if (bridge?.kind === 'device') addLocal(out, bridge, r)
    }
  }
  return out
}

function addTunnelSocket(world: Map<RecordId, WorldRecord>, netns: NetnsId, port: number): void {
  for (const r of recordsOf(world, 'socket')) {
    // One that `ss` has listed.
    if (r.netns !== netns || r.protocol !== 'udp' || r.local.port !== port || r.process !== undefined) continue
    world.set(r.id, { ...r, encap: 'vxlan' })
    return
  }
  const id = tunnelSocketId(netns.slice('netns:'.length), port)
  world.set(id, {
    kind: 'socket',
    id,
    netns,
    protocol: 'udp',
    local: { address: IPV4_ANY, port },
    state: 'UNCONN',
    receiveQueue: 0,
    sendQueue: 0,
    encap: 'vxlan',
    origin: { component: 'kernel' },
  })
}

function addLocal(world: Map<RecordId, WorldRecord>, bridge: DeviceRecord, port: DeviceRecord): void {
  const netns = bridge.netns.slice('netns:'.length)
  const id = fdbId(netns, bridge.name, formatMac(port.mac), port.name)
  if (world.has(id)) return
  world.set(id, {
    kind: 'fdb',
    id,
    netns: bridge.netns,
    bridge: bridge.id,
    mac: port.mac,
    port: port.id,
    local: true,
    static: true,
    origin: { component: 'kernel' },
  })
}

/**
 * Brings a world's records to life, namespace by namespace, when one is first asked for. The recorder must have been made from
 * the same world.
 */
export function boot(rec: TraceRecorder, rng: Prng, clock: Clockwork): NetKernel {
  const kernel = new NetKernel(rec, rng, clock)
  const shelves = shelvesOf(rec.initial)
  const done = new Set<string>()
  kernel.namespaces.make = (name) => {
    const id = netnsId(name)
    const shelf = shelves.get(id)
    if (shelf === undefined || done.has(name)) return
    done.add(name)
    bringUpShelves(kernel, new Map([[id, shelf]]))
    const ns = kernel.namespaces.get(name)
    if (ns !== undefined) kernel.onUp?.(ns)
  }
  kernel.devices.make = (id) => void kernel.namespaces.get(id.slice('dev:'.length, id.lastIndexOf('/')))
  // What ages has to know when the run began.
  for (const shelf of shelves.values()) {
    if (shelf.list('neighbour').length === 0 && shelf.list('fdb').every((f) => f.local)) continue
    for (const record of shelf.list('netns')) kernel.namespaces.get(record.name)
  }
  return kernel
}

/**
 * Namespaces and devices that come to be, with everything of the namespaces. A device may be of a namespace that is there
 * already: a veth's other end, a port of its bridge.
 */
export function bringUp(kernel: NetKernel, records: Iterable<WorldRecord>): void {
  bringUpShelves(kernel, shelve(records))
}

/** Records by namespace. */
type Shelves = ReadonlyMap<NetnsId, Shelf>

const known = new WeakMap<World, Shelves>()

/** The same world starts many runs. */
export function shelvesOf(world: World): Shelves {
  let shelves = known.get(world)
  if (shelves === undefined) {
    shelves = shelve(world.values())
    known.set(world, shelves)
  }
  return shelves
}

function shelve(records: Iterable<WorldRecord>): Shelves {
  const shelves = new Map<NetnsId, Shelf>()
  const shelfOf = (id: NetnsId): Shelf => {
    let shelf = shelves.get(id)
    if (shelf === undefined) {
      shelf = new Shelf()
      shelves.set(id, shelf)
    }
    return shelf
  }
  // Neighbours are mostly of one namespace.
  let id: NetnsId | undefined
  let shelf: Shelf | undefined
  for (const r of records) {
    const own = r.kind === 'netns' ? r.id : 'netns' in r ? r.netns : undefined
    if (own === undefined) continue
    if (shelf === undefined || own !== id) {
      id = own
      shelf = shelfOf(own)
    }
    shelf.put(r)
  }
  return shelves
}

function bringUpShelves(kernel: NetKernel, shelves: Shelves): void {
  const own: NetworkNamespace[] = []
  for (const shelf of shelves.values()) {
    for (const record of shelf.list('netns')) {
      const sysctls = new Map(shelf.list('sysctl').map((r) => [r.key, r]))
      const ns = new NetworkNamespace(kernel, record, sysctls, roomsOf(shelf))
      kernel.namespaces.set(record.name, ns)
      own.push(ns)
    }
  }
  const made: NetDevice[] = []
  for (const [id, shelf] of shelves) {
    const ns = kernel.namespaces.get(id.slice('netns:'.length))
    if (ns !== undefined) made.push(...makeDevices(kernel, ns, shelf))
  }
  connect(kernel, made)
  for (const ns of own) wire(ns, shelves.get(ns.record.id) as Shelf)
}

function makeDevices(kernel: NetKernel, ns: NetworkNamespace, shelf: Shelf): NetDevice[] {
  const made: NetDevice[] = []
  for (const record of shelf.list('device')) {
    const dev = new NetDevice(ns, record, (d) => new NeighbourTable(d))
    ns.devices.set(record.name, dev)
    kernel.devices.set(record.id, dev)
    made.push(dev)
    if (record.link.kind === 'loopback') ns.loopback = dev
    if (record.link.kind === 'bridge') dev.fdb = new Fdb(dev, record.link.ageing)
    if (record.link.kind === 'vxlan') dev.vxlan = new VxlanDevice(dev, record.link)
  }
  for (const a of shelf.list('address')) kernel.devices.get(a.device)?.addresses.push(a)
  for (const n of shelf.list('neighbour')) kernel.devices.get(n.device)?.neighbours.load(n)
  return made
}

/** Bridge ports, once the devices of their namespace exist. They stand in order of their numbers. */
function connect(kernel: NetKernel, made: readonly NetDevice[]): void {
  const bridges = new Set<NetDevice>()
  for (const dev of made) {
    const { master } = dev.record
    if (master !== undefined) {
      dev.bridge = kernel.devices.get(master.bridge)
      dev.bridge?.ports.push(dev)
      if (dev.bridge !== undefined) bridges.add(dev.bridge)
    }
  }
  for (const bridge of bridges) bridge.ports.sort((a, b) => (a.record.master?.port ?? 0) - (b.record.master?.port ?? 0))
}

const roomsOf = (shelf: Shelf): Rooms => ({
  fib: (ns) => createFib(ns, { routes: shelf.list('route'), rules: shelf.list('policy-rule'), addresses: shelf.list('address') }),
  netfilter: (ns) =>
    createNetfilter(ns, path, {
      chains: shelf.list('chain'),
      rules: shelf.list('rule'),
      ipsets: shelf.list('ipset'),
      nftables: {
        tables: shelf.list('nft-table'),
        chains: shelf.list('nft-chain'),
        rules: shelf.list('nft-rule'),
        sets: shelf.list('nft-set'),
      },
    }),
  ipvs: (ns, netfilter) =>
    new Ipvs(ns, netfilter, { services: shelf.list('ipvs-service'), destinations: shelf.list('ipvs-destination') }),
  sockets: (ns) => createSockets(ns, path),
})

/** What has to be there before the first packet comes. */
function wire(ns: NetworkNamespace, shelf: Shelf): void {
  for (const f of shelf.list('fdb')) {
    const bridge = ns.kernel.devices.get(f.bridge)
    const port = ns.kernel.devices.get(f.port)
    if (bridge?.fdb !== undefined && port !== undefined) bridge.fdb.load(f, port)
    else bridge?.vxlan?.fdb.load(f)
  }
  for (const port of tunnelPorts(ns)) ns.sockets.takeTunnel(port, (skb, socket) => vxlanRcv(skb as SkBuff, ns, port, socket))
}

function tunnelPorts(ns: NetworkNamespace): ReadonlySet<number> {
  return new Set([...ns.devices.values()].flatMap((d) => (d.up && d.vxlan !== undefined ? [d.vxlan.link.port] : [])))
}
