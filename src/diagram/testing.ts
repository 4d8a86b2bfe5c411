import { ipv4, macOf } from '../net/address.ts'
import { addressId, chainId, deviceId, netnsId, type RecordId, ruleId } from '../world/ids.ts'
import type { HookName, TableName } from '../world/netfilter.ts'
import type { DeviceLink, DeviceRecord, NetnsRole, WorldRecord } from '../world/records.ts'
import { viewOf, type WorldView } from '../world/world.ts'
import type { Layout } from './figure.ts'
import { overlaps, segmentHits, within } from './geometry.ts'

// Worlds for the diagram's own tests: only what a drawing looks at.

const origin = { component: 'kernel' } as const

export class WorldSketch {
  readonly records = new Map<RecordId, WorldRecord>()
  #index = new Map<string, number>()

  netns(name: string, role: NetnsRole, more: { node?: string; containers?: readonly string[] } = {}): void {
    const id = netnsId(name)
    this.records.set(id, {
      kind: 'netns',
      id,
      name,
      role,
      ...(more.node !== undefined && { node: netnsId(more.node) }),
      ...(more.containers && { containers: more.containers.map((c) => ({ name: c })) }),
      origin,
    })
    this.device(name, 'lo', { kind: 'loopback' })
  }

  device(netns: string, name: string, link: DeviceLink, more: { master?: string; port?: number; address?: string } = {}): void {
    const ifindex = (this.#index.get(netns) ?? 0) + 1
    this.#index.set(netns, ifindex)
    const id = deviceId(netns, name)
    const master: DeviceRecord['master'] =
      more.master === undefined
        ? undefined
        : { bridge: deviceId(netns, more.master), port: more.port ?? 1, hairpin: false, learning: true, flood: true }
    this.records.set(id, {
      kind: 'device',
      id,
      netns: netnsId(netns),
      ifindex,
      name,
      mac: macOf(0x0a58, this.records.size),
      mtu: 1500,
      up: true,
      link,
      ...(master && { master }),
      origin,
    })
    if (more.address !== undefined) {
      const [ip = '', length = '32'] = more.address.split('/')
      const aid = addressId(netns, name, more.address)
      const octets = ip.split('.').map(Number)
      this.records.set(aid, {
        kind: 'address',
        id: aid,
        netns: netnsId(netns),
        device: id,
        address: ipv4(octets.reduce((n, o) => n * 256 + o, 0)),
        prefixLength: Number(length),
        scope: 'global',
        origin,
      })
    }
  }

  chain(netns: string, table: TableName, hook: HookName): void {
    const id = chainId(netns, table, hook)
    this.records.set(id, {
      kind: 'chain',
      id,
      netns: netnsId(netns),
      table,
      name: hook,
      hook,
      policy: 'ACCEPT',
      counters: { packets: 0, bytes: 0 },
      rules: [ruleId(netns, table, hook, 1)],
      origin,
    })
  }

  view(): WorldView {
    return viewOf(this.records)
  }
}

export interface ClusterShape {
  /** Pods of each node. */
  readonly pods: readonly number[]
  readonly egress?: boolean
  readonly router?: boolean
  readonly containers?: number
  readonly longNames?: boolean
}

const HOOKS_OF: readonly (readonly [TableName, readonly HookName[]])[] = [
  ['nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']],
  ['filter', ['INPUT', 'FORWARD', 'OUTPUT']],
]

/** Nodes of a plain bridge network on one switch, optionally a router, a gateway and a host on the Internet. */
export function clusterSketch(shape: ClusterShape): WorldSketch {
  const w = new WorldSketch()
  const switchPorts: [netns: string, port: string][] = []
  for (const [i, count] of shape.pods.entries()) {
    const node = shape.longNames ? `ip-192-168-1-${11 + i}.eu-central-1.compute.internal` : `node${i + 1}`
    w.netns(node, 'node')
    w.device(
      node,
      'eth0',
      { kind: 'physical', peer: deviceId('fabric', `port${i + 1}`), latency: 50_000 },
      { address: `192.168.1.${11 + i}/24` },
    )
    w.device(node, 'cbr0', { kind: 'bridge', ageing: 300e9 }, { address: `10.244.${i + 1}.1/24` })
    switchPorts.push([node, `port${i + 1}`])
    for (const [table, hooks] of HOOKS_OF) for (const hook of hooks) w.chain(node, table, hook)
    for (let p = 0; p < count; p++) {
      const name = shape.longNames ? `pod/shop/checkout-service-7f8d9c6b5-${i}x${p}` : `pod/web-${i + 1}-${p + 1}`
      const containers = ['pause', ...Array.from({ length: shape.containers ?? 1 }, (_, c) => (c === 0 ? 'app' : `side${c}`))]
      w.netns(name, 'pod', { node, containers })
      const veth = `veth${((i + 1) * 0x1000193 + p * 0x9e3779b).toString(16).padStart(8, '0').slice(-8)}`
      w.device(name, 'eth0', { kind: 'veth', peer: deviceId(node, veth) }, { address: `10.244.${i + 1}.${p + 2}/24` })
      w.device(node, veth, { kind: 'veth', peer: deviceId(name, 'eth0') }, { master: 'cbr0', port: p + 1 })
    }
  }
  const extra: string[] = []
  if (shape.router) extra.push('router')
  if (shape.egress) extra.push('gateway')
  w.netns('fabric', 'switch')
  w.device('fabric', 'br0', { kind: 'bridge', ageing: 300e9 })
  for (const name of extra) switchPorts.push([name, `port${switchPorts.length + 1}`])
  for (const [i, [netns, port]] of switchPorts.entries()) {
    w.device('fabric', port, { kind: 'physical', peer: deviceId(netns, 'eth0'), latency: 50_000 }, { master: 'br0', port: i + 1 })
  }
  if (shape.router) {
    w.netns('router', 'router')
    w.device(
      'router',
      'eth0',
      {
        kind: 'physical',
        peer: deviceId('fabric', `port${switchPorts.findIndex(([n]) => n === 'router') + 1}`),
        latency: 50_000,
      },
      { address: '192.168.1.1/24' },
    )
  }
  if (shape.egress) {
    w.netns('gateway', 'gateway')
    const port = `port${switchPorts.findIndex(([n]) => n === 'gateway') + 1}`
    w.device(
      'gateway',
      'eth0',
      { kind: 'physical', peer: deviceId('fabric', port), latency: 50_000 },
      { address: '192.168.1.254/24' },
    )
    w.device(
      'gateway',
      'eth1',
      { kind: 'physical', peer: deviceId('internet', 'eth0'), latency: 5_000_000 },
      { address: '203.0.113.1/24' },
    )
    w.chain('gateway', 'nat', 'PREROUTING')
    w.chain('gateway', 'nat', 'POSTROUTING')
    w.netns('internet', 'internet')
    w.device(
      'internet',
      'eth0',
      { kind: 'physical', peer: deviceId('gateway', 'eth1'), latency: 5_000_000 },
      { address: '198.51.100.10/24' },
    )
  }
  return w
}

/** Everything that a reader would call ugly, as text. */
export function faults(l: Layout): string[] {
  const out: string[] = []
  for (const [i, a] of l.labels.entries()) {
    const box = l.box.get(a.box)
    if (box === undefined) out.push(`label ${a.full} is in no box`)
    else if (!within(a.rect, box.rect, 0.01)) out.push(`label ${a.full} sticks out of ${box.id}`)
    for (const b of l.labels.slice(i + 1)) if (overlaps(a.rect, b.rect, 0.01)) out.push(`labels ${a.full} and ${b.full} overlap`)
    for (const r of l.roads) {
      for (let k = 1; k < r.points.length; k++) {
        const p = r.points[k - 1]
        const q = r.points[k]
        if (p && q && segmentHits(p, q, a.rect)) out.push(`road ${r.from} - ${r.to} crosses label ${a.full} of ${a.box}`)
      }
    }
  }
  for (const b of l.boxes) {
    const parent = b.parent === undefined ? undefined : l.box.get(b.parent)
    if (b.parent !== undefined && parent === undefined) out.push(`${b.id} is in no box`)
    if (parent && !within(b.rect, parent.rect, 0.01)) out.push(`${b.id} sticks out of ${parent.id}`)
    if (!within(b.rect, l.bounds, 0.01)) out.push(`${b.id} sticks out of the drawing`)
  }
  for (const [i, a] of l.boxes.entries()) {
    for (const b of l.boxes.slice(i + 1))
      if (a.parent === b.parent && overlaps(a.rect, b.rect, 0.01)) out.push(`boxes ${a.id} and ${b.id} overlap`)
  }
  const bars = new Map(l.roads.filter((r) => r.from === r.to).map((r) => [r.from, r.points]))
  for (const r of l.roads) {
    // What ends on a bar ends on the bar's own road.
    const ends = [r.points[0], r.points[r.points.length - 1]] as const
    for (const [i, id] of [r.from, r.to].entries()) {
      const [p, a, b] = [ends[i], bars.get(id)?.[0], bars.get(id)?.[1]]
      if (l.box.get(id)?.of.kind !== 'bridge' || p === undefined || a === undefined || b === undefined) continue
      if (Math.abs(p.y - a.y) > 0.01 || p.x < a.x - 0.01 || p.x > b.x + 0.01) out.push(`road ${r.from} - ${r.to} ends in the air`)
    }
    for (let k = 1; k < r.points.length; k++) {
      const p = r.points[k - 1]
      const q = r.points[k]
      if (p && q && Math.abs(p.x - q.x) > 0.01 && Math.abs(p.y - q.y) > 0.01) out.push(`road ${r.from} - ${r.to} runs askew`)
    }
  }
  return out
}
