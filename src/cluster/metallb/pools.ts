import { at, listAt, stringsAt, textAt } from '../../base/fields.ts'
import { broadcastOf, formatIpv4, type Ipv4, ipv4, networkOf, parseIpv4, parsePrefix } from '../../net/address.ts'
import { inputError } from '../errors.ts'
import type { FillContext } from '../fill-in.ts'
import { type Draft, fill } from '../objects.ts'

// MetalLB's controller: Services of type LoadBalancer get an address of an IPAddressPool (metallb.io/v1beta1; internal/allocator).

export interface AddressPool {
  readonly name: string
  readonly autoAssign: boolean
  /** First and last address of each range. */
  readonly ranges: readonly (readonly [Ipv4, Ipv4])[]
}

/** The IPv4 ranges of every pool of the document, by name. Errors: what is neither a prefix nor a range. */
export function addressPools({ drafts, errors }: FillContext): AddressPool[] {
  const pools = drafts.of('IPAddressPool').map((d) => ({
    name: d.name,
    autoAssign: at(d.manifest, 'spec', 'autoAssign') !== false,
    ranges: listAt(d.manifest, 'spec', 'addresses').flatMap((text, i): (readonly [Ipv4, Ipv4])[] => {
      if (typeof text === 'string' && text.includes(':')) return []
      const range = typeof text === 'string' ? rangeOf(text) : undefined
      if (range !== undefined) return [range]
      const expected = 'a prefix such as 192.168.1.240/28 or a range such as 192.168.1.240-192.168.1.250'
      errors.push(inputError(`${d.path}.spec.addresses[${i}]`, `found ${JSON.stringify(text)}; expected ${expected}`))
      return []
    }),
  }))
  return pools.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function rangeOf(text: string): readonly [Ipv4, Ipv4] | undefined {
  const [from, to] = text.split('-').map((t) => t.trim())
  if (to === undefined) {
    const prefix = parsePrefix(text.trim())
    return prefix.ok && text.includes('/') ? [networkOf(prefix.value), broadcastOf(prefix.value)] : undefined
  }
  const first = parseIpv4(from ?? '')
  const last = parseIpv4(to)
  return first.ok && last.ok && first.value <= last.value ? [first.value, last.value] : undefined
}

export const holds = (pool: AddressPool, address: Ipv4): boolean =>
  pool.ranges.some(([first, last]) => address >= first && address <= last)

/** Of a Service: which pool, which address. The older domain still counts. */
const annotation = (d: Draft, key: string): string | undefined => {
  const all = stringsAt(d.manifest, 'metadata', 'annotations')
  return all[`metallb.io/${key}`] ?? all[`metallb.universe.tf/${key}`]
}

/** Services that ask for a load balancer of another class are not MetalLB's. */
const isOurs = (d: Draft): boolean =>
  textAt(d.manifest, 'spec', 'type') === 'LoadBalancer' && textAt(d.manifest, 'spec', 'loadBalancerClass') === undefined

const given = (d: Draft): string[] =>
  listAt(d.manifest, 'status', 'loadBalancer', 'ingress').flatMap((i) => textAt(i, 'ip') ?? [])

/** Gives Services without an address one: that which they ask for, else the first that is free. Errors: what no pool can give. */
export function assignAddresses(context: FillContext): void {
  const pools = addressPools(context)
  if (pools.length === 0) return
  const services = context.drafts.of('Service').filter(isOurs)
  const taken = new Set<number>()
  for (const d of services) for (const text of given(d)) for (const ip of addressOf(text)) taken.add(ip)
  for (const d of services) {
    if (given(d).length > 0) continue
    const address = choose(context, d, { pools, taken })
    if (address === undefined) continue
    taken.add(address)
    fill(d, ['status', 'loadBalancer', 'ingress'], [{ ip: formatIpv4(address), ipMode: 'VIP' }])
  }
}

const addressOf = (text: string): Ipv4[] => {
  const parsed = parseIpv4(text)
  return parsed.ok ? [parsed.value] : []
}

function choose(
  { errors, notes }: FillContext,
  d: Draft,
  { pools, taken }: { pools: readonly AddressPool[]; taken: ReadonlySet<number> },
): Ipv4 | undefined {
  const wanted = annotation(d, 'loadBalancerIPs') ?? textAt(d.manifest, 'spec', 'loadBalancerIP')
  if (wanted !== undefined) {
    const [ip] = wanted.split(',').flatMap((t) => addressOf(t.trim()))
    if (ip !== undefined && !taken.has(ip) && pools.some((p) => holds(p, ip))) return ip
    const why = ip !== undefined && taken.has(ip) ? 'which another Service has' : 'which is in no IPAddressPool'
    errors.push(inputError(d.path, `Service ${d.name} asks MetalLB for ${wanted}, ${why}; expected a free address of a pool`))
    return undefined
  }
  const named = annotation(d, 'address-pool')
  const from = pools.filter((p) => (named === undefined ? p.autoAssign : p.name === named))
  for (const { ranges } of from) {
    for (const [first, last] of ranges) for (let a: number = first; a <= last; a++) if (!taken.has(a)) return ipv4(a)
  }
  const what = named === undefined ? 'no IPAddressPool has an address left' : `IPAddressPool ${named} has no address left`
  notes.push({ what: `Service ${d.namespace}/${d.name} stays pending: ${what}`, where: d.path })
  return undefined
}
