import { type Mac, networkOf, parseIpv4, parsePrefix } from '../../net/address.ts'
import { addressId, chainId, deviceId, netnsId, type RecordId, routeId, ruleId } from '../../world/ids.ts'
import type { HookName, RuleSpec } from '../../world/netfilter.ts'
import type { Origin, WorldRecord } from '../../world/records.ts'

export const boot: Origin = { component: 'user' }

/** A literal address of a test. */
export function ip(text: string) {
  const parsed = parseIpv4(text)
  if (!parsed.ok) throw new Error(text)
  return parsed.value
}
function cidr(text: string) {
  const parsed = parsePrefix(text)
  if (!parsed.ok) throw new Error(text)
  return parsed.value
}

/** Builds a world record by record, in order. */
export class WorldBuilder {
  readonly world = new Map<RecordId, WorldRecord>()
  #ifindex = 1

  add(record: WorldRecord): this {
    this.world.set(record.id, record)
    return this
  }
  netns(name: string, role: 'node' | 'pod' | 'switch', node?: string): this {
    return this.add({
      kind: 'netns',
      id: netnsId(name),
      name,
      role,
      ...(node === undefined ? {} : { node: netnsId(node) }),
      origin: boot,
    })
  }
  /** A veth end, with its address and the connected route where one is given. */
  veth(netns: string, name: string, peer: readonly [string, string], mac: number, address?: string): this {
    const id = deviceId(netns, name)
    const link = { kind: 'veth', peer: deviceId(...peer) } as const
    this.add({
      kind: 'device',
      id,
      netns: netnsId(netns),
      ifindex: this.#ifindex++,
      name,
      mac: mac as Mac,
      mtu: 1500,
      up: true,
      link,
      origin: boot,
    })
    if (address === undefined) return this
    const a = cidr(address)
    this.add({
      kind: 'address',
      id: addressId(netns, name, address),
      netns: netnsId(netns),
      device: id,
      address: a.address,
      prefixLength: a.length,
      scope: 'global',
      origin: boot,
    })
    return this.route(netns, 100 + this.#ifindex, { dst: address, dev: name, src: address.slice(0, address.indexOf('/')) })
  }
  route(
    netns: string,
    n: number,
    r: { readonly dst: string; readonly dev: string; readonly via?: string; readonly src?: string },
  ): this {
    const p = cidr(r.dst)
    return this.add({
      kind: 'route',
      id: routeId(netns, 'main', n),
      netns: netnsId(netns),
      table: 254,
      type: 'unicast',
      dst: networkOf(p),
      prefixLength: p.length,
      tos: 0,
      nexthops: [{ device: deviceId(netns, r.dev), ...(r.via === undefined ? {} : { via: ip(r.via) }) }],
      scope: r.via === undefined ? 'link' : 'global',
      protocol: r.src === undefined ? 'boot' : 'kernel',
      ...(r.src === undefined ? {} : { prefSrc: ip(r.src) }),
      metric: 0,
      origin: boot,
    })
  }
  /** A chain of the nat table with its rules. */
  nat(
    netns: string,
    name: string,
    rules: readonly { readonly spec: RuleSpec; readonly origin?: Origin }[],
    hook?: HookName,
  ): this {
    const ids = rules.map((_, i) => ruleId(netns, 'nat', name, i + 1))
    const counters = { packets: 0, bytes: 0 }
    const base = hook === undefined ? {} : ({ hook, policy: 'ACCEPT' } as const)
    this.add({
      kind: 'chain',
      id: chainId(netns, 'nat', name),
      netns: netnsId(netns),
      table: 'nat',
      name,
      ...base,
      counters,
      rules: ids,
      origin: boot,
    })
    rules.forEach((r, i) => {
      const id = ids[i]
      if (id === undefined) return
      this.add({
        kind: 'rule',
        id,
        netns: netnsId(netns),
        table: 'nat',
        chain: name,
        spec: r.spec,
        counters,
        origin: r.origin ?? boot,
      })
    })
    return this
  }
}
