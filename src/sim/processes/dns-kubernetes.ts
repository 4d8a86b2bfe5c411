import { parseIpv4 } from '../../net/address.ts'
import {
  aRecord,
  DNS_TYPES,
  type DnsQuestion,
  type DnsRecord,
  nameRecord,
  RCODE,
  soaRecord,
  srvRecord,
} from '../../net/dns-message.ts'
import { canonicalName, isSubdomain, splitName } from '../../net/dns-name.ts'
import type { DnsEndpoint, DnsEndpoints, DnsObjects, DnsPort, DnsService } from './dns-objects.ts'

// CoreDNS' kubernetes plugin (plugin/kubernetes, plugin/backend_lookup.go): names of Services, endpoints and pods by the
// Kubernetes DNS specification.

export interface KubernetesOptions {
  /** Canonical, with the dot. */
  readonly zones: readonly string[]
  /** Seconds. */
  readonly ttl: number
  readonly pods: 'disabled' | 'insecure' | 'verified'
  /** `endpoint_pod_names`: endpoints are called as their pods. */
  readonly endpointPodNames: boolean
  /** Zones whose unknown names the next plugin may know; `.` for all. */
  readonly fallthrough: readonly string[]
  /** `ignore empty_service` */
  readonly ignoreEmptyService: boolean
  /** The pod's own address, by which its Service is found (ns.dns.cluster.local). */
  readonly localIp: string | undefined
}

export type KubernetesAnswer =
  | { readonly kind: 'records'; readonly answers: readonly DnsRecord[]; readonly additional: readonly DnsRecord[] }
  /** NXDOMAIN or NODATA, with the zone's SOA. */
  | { readonly kind: 'negative'; readonly rcode: number; readonly authority: readonly DnsRecord[] }
  /** A CNAME out of the zone: its target has to be looked up elsewhere, and stands behind it. */
  | { readonly kind: 'external'; readonly answers: readonly DnsRecord[]; readonly target: string }
  | { readonly kind: 'next' }

/** What a name stands for: an address, or another name, with a port. */
interface Found {
  readonly host: string
  readonly port: number
  /** The name that the record is about, absolute. */
  readonly key: string
}
/** Undefined: the name does not exist (errNoItems and its kin). */
type Items = readonly Found[] | undefined

interface Request {
  readonly objects: DnsObjects
  readonly options: KubernetesOptions
  readonly zone: string
}

/** RFC 1982 serials count; CoreDNS takes the Unix time of the newest change. A run has no calendar: it begins at this second. */
const BEGINNING = 1_767_225_600
const MAX_CNAMES = 10

/** ServeDNS() of the plugin. */
export function kubernetesAnswer(objects: DnsObjects, options: KubernetesOptions, q: DnsQuestion): KubernetesAnswer {
  const name = canonicalName(q.name)
  const zone = options.zones.filter((z) => isSubdomain(z, name)).toSorted((a, b) => b.length - a.length)[0]
  if (zone === undefined) return { kind: 'next' }
  const r: Request = { objects, options, zone }
  const missing = (): KubernetesAnswer =>
    options.fallthrough.some((z) => isSubdomain(z, name)) ? { kind: 'next' } : negative(r, RCODE.NXDOMAIN)
  switch (q.type) {
    case DNS_TYPES.A:
    case DNS_TYPES.AAAA:
      return addresses(r, q, name) ?? missing()
    case DNS_TYPES.CNAME:
      return records(r, cnames(r, q, name)) ?? missing()
    case DNS_TYPES.SRV:
      return services(r, q, name) ?? missing()
    case DNS_TYPES.PTR:
      return records(r, pointers(r, q, name)) ?? missing()
    case DNS_TYPES.SOA:
      return name === zone ? { kind: 'records', answers: [soa(r)], additional: [] } : negative(r, RCODE.NOERROR)
    case DNS_TYPES.NS:
      if (name === zone) return nameServers(r, q)
      return itemsOf(r, name) === undefined ? missing() : negative(r, RCODE.NOERROR)
    default:
      return itemsOf(r, name) === undefined ? missing() : negative(r, RCODE.NOERROR)
  }
}

function soa({ objects, options, zone }: Request): DnsRecord {
  return soaRecord(zone, Math.min(options.ttl, 300), {
    mname: `ns.dns.${zone}`,
    rname: `hostmaster.${zone}`,
    serial: BEGINNING + Math.floor(objects.modified / 1e9),
    refresh: 7200,
    retry: 1800,
    expire: 86400,
    minimum: options.ttl,
  })
}

const negative = (r: Request, rcode: number): KubernetesAnswer => ({ kind: 'negative', rcode, authority: [soa(r)] })

const records = (r: Request, found: readonly DnsRecord[] | undefined): KubernetesAnswer | undefined =>
  found === undefined
    ? undefined
    : found.length === 0
      ? negative(r, RCODE.NOERROR)
      : { kind: 'records', answers: found, additional: [] }

/** plugin.A and plugin.AAAA: CNAMEs inside the zone are followed here. */
function addresses(r: Request, q: DnsQuestion, name: string): KubernetesAnswer | undefined {
  const out: DnsRecord[] = []
  let owner = q.name
  let at = name
  for (let i = 0; i <= MAX_CNAMES; i++) {
    const items = itemsOf(r, at)
    if (items === undefined) return i === 0 ? undefined : negative(r, RCODE.NOERROR)
    const alias = items.find((f) => !parseIpv4(f.host).ok)
    if (alias === undefined) {
      const seen = new Set<string>()
      for (const f of q.type === DNS_TYPES.A ? items : []) {
        const address = parseIpv4(f.host)
        if (!address.ok || seen.has(f.host)) continue
        seen.add(f.host)
        out.push(aRecord(owner, r.options.ttl, address.value))
      }
      // A chain that leads to no address says nothing at all.
      const complete = out.some((o) => o.type === DNS_TYPES.A)
      return complete ? { kind: 'records', answers: out, additional: [] } : negative(r, RCODE.NOERROR)
    }
    const target = `${alias.host.replace(/\.$/, '')}.`
    if (canonicalName(target) === at || out.some((o) => canonicalName(o.name) === canonicalName(target))) {
      return negative(r, RCODE.NOERROR)
    }
    out.push(nameRecord(owner, 'CNAME', r.options.ttl, target))
    if (!isSubdomain(r.zone, canonicalName(target))) return { kind: 'external', answers: out, target }
    owner = target
    at = canonicalName(target)
  }
  return negative(r, RCODE.NOERROR)
}

function cnames(r: Request, q: DnsQuestion, name: string): DnsRecord[] | undefined {
  const items = itemsOf(r, name)
  const [first] = items ?? []
  if (items === undefined) return undefined
  if (first === undefined || parseIpv4(first.host).ok) return []
  return [nameRecord(q.name, 'CNAME', r.options.ttl, `${first.host.replace(/\.$/, '')}.`)]
}

/** plugin.SRV: a target of its own for each port and endpoint, and the target's address beside it. ExternalName has none. */
function services(r: Request, q: DnsQuestion, name: string): KubernetesAnswer | undefined {
  const items = itemsOf(r, name)?.filter((f) => parseIpv4(f.host).ok)
  if (items === undefined) return undefined
  const weight = Math.max(1, Math.floor(100 / Math.max(1, items.length)))
  const answers = new Map<string, DnsRecord>()
  const additional = new Map<string, DnsRecord>()
  for (const f of items) {
    const address = parseIpv4(f.host)
    if (f.port === -1 || !address.ok) continue
    const data = { priority: 0, weight, port: f.port, target: f.key }
    const key = `${f.key} ${f.port}`
    if (!answers.has(key)) answers.set(key, srvRecord(q.name, r.options.ttl, data))
    const glue = `${f.key} ${f.host}`
    if (!additional.has(glue)) additional.set(glue, aRecord(f.key, r.options.ttl, address.value))
  }
  if (answers.size === 0) return negative(r, RCODE.NOERROR)
  return { kind: 'records', answers: [...answers.values()], additional: [...additional.values()] }
}

/** Reverse(): a cluster IP first, then endpoints. */
function pointers(r: Request, q: DnsQuestion, name: string): DnsRecord[] | undefined {
  const { objects, options } = r
  const reverse = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa\.$/.exec(name)
  if (reverse === null) return itemsOf(r, name) === undefined ? undefined : []
  const ip = reverse.slice(1).reverse().join('.')
  const primary = options.zones.find((z) => !z.endsWith('.arpa.')) ?? r.zone
  const service = objects.serviceByIp.get(ip)
  const names =
    service !== undefined
      ? [`${service.name}.${service.namespace}.svc.${primary}`]
      : (objects.endpointsByIp.get(ip) ?? []).flatMap((e) =>
          e.addresses
            .filter((a) => a.ip === ip)
            .map((a) => `${endpointName(a, options)}.${e.service}.${e.namespace}.svc.${primary}`),
        )
  if (names.length === 0) return undefined
  return [...new Set(names)].map((target) => nameRecord(q.name, 'PTR', options.ttl, target))
}

/** NS of the zone: ns.dns.ZONE, with the address of the Service that this CoreDNS is behind. */
function nameServers(r: Request, q: DnsQuestion): KubernetesAnswer {
  const target = `ns.dns.${r.zone}`
  const own = itemsOf(r, target) ?? []
  const additional = own.flatMap((f) => {
    const address = parseIpv4(f.host)
    return address.ok ? [aRecord(target, r.options.ttl, address.value)] : []
  })
  return { kind: 'records', answers: [nameRecord(q.name, 'NS', r.options.ttl, target)], additional }
}

/** hostname, else by `endpoint_pod_names` the pod's name, else the address with dashes. */
const endpointName = (e: DnsEndpoint, options: KubernetesOptions): string =>
  e.hostname ?? (options.endpointPodNames && e.pod !== undefined && e.pod.length < 64 ? e.pod : e.ip.replaceAll('.', '-'))

/** Records() and findServices(), findPods(): the items of a name; empty for one that exists and has none. */
function itemsOf(r: Request, name: string): Items {
  const { objects, options, zone } = r
  if (zone.endsWith('.arpa.')) return undefined
  if (name === `ns.dns.${zone}`) return ownService(r)
  const labels = splitName(name.slice(0, name.length - zone.length))
  const kind = labels.at(-1)
  if (kind === undefined) return []
  if (kind !== 'svc' && kind !== 'pod') return undefined
  const namespace = labels.at(-2)
  if (namespace === undefined) return []
  if (!objects.namespaces.has(namespace)) return undefined
  const service = labels.at(-3)
  if (service === undefined) return []
  if (kind === 'pod') return labels.length > 3 ? undefined : podItems(r, service, namespace, name)
  const rest = labels.slice(0, -3)
  if (rest.length > 2) return undefined
  const s = objects.services.get(`${service}.${namespace}`)
  if (s === undefined) return undefined
  const endpoint = rest.length === 1 ? rest[0] : undefined
  const [port = '', protocol = ''] = rest.length === 2 ? rest.map((l) => l.replace(/^_/, '')) : []
  const wants = (p: DnsPort) =>
    (port === '' || p.name.toLowerCase() === port) && (protocol === '' || p.protocol.toLowerCase() === protocol)
  const endpoints = objects.endpoints.get(`${s.name}.${s.namespace}`) ?? []
  if (
    options.ignoreEmptyService &&
    s.externalName === undefined &&
    !s.headless &&
    !endpoints.some((e) => e.addresses.length > 0)
  ) {
    return undefined
  }
  const key = `${s.name}.${s.namespace}.svc.${zone}`
  if (s.externalName !== undefined) {
    return rest.length > 0 || parseIpv4(s.externalName).ok ? undefined : [{ host: s.externalName, port: -1, key }]
  }
  if (s.headless || endpoint !== undefined) return endpointItems(r, endpoints, { endpoint, wants, key })
  return orMissing(s.ports.filter(wants).flatMap((p) => s.clusterIPs.map((host) => ({ host, port: p.port, key }))))
}

const orMissing = (items: readonly Found[]): Items => (items.length === 0 ? undefined : items)

function endpointItems(
  { options }: Request,
  endpoints: readonly DnsEndpoints[],
  want: { readonly endpoint: string | undefined; readonly wants: (p: DnsPort) => boolean; readonly key: string },
): Items {
  return orMissing(
    endpoints.flatMap((e) =>
      e.addresses.flatMap((a) => {
        const hostname = endpointName(a, options)
        if (want.endpoint !== undefined && want.endpoint !== hostname.toLowerCase()) return []
        return e.ports.filter(want.wants).map((p) => ({ host: a.ip, port: p.port, key: `${hostname}.${want.key}` }))
      }),
    ),
  )
}

/** `10-244-1-3.default.pod.cluster.local` */
function podItems({ options, objects }: Request, label: string, namespace: string, name: string): Items {
  const host = label.replaceAll('-', '.')
  if (options.pods === 'disabled' || !parseIpv4(host).ok || label.split('-').length !== 4) return undefined
  if (options.pods === 'verified' && !objects.pods.has(`${host} ${namespace}`)) return undefined
  return [{ host, port: -1, key: name }]
}

function ownService({ objects, options, zone }: Request): Items {
  const own = (objects.endpointsByIp.get(options.localIp ?? '') ?? []).flatMap((e): readonly DnsService[] => {
    const s = objects.services.get(`${e.service}.${e.namespace}`)
    return s === undefined ? [] : [s]
  })
  const ips = own.flatMap((s) => s.clusterIPs)
  const hosts = ips.length > 0 ? ips : options.localIp === undefined ? [] : [options.localIp]
  return hosts.map((host) => ({ host, port: -1, key: `ns.dns.${zone}` }))
}
