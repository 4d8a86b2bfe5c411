import { hash32 } from '../../base/prng.ts'
import { type NetnsBuilder, WorldBuilder } from '../../cluster/world-builder.ts'
import { parseIptablesSave, toRecords } from '../../linux/iptables-save.ts'
import { formatTextError } from '../../linux/text.ts'
import { type Ipv4, type Mac, macOf, parseIpv4, parsePrefix } from '../../net/address.ts'
import { deviceId } from '../../world/ids.ts'
import type { NetnsRecord, Origin } from '../../world/records.ts'
import type { World } from '../../world/world.ts'

const USER: Origin = { component: 'user' }

function must<T>(r: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!r.ok) throw new Error(JSON.stringify(r.error))
  return r.value
}

export const ip = (text: string): Ipv4 => must(parseIpv4(text))

/** A small network for tests, told as one would with `ip`: namespaces, cables, bridges, addresses, routes. */
export class TestNetwork {
  readonly #world = new WorldBuilder()
  readonly #hosts = new Map<string, TestHost>()

  host(name: string, role: NetnsRecord['role'] = 'node'): TestHost {
    const host = new TestHost(this.#world, name, role)
    this.#hosts.set(name, host)
    return host
  }

  /** A veth pair, one end in each host. */
  veth(a: TestHost, aName: string, b: TestHost, bName: string, options: CableOptions = {}): void {
    a.addVeth(aName, b, bName, options.aMaster, options)
    b.addVeth(bName, a, aName, options.bMaster, options)
  }

  world(): World {
    for (const h of this.#hosts.values()) h.builder.finish()
    return this.#world.done()
  }
}

export interface CableOptions {
  readonly aMaster?: string
  readonly bMaster?: string
  readonly mtu?: number
  readonly aMac?: string
  readonly hairpin?: boolean
}

export class TestHost {
  readonly name: string
  readonly builder: NetnsBuilder
  readonly #world: WorldBuilder

  constructor(world: WorldBuilder, name: string, role: NetnsRecord['role']) {
    this.name = name
    this.#world = world
    this.builder = world.netns(name, role, USER)
  }

  bridge(name: string, address?: string): this {
    this.builder.device(name, { mac: macFor(this.name, name), mtu: 1500, link: { kind: 'bridge', ageing: 300e9 }, origin: USER })
    return address === undefined ? this : this.address(name, address)
  }

  addVeth(name: string, peer: TestHost, peerName: string, master: string | undefined, o: CableOptions): void {
    this.builder.device(name, {
      mac: macFor(this.name, name),
      mtu: o.mtu ?? 1500,
      link: { kind: 'veth', peer: deviceId(peer.name, peerName) },
      ...(master === undefined ? {} : { master: { bridge: master, hairpin: o.hairpin ?? false } }),
      origin: USER,
    })
  }

  address(device: string, cidr: string): this {
    this.builder.address(device, must(parsePrefix(cidr)), USER)
    return this
  }

  /** `10.0.0.0/8 via 192.0.2.1 dev eth0`, `default via …`, `10.1.0.0/16 dev eth1`. */
  route(text: string): this {
    const words = text.split(/\s+/)
    const after = (w: string) => (words.includes(w) ? words[words.indexOf(w) + 1] : undefined)
    const via = after('via')
    const dst = words[0] === 'default' ? '0.0.0.0/0' : (words[0] as string)
    this.builder.route(
      must(parsePrefix(dst)),
      { dev: after('dev') as string, ...(via === undefined ? {} : { via: ip(via) }) },
      USER,
    )
    return this
  }

  sysctl(key: string, value: number): this {
    this.builder.sysctl(key, value, USER)
    return this
  }

  router(): this {
    return this.sysctl('net.ipv4.ip_forward', 1)
  }

  iptables(text: string): this {
    const parsed = parseIptablesSave(text)
    if (!parsed.ok) throw new Error(formatTextError(parsed.error))
    for (const r of toRecords(this.name, parsed.value, USER)) this.#world.put(r)
    return this
  }

  process(...argv: string[]): this {
    this.builder.process(argv, this.name, USER)
    return this
  }
}

/** Locally administered, from the names: the same in every run. */
const macFor = (host: string, device: string): Mac => macOf(0x0200, hash32(`${host}/${device}`))
