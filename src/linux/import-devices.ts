import { IPV4_ANY, type Ipv4, MAC_ZERO, type Mac, macOf } from '../net/address.ts'
import { addressId, type DeviceId, deviceId, netnsId } from '../world/ids.ts'
import type { AddressRecord, DeviceLink, DeviceRecord, Origin } from '../world/records.ts'
import type { ParsedBridge } from './brctl.ts'
import type { ParsedBridgePort, ParsedFdb } from './bridge.ts'
import type { ParsedAddress, ParsedLink } from './ip-addr-parse.ts'
import { parseVxlanWords } from './vxlan.ts'

type LinkDraft = { -readonly [K in keyof ParsedLink]: ParsedLink[K] }

/** Everything that names a device of one namespace. */
export interface DeviceSources {
  readonly netns: string
  readonly links: readonly ParsedLink[]
  readonly bridges: readonly ParsedBridge[]
  readonly ports: readonly ParsedBridgePort[]
  readonly fdb: readonly ParsedFdb[]
  /** Names that routes, neighbours and the like mention. */
  readonly mentioned: readonly string[]
  readonly origin: Origin
  readonly note: (what: string, where?: string) => void
}

export interface ImportedDevices {
  readonly devices: DeviceRecord[]
  readonly addresses: AddressRecord[]
}

/** Where a veth's other end or a NIC's cable goes when the import does not tell. No record has such an id. */
const beyond = (netns: string, device: string, end: string): DeviceId => deviceId(`${netns}@${device}`, end)

/** Several texts of one namespace (`ip addr`, `ip -d link`, `ip -o addr`) tell different things about the same device. */
export function mergeLinks(all: readonly (readonly ParsedLink[])[]): ParsedLink[] {
  const byName = new Map<string, LinkDraft>()
  for (const link of all.flat()) {
    const known = byName.get(link.name)
    if (known === undefined) {
      byName.set(link.name, { ...link })
      continue
    }
    const addresses = [...known.addresses]
    for (const a of link.addresses) {
      if (!addresses.some((b) => b.address === a.address && b.prefixLength === a.prefixLength)) addresses.push(a)
    }
    byName.set(link.name, { ...link, ...known, flags: known.flags.length > 0 ? known.flags : link.flags, addresses })
    const merged = byName.get(link.name)
    if (merged && known.kind === undefined && link.kind !== undefined) merged.kind = link.kind
  }
  return [...byName.values()]
}

export function importDevices(s: DeviceSources): ImportedDevices {
  const links = completeLinks(s)
  const kinds = new Map(links.map((l) => [l.name, kindOf(l, links, s)]))
  const master = masters(links, kinds, s)
  const bridgePorts = new Map<string, number>()
  const devices: DeviceRecord[] = []
  const addresses: AddressRecord[] = []
  let free = Math.max(0, ...links.map((l) => l.ifindex ?? 0))
  for (const l of links) {
    const kind = kinds.get(l.name) ?? 'physical'
    const mac = l.mac ?? macFromLinkLocal(l.inet6) ?? MAC_ZERO
    const bridge = master.get(l.name)
    const port = bridge === undefined ? 0 : (bridgePorts.get(bridge) ?? 0) + 1
    if (bridge !== undefined) bridgePorts.set(bridge, port)
    const portFlags = s.ports.find((p) => p.device === l.name)
    devices.push({
      kind: 'device',
      id: deviceId(s.netns, l.name),
      netns: netnsId(s.netns),
      ifindex: l.ifindex ?? ++free,
      name: l.name,
      mac,
      mtu: l.mtu ?? (kind === 'loopback' ? 65536 : 1500),
      up: l.flags.includes('UP'),
      link: linkOf(kind, l, s, links),
      ...(bridge === undefined
        ? {}
        : {
            master: {
              bridge: deviceId(s.netns, bridge),
              port,
              hairpin: portFlags?.hairpin ?? slave(l, 'hairpin') ?? false,
              learning: portFlags?.learning ?? slave(l, 'learning') ?? true,
              flood: portFlags?.flood ?? slave(l, 'flood') ?? true,
            },
          }),
      origin: s.origin,
    })
    addresses.push(...l.addresses.map((a) => addressRecord(s, l.name, a)))
  }
  return { devices, addresses }
}

function slave(l: ParsedLink, word: string): boolean | undefined {
  const i = l.slaveWords?.indexOf(word) ?? -1
  return i < 0 ? undefined : l.slaveWords?.[i + 1] === 'on'
}

function addressRecord(s: DeviceSources, device: string, a: ParsedAddress): AddressRecord {
  const { address, prefixLength, scope, broadcast, label, secondary } = a
  return {
    kind: 'address',
    id: addressId(
      s.netns,
      device,
      `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}/${prefixLength}`,
    ),
    netns: netnsId(s.netns),
    device: deviceId(s.netns, device),
    address,
    prefixLength,
    scope,
    ...(broadcast === undefined || broadcast === IPV4_ANY ? {} : { broadcast }),
    ...(label === undefined ? {} : { label }),
    ...(secondary ? { secondary } : {}),
    origin: s.origin,
  }
}

const LOOPBACK_ADDRESS: ParsedAddress = { address: 0x7f000001 as Ipv4, prefixLength: 8, scope: 'host', secondary: false }

/** What was listed, then lo and whatever else is only mentioned. */
function completeLinks(s: DeviceSources): ParsedLink[] {
  const links = [...s.links]
  const has = (name: string) => links.some((l) => l.name === name)
  if (!has('lo')) {
    links.unshift({
      name: 'lo',
      flags: ['LOOPBACK', 'UP', 'LOWER_UP'],
      type: 'loopback',
      mac: MAC_ZERO,
      addresses: [LOOPBACK_ADDRESS],
      inet6: [],
    })
  }
  const named = [
    ...s.bridges.flatMap((b) => [b.name, ...b.ports]),
    ...s.ports.flatMap((p) => [p.master, p.device]),
    ...s.fdb.flatMap((e) => (e.master === undefined ? [e.device] : [e.master, e.device])),
    ...s.mentioned,
  ]
  const only: string[] = []
  for (const name of new Set(named)) {
    if (has(name)) continue
    const port = s.ports.find((p) => p.device === name)
    const id = s.bridges.find((b) => b.name === name)?.id.slice(5)
    links.push({
      name,
      ...(port ? { ifindex: port.ifindex } : {}),
      flags: ['UP', 'LOWER_UP'],
      ...(id === undefined ? {} : { mac: macOf(Number.parseInt(id.slice(0, 4), 16), Number.parseInt(id.slice(4), 16)) }),
      addresses: [],
      inet6: [],
    })
    only.push(name)
  }
  if (only.length > 0)
    s.note(`only mentioned, in no ip addr or ip link text: ${only.join(', ')}; taken to be up, with an MTU of 1500`)
  const noMtu = links.filter((l) => l.mtu === undefined && l.name !== 'lo' && !only.includes(l.name))
  if (noMtu.length > 0) s.note(`the text does not tell the MTU of ${noMtu.length} devices; 1500 is taken`)
  return links
}

type Kind = DeviceLink['kind'] | `unknown:${string}`

/** Kinds that `ip -d` names and that are modelled; a tap behaves as an own kind that is not. */
const KNOWN_KINDS: Readonly<Record<string, Kind>> = { veth: 'veth', bridge: 'bridge', dummy: 'dummy', vxlan: 'vxlan' }
/** By what names usually mean, where the text has no -d. */
const BY_NAME: readonly (readonly [RegExp, Kind])[] = [
  [/^(flannel[.-]|vxlan|cilium_vxlan|antrea-gw|genev)/, 'unknown:vxlan'],
  [/^(docker|br-|br\d|cni\d|cbr\d|virbr|lxdbr|podman|kube-bridge|weave$|docker_gwbridge|mynet)/, 'bridge'],
  [/^(kube-ipvs|nodelocaldns|dummy|kube-dummy)/, 'dummy'],
  [/^(tunl|sit|gre|erspan|ip_vti|ip6)/, 'unknown:tunnel'],
  [/^(wg|wt\d|tailscale|netmaker|nordlynx)/, 'unknown:wireguard'],
  [/^(tun|tap|vnet|qvo|qvb)/, 'unknown:tun'],
  [/^(bond)/, 'unknown:bond'],
  [/^(ovs-system|br-int|br-tun|br-ex)$/, 'unknown:openvswitch'],
  [/^(macvlan|ipvlan|vrf)/, 'unknown:macvlan'],
]

function kindOf(l: ParsedLink, links: readonly ParsedLink[], s: DeviceSources): Kind {
  if (l.flags.includes('LOOPBACK') || l.type === 'loopback' || l.name === 'lo') return 'loopback'
  if (l.kind !== undefined && l.kind !== 'numtxqueues') return KNOWN_KINDS[l.kind] ?? `unknown:${l.kind}`
  const isMaster =
    links.some((o) => o.master === l.name && o.kind !== 'openvswitch_slave') ||
    s.bridges.some((b) => b.name === l.name) ||
    s.ports.some((p) => p.master === l.name) ||
    s.fdb.some((e) => e.master === l.name)
  const byName = BY_NAME.find(([pattern]) => pattern.test(l.name))?.[1]
  if (byName === 'unknown:openvswitch' || byName === 'unknown:bond') return byName
  if (isMaster) return 'bridge'
  if (l.peer !== undefined) {
    const other = links.find((o) => o.name === l.peer)
    if (/^if\d+$/.test(l.peer) || other?.peer === l.name) return byName === 'unknown:vxlan' ? byName : 'veth'
    return l.name.includes('.') || l.name.startsWith('vlan') ? 'unknown:vlan' : 'unknown:macvlan'
  }
  if (byName !== undefined) return byName
  // A device without a link layer is a tunnel of some kind.
  if (l.type === 'none' || l.flags.includes('POINTOPOINT')) return 'unknown:tun'
  return /^(veth|cali|lxc|gke|eni|azv)/.test(l.name) ? 'veth' : 'physical'
}

function linkOf(kind: Kind, l: ParsedLink, s: DeviceSources, links: readonly ParsedLink[]): DeviceLink {
  switch (kind) {
    case 'loopback':
    case 'dummy':
      return { kind }
    case 'bridge': {
      const ageing = l.kindWords?.indexOf('ageing_time') ?? -1
      const hundredths = ageing < 0 ? 30_000 : Number(l.kindWords?.[ageing + 1])
      return { kind, ageing: (Number.isFinite(hundredths) ? hundredths : 30_000) * 10_000_000 }
    }
    case 'veth': {
      const same = links.find((o) => o.name === l.peer)
      return { kind, peer: same ? deviceId(s.netns, same.name) : beyond(s.netns, l.name, l.peer ?? 'if0') }
    }
    case 'physical':
      return { kind, peer: beyond(s.netns, l.name, 'cable'), latency: 0 }
    case 'vxlan': {
      const vxlan = parseVxlanWords(l.kindWords ?? [])
      if (vxlan.kind === 'other') return notModelled('vxlan', vxlan.word, l, s)
      const { device } = vxlan
      return { ...vxlan.link, ...(device === undefined ? {} : { device: deviceId(s.netns, device) }) }
    }
    case 'unknown':
      return { kind, type: 'unknown' }
    default: {
      const type = kind.slice('unknown:'.length)
      const words = l.kindWords?.filter((w) => w !== type).join(' ') ?? ''
      const detail = /^(.*?) ?\b(numtxqueues|addrgenmode|$)/.exec(words)?.[1] ?? ''
      return notModelled(type, detail, l, s)
    }
  }
}

function notModelled(type: string, detail: string, l: ParsedLink, s: DeviceSources): DeviceLink {
  s.note(
    `${l.name} is a device of type ${type}${detail === '' ? '' : ` (${detail})`}: kept, not modelled yet; a packet that meets it is undetermined`,
    l.name,
  )
  return { kind: 'unknown', type }
}

/** Which bridge each port belongs to: by `master`, brctl, bridge link or the FDB. */
function masters(links: readonly ParsedLink[], kinds: ReadonlyMap<string, Kind>, s: DeviceSources): Map<string, string> {
  const out = new Map<string, string>()
  const put = (port: string, bridge: string | undefined) => {
    if (bridge !== undefined && port !== bridge && kinds.get(bridge) === 'bridge' && !out.has(port)) out.set(port, bridge)
  }
  for (const l of links) put(l.name, l.master)
  for (const b of s.bridges) for (const p of b.ports) put(p, b.name)
  for (const p of s.ports) put(p.device, p.master)
  for (const e of s.fdb) put(e.device, e.master)
  // `ip -br` names no master. A single bridge beside veths without an address of their own is how every CNI bridge looks.
  const brief = links.some((l) => l.ifindex === undefined && l.name !== 'lo')
  const bridges = links.filter((l) => kinds.get(l.name) === 'bridge' && l.flags.includes('UP'))
  if (brief && out.size === 0 && bridges.length === 1) {
    const loose = links.filter((l) => kinds.get(l.name) === 'veth' && l.addresses.length === 0)
    for (const l of loose) put(l.name, bridges[0]?.name)
    if (loose.length > 0)
      s.note(
        `ip -br does not tell which ports a bridge has: ${loose.length} veth devices without an address are taken for ports of ${bridges[0]?.name}`,
      )
  }
  return out
}

/** The MAC inside an EUI-64 interface identifier (RFC 4291, appendix A), where nothing else tells it. */
function macFromLinkLocal(inet6: readonly string[]): Mac | undefined {
  const text = inet6.find((a) => a.toLowerCase().startsWith('fe80::'))
  const groups = text
    ?.split('/')[0]
    ?.slice('fe80::'.length)
    .split(':')
    .map((g) => Number.parseInt(g, 16))
  const [a = 0, b = 0, c = 0, d = 0] = groups ?? []
  if (groups?.length !== 4 || (b & 0xff) !== 0xff || c >>> 8 !== 0xfe) return undefined
  return macOf(a ^ 0x0200, (((b >>> 8) << 24) | ((c & 0xff) << 16) | d) >>> 0)
}
