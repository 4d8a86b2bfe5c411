import { formatIpv4 } from '../net/address.ts'
import type { AddressRecord, DeviceRecord, NetnsRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'

// What is connected to what, read from the records alone: nothing here knows how it will be drawn.

export interface DeviceNode {
  readonly record: DeviceRecord
  /** As `ip addr` prints them: `10.244.1.1/24`. */
  readonly addresses: readonly string[]
}

export interface ContainerNode {
  readonly name: string
  /** Ports that its processes listen on, `:8080` or `:53/udp`. */
  readonly listens: readonly string[]
}

export interface PodNode {
  readonly netns: NetnsRecord
  /** `client`, or `kube-system/coredns-a` outside the default namespace. */
  readonly name: string
  readonly address: string | undefined
  /** Without the pause container. */
  readonly containers: readonly ContainerNode[]
  readonly devices: readonly DeviceNode[]
  /** The pod's end and the node's end of the veth pair that connects them. */
  readonly uplink: { readonly inside: DeviceNode; readonly outside: DeviceNode } | undefined
}

/** A bridge, the pods behind its veth ports, and its other ports. */
export interface BridgeNode {
  readonly device: DeviceNode
  readonly pods: readonly PodNode[]
  readonly ports: readonly DeviceNode[]
}

export interface Machine {
  readonly netns: NetnsRecord
  readonly name: string
  /** Primary address of the first NIC that has one, without the prefix length. */
  readonly address: string | undefined
  readonly bridges: readonly BridgeNode[]
  /** Pods whose veth is no bridge port: routed pods, and pods without a veth. */
  readonly routed: readonly PodNode[]
  /** Every other device of the machine in order of ifindex: NICs, loopback, tunnels, lone veths. */
  readonly devices: readonly DeviceNode[]
  readonly containers: readonly ContainerNode[]
  /** Tables whose base chain at a hook can do anything: it has rules, or a policy other than ACCEPT. */
  readonly tables: ReadonlyMap<string, readonly string[]>
}

/** A cable, or a veth pair between two machines. */
export interface Link {
  readonly id: string
  readonly a: DeviceRecord
  readonly b: DeviceRecord
}

export interface Topology {
  readonly machines: readonly Machine[]
  readonly links: readonly Link[]
}

const TABLE_ORDER: readonly string[] = ['raw', 'mangle', 'nat', 'filter', 'security']

/** The part of a namespace's name that people call it by. */
export const shortName = (netns: NetnsRecord): string => (netns.name.startsWith('pod/') ? netns.name.slice(4) : netns.name)

const peerOf = (d: DeviceRecord): string | undefined =>
  d.link.kind === 'veth' ? d.link.peer : d.link.kind === 'physical' ? d.link.peer : undefined

function containersOf(view: WorldView, netns: NetnsRecord): ContainerNode[] {
  const listens = new Map<string, string[]>()
  for (const s of view.list('socket', netns.id)) {
    if (s.encap !== undefined) continue
    if (s.state !== 'LISTEN' && !(s.protocol === 'udp' && s.remote === undefined && s.local.port !== 0)) continue
    const process = s.process === undefined ? undefined : view.get('process', s.process)
    const name = process?.container ?? ''
    const port = `:${s.local.port}`
    const l = listens.get(name) ?? []
    listens.set(name, l)
    // A DNS server listens on both protocols: its port stands there once.
    const at = l.findIndex((text) => text === port || text === `${port}/udp`)
    if (at < 0) l.push(s.protocol === 'udp' ? `${port}/udp` : port)
    else if (s.protocol === 'tcp') l[at] = port
  }
  const declared = netns.containers ?? []
  const names = declared.length > 1 ? declared.filter((c, i) => !(i === 0 && c.name === 'pause')) : declared
  const nodes = names.map((c) => ({ name: c.name, listens: listens.get(c.name) ?? [] }))
  const unnamed = listens.get('')
  if (unnamed !== undefined || nodes.length === 0) nodes.unshift({ name: '', listens: unnamed ?? [] })
  return nodes
}

class Reader {
  readonly #view: WorldView
  readonly #devices = new Map<string, DeviceNode>()
  readonly #byNetns = new Map<string, DeviceNode[]>()

  constructor(view: WorldView) {
    this.#view = view
    const addresses = new Map<string, AddressRecord[]>()
    for (const a of view.list('address')) {
      const l = addresses.get(a.device)
      if (l) l.push(a)
      else addresses.set(a.device, [a])
    }
    for (const record of view.list('device')) {
      const own = addresses.get(record.id) ?? []
      const node = { record, addresses: own.map((a) => `${formatIpv4(a.address)}/${a.prefixLength}`) }
      this.#devices.set(record.id, node)
      const l = this.#byNetns.get(record.netns)
      if (l) l.push(node)
      else this.#byNetns.set(record.netns, [node])
    }
    for (const l of this.#byNetns.values()) l.sort((a, b) => a.record.ifindex - b.record.ifindex)
  }

  devices(netns: string): readonly DeviceNode[] {
    return this.#byNetns.get(netns) ?? []
  }

  pod(netns: NetnsRecord, host: string): PodNode {
    const devices = this.devices(netns.id)
    let uplink: PodNode['uplink']
    for (const inside of devices) {
      const outside = this.#devices.get(peerOf(inside.record) ?? '')
      if (outside !== undefined && outside.record.netns === host) {
        uplink = { inside, outside }
        break
      }
    }
    return {
      netns,
      name: shortName(netns),
      address: firstAddress(devices),
      containers: containersOf(this.#view, netns),
      devices,
      uplink,
    }
  }

  machine(netns: NetnsRecord, pods: readonly PodNode[]): Machine {
    const all = this.devices(netns.id)
    const behindVeth = new Set(pods.flatMap((p) => (p.uplink ? [p.uplink.outside.record.id] : [])))
    const isLinked = (d: DeviceRecord) => d.link.kind === 'physical' && d.link.peer !== undefined
    const bridgeIds = new Set(all.filter((d) => d.record.link.kind === 'bridge').map((d) => d.record.id))
    const portOf = (d: DeviceNode, bridge: DeviceRecord) => d.record.master?.bridge === bridge.id
    const bridges = all
      .filter((d) => bridgeIds.has(d.record.id))
      .map((device) => ({
        device,
        pods: pods.filter((p) => p.uplink !== undefined && portOf(p.uplink.outside, device.record)),
        ports: all.filter((d) => portOf(d, device.record) && !behindVeth.has(d.record.id)),
      }))
    const isPort = (d: DeviceNode) => d.record.master !== undefined && bridgeIds.has(d.record.master.bridge)
    return {
      netns,
      name: shortName(netns),
      address: firstAddress(all.filter((d) => isLinked(d.record))) ?? firstAddress(all),
      bridges,
      routed: pods.filter((p) => p.uplink === undefined || !isPort(p.uplink.outside)),
      devices: all.filter((d) => !bridgeIds.has(d.record.id) && !isPort(d) && !behindVeth.has(d.record.id)),
      containers: containersOf(this.#view, netns),
      tables: this.#tables(netns.id),
    }
  }

  #tables(netns: string): Map<string, string[]> {
    const tables = new Map<string, string[]>()
    for (const c of this.#view.list('chain', netns)) {
      if (c.hook === undefined || (c.rules.length === 0 && c.policy !== 'DROP')) continue
      const l = tables.get(c.hook)
      if (l === undefined) tables.set(c.hook, [c.table])
      else if (!l.includes(c.table)) l.push(c.table)
    }
    for (const l of tables.values()) l.sort((a, b) => TABLE_ORDER.indexOf(a) - TABLE_ORDER.indexOf(b))
    for (const c of this.#view.list('nft-chain', netns)) {
      const hook = c.base?.hook.toUpperCase() ?? ''
      if (c.rules.length > 0 && tables.get(hook)?.includes(c.table) !== true)
        tables.set(hook, [...(tables.get(hook) ?? []), c.table])
    }
    return tables
  }

  links(inside: ReadonlySet<string>): Link[] {
    const links: Link[] = []
    for (const { record: a } of this.#devices.values()) {
      const b = this.#devices.get(peerOf(a) ?? '')?.record
      if (b === undefined || a.id >= b.id || a.netns === b.netns) continue
      if (inside.has(a.id) || inside.has(b.id)) continue
      links.push({ id: `link:${a.id}|${b.id}`, a, b })
    }
    return links
  }
}

function firstAddress(devices: readonly DeviceNode[]): string | undefined {
  for (const d of devices) {
    if (d.record.link.kind === 'loopback') continue
    const a = d.addresses[0]
    if (a !== undefined) return a.slice(0, a.indexOf('/'))
  }
  return undefined
}

/**
 * Machines, the pods inside them, and the links between machines, in the order of the records. A pod whose node is not in
 * the world is a machine of its own, so that nothing is left out.
 */
export function topologyOf(view: WorldView): Topology {
  const reader = new Reader(view)
  const netnses = view.list('netns')
  const known = new Set<string>(netnses.map((n) => n.id))
  const podsOf = new Map<string, PodNode[]>()
  for (const n of netnses) {
    if (n.node === undefined || !known.has(n.node)) continue
    const pod = reader.pod(n, n.node)
    const l = podsOf.get(n.node)
    if (l) l.push(pod)
    else podsOf.set(n.node, [pod])
  }
  const machines = netnses
    .filter((n) => n.node === undefined || !known.has(n.node))
    .map((n) => reader.machine(n, podsOf.get(n.id) ?? []))
  const inside = new Set<string>()
  for (const pods of podsOf.values()) for (const p of pods) if (p.uplink) inside.add(p.uplink.inside.record.id)
  return { machines, links: reader.links(inside) }
}
