import { BASE_CHAINS } from '../linux/iptables/names.ts'
import { formatIpv4, type Ipv4, type Ipv4Prefix, ipv4, type Mac, maskOf, networkOf } from '../net/address.ts'
import {
  addressId,
  chainId,
  type DeviceId,
  deviceId,
  fileId,
  type NetnsId,
  netnsId,
  noteId,
  policyRuleId,
  processId,
  type RecordId,
  routeId,
  ruleIds,
  sysctlId,
} from '../world/ids.ts'
import { localRoutes } from '../world/local-routes.ts'
import type { TableName } from '../world/netfilter.ts'
import {
  type AddressRecord,
  type DeviceLink,
  type DeviceRecord,
  type NetnsRecord,
  type Nexthop,
  type Origin,
  RT_TABLE,
  type Scope,
  type WorldRecord,
} from '../world/records.ts'
import type { GeneratedRule, GeneratedTable } from './kube-proxy/rule.ts'

const KERNEL: Origin = { component: 'kernel' }
const LOOPBACK: Ipv4Prefix = { address: ipv4(0x7f000001), length: 8 }
/** One object each, for the thousands of namespaces of a large cluster. */
const LOOK_UP = {
  [RT_TABLE.local]: { kind: 'lookup', table: RT_TABLE.local },
  [RT_TABLE.main]: { kind: 'lookup', table: RT_TABLE.main },
  [RT_TABLE.default]: { kind: 'lookup', table: RT_TABLE.default },
} as const
const NOTHING_COUNTED = { packets: 0, bytes: 0 } as const
/** Linux's loopback MTU. */
const LOOPBACK_MTU = 65536

/** Collects the records of a world, namespace by namespace. */
export class WorldBuilder {
  readonly #records = new Map<RecordId, WorldRecord>()
  readonly #pids = new Map<string, number>()

  put(record: WorldRecord): void {
    const before = this.#records.size
    this.#records.set(record.id, record)
    if (this.#records.size === before) throw new Error(`record ${record.id} is built twice`)
  }

  /** Begins a namespace: the namespace itself, lo, and the three default policy rules (fib_default_rules_init). */
  netns(
    name: string,
    role: NetnsRecord['role'],
    origin: Origin,
    more: Pick<NetnsRecord, 'node' | 'containers'> = {},
  ): NetnsBuilder {
    this.put({ kind: 'netns', id: netnsId(name), name, role, ...more, origin })
    const builder = new NetnsBuilder(this, name)
    builder.device('lo', { mac: 0 as Mac, mtu: LOOPBACK_MTU, link: { kind: 'loopback' }, origin: KERNEL })
    builder.address('lo', LOOPBACK, KERNEL, 'host')
    const lookup = [
      [0, RT_TABLE.local],
      [32766, RT_TABLE.main],
      [32767, RT_TABLE.default],
    ] as const
    lookup.forEach(([priority, table], i) => {
      this.put({
        kind: 'policy-rule',
        id: policyRuleId(name, i),
        netns: netnsId(name),
        priority,
        invert: false,
        action: LOOK_UP[table],
        origin: KERNEL,
      })
    })
    return builder
  }

  /** Process ids count up per machine, in the order things start. */
  nextPid(machine: string): number {
    const pid = (this.#pids.get(machine) ?? 1000) + 1
    this.#pids.set(machine, pid)
    return pid
  }

  done(): Map<RecordId, WorldRecord> {
    return this.#records
  }
}

export interface DeviceSpec {
  readonly mac: Mac
  readonly mtu: number
  readonly link: DeviceLink
  /** True unless it says so. */
  readonly up?: boolean
  readonly master?: { readonly bridge: string; readonly hairpin?: boolean }
  readonly origin: Origin
}

/** One namespace under construction. `finish` adds what the kernel derives: its own routes. */
export class NetnsBuilder {
  readonly name: string
  readonly id: NetnsId
  readonly #world: WorldBuilder
  readonly #devices: DeviceRecord[] = []
  readonly #addresses: AddressRecord[] = []
  readonly #ports = new Map<string, number>()
  #routes = 0
  #policyRules = 0
  #processes = 0
  #notes = 0

  constructor(world: WorldBuilder, name: string) {
    this.#world = world
    this.name = name
    this.id = netnsId(name)
  }

  deviceId(name: string): DeviceId {
    return deviceId(this.name, name)
  }

  device(name: string, spec: DeviceSpec): DeviceId {
    const { master, ...rest } = spec
    let port = {}
    if (master !== undefined) {
      const n = (this.#ports.get(master.bridge) ?? 0) + 1
      this.#ports.set(master.bridge, n)
      port = {
        master: {
          bridge: this.deviceId(master.bridge),
          port: n,
          hairpin: master.hairpin ?? false,
          learning: true,
          flood: true,
        },
      }
    }
    const record: DeviceRecord = {
      kind: 'device',
      id: this.deviceId(name),
      netns: this.id,
      ifindex: this.#devices.length + 1,
      name,
      up: true,
      ...rest,
      ...port,
    }
    this.#devices.push(record)
    this.#world.put(record)
    return record.id
  }

  /** With the subnet's broadcast address, as `ip addr add … brd +` and netlink libraries set it. */
  address(device: string, prefix: Ipv4Prefix, origin: Origin, scope: Scope = 'global'): void {
    const { address, length } = prefix
    const record: AddressRecord = {
      kind: 'address',
      id: addressId(this.name, device, `${formatIpv4(address)}/${length}`),
      netns: this.id,
      device: this.deviceId(device),
      address,
      prefixLength: length,
      scope,
      ...(length < 31 && scope !== 'host' ? { broadcast: ipv4(address | ~maskOf(length)) } : {}),
      label: device,
      origin,
    }
    this.#addresses.push(record)
    this.#world.put(record)
  }

  /** A unicast route, of the main table unless another is given. */
  route(
    dst: Ipv4Prefix,
    hop: { via?: Ipv4; dev: string; onlink?: boolean; table?: number },
    origin: Origin,
    protocol = 'boot',
  ): void {
    const nexthop: Nexthop = {
      ...(hop.via === undefined ? {} : { via: hop.via }),
      device: this.deviceId(hop.dev),
      ...(hop.onlink ? { onlink: true } : {}),
    }
    this.#world.put({
      kind: 'route',
      id: routeId(this.name, hop.table === undefined ? 'main' : String(hop.table), this.#routes++),
      netns: this.id,
      table: hop.table ?? RT_TABLE.main,
      type: 'unicast',
      dst: networkOf(dst),
      prefixLength: dst.length,
      tos: 0,
      nexthops: [nexthop],
      // iproute2: a unicast route with a gateway is global, one without is link.
      scope: hop.via === undefined ? 'link' : 'global',
      protocol,
      metric: 0,
      origin,
    })
  }

  /** A rule of the routing policy database beside the three default ones: packets with a mark ask a table of their own. */
  policyRule(rule: { priority: number; fwmark: number; table: number }, origin: Origin): void {
    this.#world.put({
      kind: 'policy-rule',
      // 0 to 2 are the default ones.
      id: policyRuleId(this.name, 3 + this.#policyRules++),
      netns: this.id,
      priority: rule.priority,
      invert: false,
      fwmark: { value: rule.fwmark, mask: 0xffffffff },
      action: { kind: 'lookup', table: rule.table },
      origin,
    })
  }

  sysctl(key: string, value: string | number, origin: Origin): void {
    this.#world.put({ kind: 'sysctl', id: sysctlId(this.name, key), netns: this.id, key, value: String(value), origin })
  }

  /** Answers the number in its id. */
  process(argv: readonly string[], machine: string, origin: Origin, container?: string): number {
    this.#world.put({
      kind: 'process',
      id: processId(this.name, ++this.#processes),
      netns: this.id,
      pid: this.#world.nextPid(machine),
      ...(container === undefined ? {} : { container }),
      argv,
      state: 'running',
      output: '',
      origin,
    })
    return this.#processes
  }

  /** `path` is absolute. */
  file(path: string, content: string, origin: Origin): void {
    this.#world.put({ kind: 'file', id: fileId(this.name, path), netns: this.id, path, content, origin })
  }

  note(what: string, where: string | undefined, origin: Origin): void {
    this.#world.put({
      kind: 'note',
      id: noteId(this.name, ++this.#notes),
      netns: this.id,
      what,
      ...(where === undefined ? {} : { where }),
      origin,
    })
  }

  /** The tables as the kernel holds them: base chains, then user chains in byte order, as libiptc keeps them. */
  tables(tables: readonly GeneratedTable[]): void {
    for (const t of tables) {
      const rules = new Map<string, GeneratedRule[]>()
      for (const r of t.rules) {
        const l = rules.get(r.chain)
        if (l) l.push(r)
        else rules.set(r.chain, [r])
      }
      const base = BASE_CHAINS[t.table]
      for (const hook of base) this.#chain(t.table, hook, rules.get(hook) ?? [], KERNEL, true)
      const user = t.chains.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
      for (const c of user) this.#chain(t.table, c.name, rules.get(c.name) ?? [], c.origin, false)
    }
  }

  #chain(table: TableName, name: string, rules: readonly GeneratedRule[], origin: Origin, isBase: boolean): void {
    const ids = ruleIds(this.name, table, name, rules.length)
    const hook = BASE_CHAINS[table].find((h) => h === name)
    this.#world.put({
      kind: 'chain',
      id: chainId(this.name, table, name),
      netns: this.id,
      table,
      name,
      ...(isBase && hook !== undefined ? { hook, policy: 'ACCEPT' as const } : {}),
      counters: NOTHING_COUNTED,
      rules: ids,
      origin,
    })
    for (let i = 0; i < rules.length; i++) {
      const r = rules[i]
      const id = ids[i]
      if (r === undefined || id === undefined) continue
      this.#world.put({
        kind: 'rule',
        id,
        netns: this.id,
        table,
        chain: name,
        spec: r.spec,
        counters: NOTHING_COUNTED,
        origin: r.origin,
      })
    }
  }

  finish(): void {
    for (const r of localRoutes(this.id, this.#devices, this.#addresses, KERNEL)) this.#world.put(r)
  }
}
