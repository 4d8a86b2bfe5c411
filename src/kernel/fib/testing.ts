import { type Ipv4, MAC_ZERO, parseIpv4, parsePrefix } from '../../net/address.ts'
import { addressId, deviceId, netnsId, policyRuleId, routeId } from '../../world/ids.ts'
import { localRoutes } from '../../world/local-routes.ts'
import { defaultPolicyRules } from '../../world/policy-rules.ts'
import {
  type AddressRecord,
  type DeviceRecord,
  type Nexthop,
  type Origin,
  type PolicyRuleRecord,
  type RouteRecord,
  RT_TABLE,
} from '../../world/records.ts'
import type { Device, Flow, Namespace } from '../types.ts'
import { createFib, type MutableFib } from './fib.ts'

// A namespace with nothing but devices and a FIB, for tests.

const NAME = 'node1'
export const netns = netnsId(NAME)
const origin: Origin = { component: 'kernel' }

export const ip = (text: string): Ipv4 => {
  const r = parseIpv4(text)
  if (!r.ok) throw new Error(text)
  return r.value
}

export const prefix = (text: string) => {
  const r = parsePrefix(text === 'default' ? '0.0.0.0/0' : text)
  if (!r.ok) throw new Error(text)
  return r.value
}

/** `eth0` to its addresses; `!` in front of a name: the device is down. */
export interface TestNamespace {
  readonly addresses: Readonly<Record<string, readonly string[]>>
  readonly routes?: readonly RouteRecord[]
  readonly rules?: readonly PolicyRuleRecord[]
  readonly sysctl?: Readonly<Record<string, number>>
}

let count = 0
/** A route of main; `via` and `dev` make its only nexthop. */
export function route(
  dst: string,
  more: Partial<Omit<RouteRecord, 'nexthops'>> & { via?: string; dev?: string; nexthops?: readonly Nexthop[] } = {},
): RouteRecord {
  const { via, dev, ...fields } = more
  const p = prefix(dst)
  const nexthop: Nexthop = {
    ...(via === undefined ? {} : { via: ip(via) }),
    ...(dev === undefined ? {} : { device: deviceId(NAME, dev) }),
  }
  return {
    kind: 'route',
    id: routeId(NAME, 'main', count++),
    netns,
    table: RT_TABLE.main,
    type: 'unicast',
    dst: p.address,
    prefixLength: p.length,
    tos: 0,
    nexthops: via === undefined && dev === undefined ? [] : [nexthop],
    scope: via === undefined && dev !== undefined ? 'link' : 'global',
    protocol: 'static',
    metric: 0,
    origin,
    ...fields,
  }
}

export const nexthop = (dev: string, via: string, weight = 1): Nexthop => ({ via: ip(via), device: deviceId(NAME, dev), weight })

export function rule(priority: number, more: Partial<PolicyRuleRecord>): PolicyRuleRecord {
  const action = { kind: 'lookup', table: RT_TABLE.main } as const
  return { kind: 'policy-rule', id: policyRuleId(NAME, 100 + count++), netns, priority, invert: false, action, origin, ...more }
}

export interface TestFib {
  readonly fib: MutableFib
  readonly ns: Namespace
  device(name: string): Device
  /** Every field of a flow that is not given is open. */
  flow(dst: string, more?: Partial<Flow>): Flow
}

/** Brings a namespace up: lo with 127.0.0.1/8 first, the kernel's own routes and rules beside those given. */
export function testFib(spec: TestNamespace): TestFib {
  const devices = new Map<string, Device>()
  const records: DeviceRecord[] = []
  const addresses: AddressRecord[] = []
  const sysctl = (key: string) => spec.sysctl?.[key] ?? 0
  const ns = { name: NAME, devices, sysctl, loopback: undefined } as unknown as { -readonly [K in keyof Namespace]: Namespace[K] }
  for (const [label, list] of Object.entries({ lo: ['127.0.0.1/8'], ...spec.addresses })) {
    const name = label.replace('!', '')
    const id = deviceId(NAME, name)
    const record: DeviceRecord = {
      kind: 'device',
      id,
      netns,
      ifindex: records.length + 1,
      name,
      mac: MAC_ZERO,
      mtu: 1500,
      up: label === name,
      link: name === 'lo' ? { kind: 'loopback' } : { kind: 'dummy' },
      origin,
    }
    records.push(record)
    devices.set(name, { ns, record, name, ifindex: record.ifindex } as unknown as Device)
    for (const cidr of list) {
      const { address, length: prefixLength } = prefix(cidr)
      const scope = name === 'lo' && address >>> 24 === 127 ? 'host' : 'global'
      const secondary = addresses.some(
        (a) => a.device === id && a.prefixLength === prefixLength && (a.address ^ address) >>> 8 === 0,
      )
      addresses.push({
        kind: 'address',
        id: addressId(NAME, name, cidr),
        netns,
        device: id,
        address,
        prefixLength,
        scope,
        ...(secondary ? { secondary } : {}),
        origin,
      })
    }
  }
  ns.loopback = devices.get('lo')
  const device = (name: string): Device => {
    const d = devices.get(name)
    if (d === undefined) throw new Error(name)
    return d
  }
  const routes = [...localRoutes(netns, records, addresses, origin), ...(spec.routes ?? [])]
  const rules = [...defaultPolicyRules(netns), ...(spec.rules ?? [])]
  const fib = createFib(ns, { routes, rules, addresses })
  const flow = (dst: string, more: Partial<Flow> = {}): Flow => ({
    dst: ip(dst),
    src: 0,
    mark: 0,
    tos: 0,
    iif: undefined,
    oif: undefined,
    ...more,
  })
  return { fib, ns, device, flow }
}
