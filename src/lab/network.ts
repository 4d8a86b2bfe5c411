import { formatIpv4, formatMac, formatPrefix } from '../net/address.ts'
import { type DeviceRecord, type NetnsRecord, type RouteRecord, RT_TABLE } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { deviceParts, type LabNames } from './names.ts'

// A world's devices and what hangs on them, as lines for `ip -batch` and `bridge -batch`.

/** Batch lines of one namespace, each list run after that of every namespace before it. */
export interface NetnsBatch {
  /** Creation of devices. A pair is created where its first end stands in the world. */
  readonly links: readonly string[]
  /** Ports, then everything up. */
  readonly up: readonly string[]
  /** Addresses, routes, policy rules, neighbours. */
  readonly layer3: readonly string[]
  /** For `bridge -batch`. */
  readonly bridge: readonly string[]
}

/** Raised for what cannot be built: the script says it and goes on without. */
export type Skipped = (what: string) => void

export function netnsBatch(view: WorldView, ns: NetnsRecord, names: LabNames, skipped: Skipped): NetnsBatch {
  const devices = view.list('device', ns.id)
  return {
    links: devices.flatMap((d) => linkLines(view, d, names, skipped)),
    up: [
      ...tunnelLines(devices),
      ...portLines(devices),
      ...bridgeMtuLines(devices),
      ...devices.filter((d) => d.up).map((d) => `link set ${d.name} up`),
    ],
    layer3: [...addressLines(view, ns), ...routeLines(view, ns), ...ruleLines(view, ns), ...neighbourLines(view, ns)],
    bridge: fdbLines(view, ns),
  }
}

const named = (d: DeviceRecord): string => `${d.name} address ${formatMac(d.mac)}`
const head = (d: DeviceRecord): string => `${named(d)} mtu ${d.mtu}`

function linkLines(view: WorldView, d: DeviceRecord, names: LabNames, skipped: Skipped): string[] {
  const { link } = d
  switch (link.kind) {
    case 'loopback':
      return []
    case 'bridge':
      // ageing_time is in hundredths of a second; snooping would add reports and queries of its own.
      return [`link add ${named(d)} type bridge ageing_time ${Math.round(link.ageing / 1e7)} stp_state 0 mcast_snooping 0`]
    case 'dummy':
      return [`link add ${head(d)} type dummy`]
    case 'vxlan':
      // Once its lower device is there: tunnelLines().
      return []
    case 'unknown':
      skipped(`device ${d.name} of ${deviceParts(d.id).netns}: type ${link.type}`)
      return []
    case 'veth':
    case 'physical': {
      const peer = link.peer === undefined ? undefined : view.get('device', link.peer)
      // A cable with nothing at its other end: the peer stays down, and so the carrier is off.
      if (peer === undefined) return [`link add ${head(d)} type veth peer name ${`x-${d.name}`.slice(0, 15)}`]
      if (before(view, peer, d)) return []
      const there = names.of(deviceParts(peer.id).netns)
      return [`link add ${head(d)} type veth peer name ${head(peer)} netns ${there}`]
    }
  }
}

/**
 * A bridge takes the least MTU of its ports (br_mtu_auto_adjust()) by itself. One that it begins with would not reach
 * fake_rtable, which br_netfilter fragments by: only a change does (br_change_mtu()).
 */
function bridgeMtuLines(devices: readonly DeviceRecord[]): string[] {
  return devices.flatMap((d) => {
    if (d.link.kind !== 'bridge') return []
    const ports = devices.filter((p) => p.master?.bridge === d.id).map((p) => p.mtu)
    return d.mtu === (ports.length === 0 ? 1500 : Math.min(...ports)) ? [] : [`link set ${d.name} mtu ${d.mtu}`]
  })
}

function tunnelLines(devices: readonly DeviceRecord[]): string[] {
  return devices.flatMap((d) => {
    const { link } = d
    if (link.kind !== 'vxlan') return []
    const words = [
      `link add ${head(d)} type vxlan id ${link.vni}`,
      link.local === undefined ? '' : `local ${formatIpv4(link.local)}`,
      link.device === undefined ? '' : `dev ${deviceParts(link.device).device}`,
      `dstport ${link.port}`,
      link.learning ? 'learning' : 'nolearning',
      `ageing ${Math.round(link.ageing / 1e9)}`,
    ]
    return [words.filter((w) => w !== '').join(' ')]
  })
}

/** Which end of a pair comes first in the world's order. */
function before(view: WorldView, a: DeviceRecord, b: DeviceRecord): boolean {
  const all = view.list('device')
  return all.indexOf(a) < all.indexOf(b)
}

const onOff = (value: boolean): string => (value ? 'on' : 'off')

/** The kernel numbers ports in the order in which they join. */
export function portLines(devices: readonly DeviceRecord[]): string[] {
  const ports = devices.filter((d) => d.master !== undefined).toSorted((a, b) => (a.master?.port ?? 0) - (b.master?.port ?? 0))
  return ports.flatMap((d) => {
    const { master } = d
    if (master === undefined) return []
    const set = `link set ${d.name}`
    const slave = `${set} type bridge_slave hairpin ${onOff(master.hairpin)} learning ${onOff(master.learning)} flood ${onOff(master.flood)}`
    return [`${set} master ${deviceParts(master.bridge).device}`, slave]
  })
}

function addressLines(view: WorldView, ns: NetnsRecord): string[] {
  return view.list('address', ns.id).flatMap((a) => {
    const { device } = deviceParts(a.device)
    const cidr = formatPrefix({ address: a.address, length: a.prefixLength })
    // The kernel gives lo its address when lo comes up.
    if (device === 'lo' && cidr === '127.0.0.1/8') return []
    const broadcast = a.broadcast === undefined ? '' : ` brd ${formatIpv4(a.broadcast)}`
    const label = a.label === undefined || a.label === device ? '' : ` label ${a.label}`
    return [`addr add ${cidr}${broadcast} dev ${device} scope ${a.scope}${label}`]
  })
}

function routeLines(view: WorldView, ns: NetnsRecord): string[] {
  // `proto kernel` routes come with the addresses. What others are reached through comes before what goes through it.
  const own = view.list('route', ns.id).filter((r) => r.protocol !== 'kernel')
  return [...own.filter((r) => !hasGateway(r)), ...own.filter(hasGateway)].map((r) => `route add ${routeWords(r)}`)
}

/** What stands behind `route add` and `route del`. */
export function routeWords(r: RouteRecord): string {
  const type = r.type === 'unicast' ? '' : `${r.type} `
  const table = r.table === RT_TABLE.main ? '' : ` table ${r.table}`
  const rest = [
    ` proto ${r.protocol}`,
    r.type === 'unicast' || r.type === 'local' || r.type === 'broadcast' ? ` scope ${r.scope}` : '',
    r.metric === 0 ? '' : ` metric ${r.metric}`,
    r.tos === 0 ? '' : ` tos 0x${r.tos.toString(16)}`,
    r.prefSrc === undefined ? '' : ` src ${formatIpv4(r.prefSrc)}`,
    table,
  ].join('')
  return `${type}${formatPrefix({ address: r.dst, length: r.prefixLength })}${nexthops(r)}${rest}`
}

const hasGateway = (r: RouteRecord): boolean => r.nexthops.some((h) => h.via !== undefined)

function nexthops(r: RouteRecord): string {
  const one = (h: RouteRecord['nexthops'][number]): string =>
    `${h.via === undefined ? '' : ` via ${formatIpv4(h.via)}`}${h.device === undefined ? '' : ` dev ${deviceParts(h.device).device}`}`
  const [first] = r.nexthops
  if (first === undefined) return ''
  if (r.nexthops.length === 1) return `${one(first)}${first.onlink ? ' onlink' : ''}`
  return r.nexthops.map((h) => ` nexthop${one(h)} weight ${h.weight ?? 1}${h.onlink ? ' onlink' : ''}`).join('')
}

/** fib_default_rules_init() */
const DEFAULT_RULES: readonly (readonly [number, number])[] = [
  [0, RT_TABLE.local],
  [32766, RT_TABLE.main],
  [32767, RT_TABLE.default],
]

function ruleLines(view: WorldView, ns: NetnsRecord): string[] {
  const rules = view.list('policy-rule', ns.id)
  const isDefault = (r: (typeof rules)[number], [priority, table]: readonly [number, number]) =>
    r.priority === priority &&
    r.action.kind === 'lookup' &&
    r.action.table === table &&
    !r.from &&
    !r.to &&
    !r.iif &&
    !r.oif &&
    !r.fwmark
  const missing = DEFAULT_RULES.filter((d) => !rules.some((r) => isDefault(r, d)))
  const own = rules.filter((r) => !DEFAULT_RULES.some((d) => isDefault(r, d)))
  const added = own.map((r) => {
    const action = r.action.kind === 'lookup' ? `lookup ${r.action.table}` : r.action.kind
    const words = [
      'rule add',
      `pref ${r.priority}`,
      r.invert ? 'not' : '',
      r.from === undefined ? '' : `from ${formatPrefix(r.from)}`,
      r.to === undefined ? '' : `to ${formatPrefix(r.to)}`,
      r.iif === undefined ? '' : `iif ${r.iif}`,
      r.oif === undefined ? '' : `oif ${r.oif}`,
      r.fwmark === undefined ? '' : `fwmark 0x${r.fwmark.value.toString(16)}/0x${r.fwmark.mask.toString(16)}`,
      action,
    ]
    return words.filter((w) => w !== '').join(' ')
  })
  return [...added, ...missing.map(([priority, table]) => `rule del pref ${priority} lookup ${table}`)]
}

function neighbourLines(view: WorldView, ns: NetnsRecord): string[] {
  return view.list('neighbour', ns.id).flatMap((n) => {
    if (n.mac === undefined) return []
    const { device } = deviceParts(n.device)
    return [`neigh replace ${formatIpv4(n.address)} lladdr ${formatMac(n.mac)} dev ${device} nud ${n.state.toLowerCase()}`]
  })
}

function fdbLines(view: WorldView, ns: NetnsRecord): string[] {
  return view.list('fdb', ns.id).flatMap((f) => {
    if (f.local) return []
    // The entry of zeros may be there once for each remote end.
    if (f.remote !== undefined)
      return [
        `fdb append ${formatMac(f.mac)} dev ${deviceParts(f.port).device} dst ${formatIpv4(f.remote)} self ${f.static ? 'permanent' : 'dynamic'}`,
      ]
    return [`fdb replace ${formatMac(f.mac)} dev ${deviceParts(f.port).device} master ${f.static ? 'static' : 'dynamic'}`]
  })
}
