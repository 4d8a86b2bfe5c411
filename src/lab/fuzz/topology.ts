import type { FuzzCable, FuzzHost } from './case.ts'
import type { Draw } from './draw.ts'

/** A network under construction: hosts may still be added to. */
export interface Draft {
  readonly hosts: Host[]
  readonly cables: FuzzCable[]
}
export type Host = { -readonly [K in keyof FuzzHost]: FuzzHost[K] extends readonly (infer T)[] ? T[] : FuzzHost[K] } & {
  sysctls: Record<string, string>
}

const MTUS = [
  [6, 1500],
  [2, 1400],
  [1, 1280],
  [1, 576],
] as const

function host(draft: Draft, name: string, role: FuzzHost['role']): Host {
  const made: Host = {
    name,
    role,
    bridges: [],
    addresses: [],
    routes: [],
    rules: [],
    sysctls: {},
    tables: [],
    sets: [],
    servers: [],
  }
  draft.hosts.push(made)
  return made
}

/**
 * One to three nodes with one to four pods: pods on a bridge or behind routed veths, nodes on one cable, one switch, or in a
 * row of routed links of different MTU.
 */
export function drawTopology(draw: Draw): Draft {
  const draft: Draft = { hosts: [], cables: [] }
  const nodes = Array.from(
    {
      length: draw.weighted([
        [3, 1],
        [5, 2],
        [3, 3],
      ]),
    },
    (_, i) => host(draft, `node${i + 1}`, 'node'),
  )
  for (const [i, node] of nodes.entries()) if (draw.chance(75)) addBridge(draw, node, i + 1)
  const pods = draw.between(nodes.length === 1 ? 2 : 1, 4)
  for (let i = 0; i < pods; i++) addPod(draw, draft, nodes[i % nodes.length] as Host, i)
  if (nodes.length > 1) connect(draw, draft, nodes)
  for (const h of draft.hosts) {
    if (h.role === 'switch') continue
    if (draw.chance(80)) h.servers.push('httpd -p 80')
    if (draw.chance(15)) h.servers.push('httpd -p 8080')
    if (draw.chance(50)) h.servers.push('udp-echo -p 7')
  }
  return draft
}

function addBridge(draw: Draw, node: Host, n: number): void {
  node.bridges.push('cbr0')
  node.addresses.push({ device: 'cbr0', cidr: `10.244.${n}.1/24` })
  if (draw.chance(10)) node.addresses.push({ device: 'cbr0', cidr: `10.99.${n}.1/24` })
}

function addPod(draw: Draw, draft: Draft, node: Host, i: number): void {
  const n = node.name.slice(-1)
  const pod = host(draft, `pod/${'abcd'[i] ?? 'x'}`, 'pod')
  const port = `veth${'abcd'[i] ?? 'x'}`
  const address = `10.244.${n}.${10 + i}`
  const a = { host: pod.name, device: 'eth0' }
  if (node.bridges.length > 0) {
    const mtu = draw.weighted([
      [8, 1500],
      [1, 1400],
    ])
    draft.cables.push({ a, b: { host: node.name, device: port, master: 'cbr0', hairpin: draw.chance(30) }, mtu })
    pod.addresses.push({ device: 'eth0', cidr: `${address}/24` })
    pod.routes.push(`default via 10.244.${n}.1 dev eth0`)
    return
  }
  // Calico's way: a /32, a gateway that only proxy_arp answers for, and a host route on the node.
  draft.cables.push({ a, b: { host: node.name, device: port }, mtu: draw.weighted(MTUS) })
  pod.addresses.push({ device: 'eth0', cidr: `${address}/32` })
  pod.routes.push('169.254.1.1 dev eth0 scope link', 'default via 169.254.1.1 dev eth0')
  node.routes.push(`${address} dev ${port} scope link`)
  node.sysctls[`net.ipv4.conf.${port}.proxy_arp`] = '1'
  if (draw.chance(60)) node.addresses.push({ device: port, cidr: `169.254.1.${draw.chance(50) ? 1 : 10 + i}/32` })
}

function connect(draw: Draw, draft: Draft, nodes: readonly Host[]): void {
  if (nodes.length === 3 && draw.chance(50)) connectInRow(draw, draft, nodes)
  else connectFlat(draw, draft, nodes)
}

/** All on 192.168.1.0/24: one cable for two of them, or a switch. */
function connectFlat(draw: Draw, draft: Draft, nodes: readonly Host[]): void {
  const [first, second] = nodes
  if (nodes.length === 2 && first !== undefined && second !== undefined && draw.chance(60)) {
    draft.cables.push({
      a: { host: first.name, device: 'eth0' },
      b: { host: second.name, device: 'eth0' },
      mtu: draw.weighted(MTUS),
    })
  } else {
    const fabric = host(draft, 'fabric', 'switch')
    fabric.bridges.push('br0')
    for (const [i, node] of nodes.entries()) {
      draft.cables.push({
        a: { host: node.name, device: 'eth0' },
        b: { host: fabric.name, device: `p${i + 1}`, master: 'br0' },
        mtu: 1500,
      })
    }
  }
  for (const [i, node] of nodes.entries()) {
    node.addresses.push({ device: 'eth0', cidr: `192.168.1.${i + 1}/24` })
    for (const [j, other] of nodes.entries()) {
      if (other !== node) node.routes.push(`10.244.${j + 1}.0/24 via 192.168.1.${j + 1} dev eth0`)
    }
    if (draw.chance(30)) node.routes.push(`default via 192.168.1.${((i + 1) % nodes.length) + 1} dev eth0`)
  }
}

/** node1 — node2 — node3, the middle one a router. */
function connectInRow(draw: Draw, draft: Draft, nodes: readonly Host[]): void {
  const [a, b, c] = nodes
  if (a === undefined || b === undefined || c === undefined) return
  draft.cables.push(
    { a: { host: a.name, device: 'eth0' }, b: { host: b.name, device: 'eth0' }, mtu: draw.weighted(MTUS) },
    { a: { host: b.name, device: 'eth1' }, b: { host: c.name, device: 'eth0' }, mtu: draw.weighted(MTUS) },
  )
  a.addresses.push({ device: 'eth0', cidr: '192.168.1.1/24' })
  b.addresses.push({ device: 'eth0', cidr: '192.168.1.2/24' }, { device: 'eth1', cidr: '192.168.2.2/24' })
  c.addresses.push({ device: 'eth0', cidr: '192.168.2.3/24' })
  a.routes.push('default via 192.168.1.2 dev eth0')
  c.routes.push('default via 192.168.2.2 dev eth0')
  b.routes.push('10.244.1.0/24 via 192.168.1.1 dev eth0', '10.244.3.0/24 via 192.168.2.3 dev eth1')
}
