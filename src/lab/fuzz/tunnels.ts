import { formatMac } from '../../net/address.ts'
import type { FuzzTunnel } from './case.ts'
import type { Draw } from './draw.ts'
import type { Draft, Host } from './topology.ts'
import { tunnelMac } from './world.ts'

/** A node of the tunnel's: the address that the others reach it at, and the device that has it. */
interface Vtep {
  readonly host: Host
  /** From 1, as the node is called. */
  readonly number: number
  readonly address: string
  readonly device: string
  readonly mtu: number
}

const VXLAN_OVERHEAD = 50

/**
 * VXLAN between the nodes, in a quarter of the cases that have more than one: as flannel sets it up, each pod range behind a
 * permanent neighbour and forwarding entry; or a plain segment that floods to the other nodes and learns. Now and then with an
 * entry that is missing or wrong, another VNI at one end, or no room for the outer headers.
 */
export function drawTunnels(draw: Draw, draft: Draft): void {
  const vteps = draft.hosts.flatMap((host, i) => vtepOf(draft, host, i + 1))
  if (vteps.length < 2 || !draw.chance(25)) return
  const overlay = draw.chance(50)
  const port = draw.weighted([
    [3, 8472],
    [2, 4789],
  ])
  const vni = draw.pick([1, 42, 0xffffff])
  const bound = draw.chance(60)
  const room = draw.weighted([
    [6, VXLAN_OVERHEAD],
    [1, VXLAN_OVERHEAD + 80],
    [1, 0],
  ])
  for (const v of vteps) {
    const others = vteps.filter((o) => o !== v)
    const words = [
      `id ${draw.chance(4) ? vni - 1 : vni}`,
      `local ${v.address}`,
      // Of a node between two cables one device reaches only one side.
      bound && draft.hosts.every((h) => cablesOf(draft, h) < 2 || h.role === 'switch') ? `dev ${v.device}` : '',
      `dstport ${port}`,
      overlay ? 'nolearning' : '',
    ].filter((w) => w !== '')
    const mtu = v.mtu - (words.some((w) => w.startsWith('dev ')) ? Math.max(room, VXLAN_OVERHEAD) : room)
    v.host.tunnels = [{ ...(overlay ? flannel(draw, v, others) : segment(draw, v, others)), words: words.join(' '), mtu }]
  }
}

const cablesOf = (draft: Draft, host: Host): number =>
  draft.cables.filter((c) => [c.a, c.b].some((e) => e.host === host.name && e.device.startsWith('eth'))).length

/** Nodes that have an address on a cable to another node. */
function vtepOf(draft: Draft, host: Host, number: number): Vtep[] {
  if (host.role !== 'node') return []
  const own = host.addresses.find((a) => a.device === 'eth0')
  const cable = draft.cables.find((c) => [c.a, c.b].some((e) => e.host === host.name && e.device === 'eth0'))
  if (own === undefined || cable === undefined) return []
  return [{ host, number, address: own.cidr.slice(0, own.cidr.indexOf('/')), device: 'eth0', mtu: cable.mtu }]
}

type Entries = Pick<FuzzTunnel, 'device' | 'fdb' | 'neighbours'>

/** A remote end that is right, or now and then one that nobody has. */
const remote = (draw: Draw, v: Vtep): string => (draw.chance(4) ? '192.168.1.77' : v.address)

/** The route to each other node's range goes through the tunnel, to that node's address on it. */
function flannel(draw: Draw, v: Vtep, others: readonly Vtep[]): Entries {
  const device = 'vxlan1'
  v.host.addresses.push({ device, cidr: `10.244.${v.number}.0/32` })
  for (const o of others) {
    const range = `10.244.${o.number}.0/24`
    v.host.routes = [
      ...v.host.routes.filter((r) => !r.startsWith(`${range} `)),
      `${range} via 10.244.${o.number}.0 dev ${device} onlink`,
    ]
  }
  const mac = (o: Vtep) => formatMac(tunnelMac(o.host.name, device))
  return {
    device,
    fdb: others.flatMap((o) => (draw.chance(5) ? [] : [`${mac(o)} dst ${remote(draw, o)}`])),
    neighbours: others.map((o) => `10.244.${o.number}.0 lladdr ${mac(o)}`),
  }
}

function segment(draw: Draw, v: Vtep, others: readonly Vtep[]): Entries {
  const device = 'vx0'
  v.host.addresses.push({ device, cidr: `10.98.0.${v.number}/24` })
  return {
    device,
    fdb: others.flatMap((o) => (draw.chance(5) ? [] : [`00:00:00:00:00:00 dst ${remote(draw, o)}`])),
    neighbours: [],
  }
}
