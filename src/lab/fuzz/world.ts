import { hash32 } from '../../base/prng.ts'
import type { Result } from '../../base/result.ts'
import { parseBridgeFdb } from '../../linux/bridge.ts'
import { parseIpNeigh } from '../../linux/ip-neigh.ts'
import { parseIpRoute } from '../../linux/ip-route-parse.ts'
import { parseIpRule } from '../../linux/ip-rule.ts'
import { parseIpset } from '../../linux/ipset.ts'
import { BASE_CHAINS } from '../../linux/iptables/names.ts'
import { parseIptablesSave, toRecords } from '../../linux/iptables-save.ts'
import { parseVxlanWords, tunnelEntry } from '../../linux/vxlan.ts'
import { formatIpv4, type Ipv4Prefix, ipv4, type Mac, macOf, maskOf, parsePrefix } from '../../net/address.ts'
import {
  addressId,
  deviceId,
  ipsetId,
  type NetnsId,
  neighbourId,
  netnsId,
  policyRuleId,
  processId,
  type RecordId,
  routeId,
  sysctlId,
} from '../../world/ids.ts'
import { localRoutes } from '../../world/local-routes.ts'
import type { AddressRecord, DeviceLink, DeviceRecord, Origin, WorldRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'
import type { FuzzCase, FuzzHost, FuzzTable, FuzzTunnel } from './case.ts'

const KERNEL: Origin = { component: 'kernel' }
const USER: Origin = { component: 'user' }
const AGEING = 300e9
/** fib_default_rules_init() */
const DEFAULT_RULES = ['0:\tfrom all lookup local', '32766:\tfrom all lookup main', '32767:\tfrom all lookup default']

/** The world that a case describes. Throws where a line of it cannot be read: cases are made by programs. */
export function caseWorld(c: FuzzCase): World {
  const records = new Map<RecordId, WorldRecord>()
  const put = (r: WorldRecord) => void records.set(r.id, r)
  for (const host of c.hosts) {
    const id = netnsId(host.name)
    put({ kind: 'netns', id, name: host.name, role: host.role, origin: USER })
    const devices = hostDevices(c, host)
    const addresses = hostAddresses(host, id)
    for (const r of [...devices, ...addresses, ...localRoutes(id, devices, addresses, KERNEL)]) put(r)
    for (const r of routing(host, id)) put(r)
    for (const r of tunnelEntries(host, id)) put(r)
    for (const [key, value] of Object.entries(host.sysctls))
      put({ kind: 'sysctl', id: sysctlId(host.name, key), netns: id, key, value, origin: USER })
    for (const set of must(parseIpset(host.sets.join('\n'))))
      put({ kind: 'ipset', id: ipsetId(host.name, set.name), netns: id, ...set, origin: USER })
    for (const r of toRecords(host.name, must(parseIptablesSave(tablesText(host.tables))), USER)) put(r)
    host.servers.forEach((command, i) => {
      const argv = command.split(' ')
      put({
        kind: 'process',
        id: processId(host.name, i + 1),
        netns: id,
        pid: 1001 + i,
        argv,
        state: 'running',
        output: '',
        origin: USER,
      })
    })
  }
  return records
}

function must<T>(r: Result<T, unknown>): T {
  if (!r.ok) throw new Error(JSON.stringify(r.error))
  return r.value
}

/** The same in every run: from the names. */
const macFor = (host: string, device: string): Mac => macOf(0x0200, hash32(`${host}/${device}`))

function hostDevices(c: FuzzCase, host: FuzzHost): DeviceRecord[] {
  const netns = netnsId(host.name)
  const out: DeviceRecord[] = []
  const ports = new Map<string, number>()
  const add = (name: string, mac: Mac, mtu: number, link: DeviceLink, more: Pick<DeviceRecord, 'master'> = {}) => {
    const id = deviceId(host.name, name)
    out.push({ kind: 'device', id, netns, ifindex: out.length + 1, name, mac, mtu, up: true, link, ...more, origin: USER })
  }
  add('lo', 0 as Mac, 65536, { kind: 'loopback' })
  for (const name of host.bridges)
    add(name, macFor(host.name, name), bridgeMtu(c, host, name), { kind: 'bridge', ageing: AGEING })
  for (const cable of c.cables) {
    for (const [end, peer] of [
      [cable.a, cable.b],
      [cable.b, cable.a],
    ] as const) {
      if (end.host !== host.name) continue
      const link: DeviceLink = { kind: 'veth', peer: deviceId(peer.host, peer.device) }
      const port = (ports.get(end.master ?? '') ?? 0) + 1
      ports.set(end.master ?? '', port)
      const master =
        end.master === undefined
          ? {}
          : {
              master: {
                bridge: deviceId(host.name, end.master),
                port,
                hairpin: end.hairpin ?? false,
                learning: true,
                flood: true,
              },
            }
      add(end.device, macFor(host.name, end.device), cable.mtu, link, master)
    }
  }
  for (const t of host.tunnels ?? []) add(t.device, tunnelMac(host.name, t.device), t.mtu, tunnelLink(host, t))
  return out
}

/** What the tunnel's neighbours and forwarding entries call it by. */
export const tunnelMac = macFor

function tunnelLink(host: FuzzHost, t: FuzzTunnel): DeviceLink {
  const parsed = parseVxlanWords(t.words.split(' '))
  if (parsed.kind === 'other') throw new Error(`${t.words}: ${parsed.word}`)
  return { ...parsed.link, ...(parsed.device === undefined ? {} : { device: deviceId(host.name, parsed.device) }) }
}

function tunnelEntries(host: FuzzHost, netns: NetnsId): WorldRecord[] {
  return (host.tunnels ?? []).flatMap((t): WorldRecord[] => {
    const fdb = must(parseBridgeFdb(t.fdb.map((l) => `${l} self permanent`).join('\n'), t.device))
    const { neighbours } = must(parseIpNeigh(t.neighbours.map((l) => `${l} PERMANENT`).join('\n'), t.device))
    return [
      ...fdb.flatMap((e) => (e.dst === undefined ? [] : [tunnelEntry(host.name, e, e.dst, USER)])),
      ...neighbours.map(({ line: _, device, ...n }): WorldRecord => {
        const id = neighbourId(host.name, device, formatIpv4(n.address))
        return { kind: 'neighbour', id, netns, device: deviceId(host.name, device), ...n, queued: 0, origin: USER }
      }),
    ]
  })
}

/** br_mtu_auto_adjust(): the least of its ports. */
function bridgeMtu(c: FuzzCase, host: FuzzHost, bridge: string): number {
  const ports = c.cables.filter((cable) => [cable.a, cable.b].some((e) => e.host === host.name && e.master === bridge))
  return Math.min(1500, ...ports.map((cable) => cable.mtu))
}

function hostAddresses(host: FuzzHost, netns: NetnsId): AddressRecord[] {
  const one = (device: string, cidr: string, scope: 'host' | 'global'): AddressRecord => {
    const { address, length }: Ipv4Prefix = must(parsePrefix(cidr))
    return {
      kind: 'address',
      id: addressId(host.name, device, cidr),
      netns,
      device: deviceId(host.name, device),
      address,
      prefixLength: length,
      scope,
      ...(length < 31 && scope === 'global' ? { broadcast: ipv4(address | ~maskOf(length)) } : {}),
      label: device,
      origin: scope === 'host' ? KERNEL : USER,
    }
  }
  return [one('lo', '127.0.0.1/8', 'host'), ...host.addresses.map((a) => one(a.device, a.cidr, 'global'))]
}

function routing(host: FuzzHost, netns: NetnsId): WorldRecord[] {
  const rules = must(parseIpRule([...DEFAULT_RULES, ...host.rules].join('\n'))).rules
  const { routes } = must(parseIpRoute(host.routes.join('\n')))
  return [
    ...rules.map(({ line: _, ...rule }, i): WorldRecord => {
      const standard = i < DEFAULT_RULES.length
      return { kind: 'policy-rule', id: policyRuleId(host.name, i), netns, ...rule, origin: standard ? KERNEL : USER }
    }),
    ...routes.map(({ line: _, nexthops, ...route }, i): WorldRecord => {
      const hops = nexthops.map(({ device, onlink, ...hop }) => ({
        ...hop,
        ...(device === undefined ? {} : { device: deviceId(host.name, device) }),
        ...(onlink ? { onlink: true } : {}),
      }))
      return { kind: 'route', id: routeId(host.name, 'fuzz', i), netns, ...route, nexthops: hops, origin: USER }
    }),
  ]
}

/** As iptables-save prints it, base chains first. */
export function tablesText(tables: readonly FuzzTable[]): string {
  return tables
    .map((t) =>
      [
        `*${t.table}`,
        ...BASE_CHAINS[t.table].map((hook) => `:${hook} ${t.policies[hook] ?? 'ACCEPT'} [0:0]`),
        ...t.chains.map((name) => `:${name} - [0:0]`),
        ...t.rules,
        'COMMIT',
        '',
      ].join('\n'),
    )
    .join('')
}
