import { at, listAt, numberAt, objectAt, stringsAt, textAt } from '../base/fields.ts'
import { hash32 } from '../base/prng.ts'
import { contains, formatIpv4, formatPrefix, type Ipv4, type Ipv4Prefix, ipv4, networkOf, parseIpv4 } from '../net/address.ts'
import { inputError } from './errors.ts'
import type { FillContext } from './fill-in.ts'
import { fillNodePorts } from './fill-node-ports.ts'
import { portAt, protocolAt } from './fill-pods.ts'
import type { ClusterService, ServicePort } from './model.ts'
import { type Draft, fill } from './objects.ts'

/** Cluster IPs, node ports and port defaults, as the API server fills them in. */
export function fillServices(context: FillContext): ClusterService[] {
  const { drafts, errors, serviceCIDR } = context
  const owners = new Map<number, string>()
  const services = drafts.of('Service').map((d) => ({ d, text: clusterIPText(d), ip: undefined as Ipv4 | undefined }))
  for (const s of services) {
    if (s.text === undefined || s.text === 'None' || isIpv6Only(s.d)) continue
    const path = `${s.d.path}.spec.clusterIP`
    const parsed = parseIpv4(s.text)
    if (!parsed.ok) {
      errors.push(inputError(path, `"${s.text}" is not an address; expected ${parsed.error.expected}, or None`))
      continue
    }
    const owner = owners.get(parsed.value)
    if (owner !== undefined) {
      errors.push(inputError(path, `${s.text} is the cluster IP of Service ${owner} already; expected an address of its own`))
    }
    if (!contains(serviceCIDR, parsed.value)) {
      errors.push(
        inputError(
          path,
          `${s.text} is outside cluster.serviceCIDR ${formatPrefix(serviceCIDR)}; expected an address of that range`,
        ),
      )
    }
    owners.set(parsed.value, `${s.d.namespace}/${s.d.name}`)
    s.ip = parsed.value
  }
  for (const s of services) {
    if (s.text !== undefined || isIpv6Only(s.d) || textAt(s.d.manifest, 'spec', 'type') === 'ExternalName') continue
    s.ip = allocate(serviceCIDR, `${s.d.namespace}/${s.d.name}`, owners)
    if (s.ip === undefined) {
      errors.push(inputError('cluster.serviceCIDR', `${formatPrefix(serviceCIDR)} has no address left for Service ${s.d.name}`))
      continue
    }
    owners.set(s.ip, `${s.d.namespace}/${s.d.name}`)
    fill(s.d, ['spec', 'clusterIP'], formatIpv4(s.ip))
    fill(s.d, ['spec', 'clusterIPs'], [formatIpv4(s.ip)])
  }
  fillNodePorts(context)
  return services.map((s) => readService(context, s.d, s.ip))
}

/** Such a Service has no place in the engine, which is IPv4; kube-proxy's rules for it are text. */
function isIpv6Only(d: Draft): boolean {
  const families = listAt(d.manifest, 'spec', 'ipFamilies')
  if (families.length > 0) return !families.includes('IPv4')
  return clusterIPText(d)?.includes(':') ?? false
}

/** The IPv4 one of a dual-stack Service. */
function clusterIPText(d: Draft): string | undefined {
  const all = listAt(d.manifest, 'spec', 'clusterIPs')
  return all.find((a): a is string => typeof a === 'string' && !a.includes(':')) ?? textAt(d.manifest, 'spec', 'clusterIP')
}

/**
 * The API server allocates at random from the upper band of the range, leaving the lower one to addresses that people
 * choose: min(max(16, size/16), 256) of them (KEP-3070). Here the name decides, so that the same input gives the same address.
 */
function allocate(range: Ipv4Prefix, key: string, used: ReadonlyMap<number, string>): Ipv4 | undefined {
  const size = 2 ** (32 - range.length) - 2
  const lower = size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256)
  const upper = size - lower
  const start = hash32(key) % upper
  for (let i = 0; i < size; i++) {
    const offset = i < upper ? lower + ((start + i) % upper) : i - upper
    const a = networkOf(range) + 1 + offset
    if (!used.has(a)) return ipv4(a)
  }
  return undefined
}

function readService(context: FillContext, d: Draft, clusterIP: Ipv4 | undefined): ClusterService {
  const type = textAt(d.manifest, 'spec', 'type') ?? 'ClusterIP'
  if (!TYPES.includes(type)) {
    context.errors.push(inputError(`${d.path}.spec.type`, `found ${JSON.stringify(type)}; expected one of ${TYPES.join(', ')}`))
  }
  noteWhatIsLeftOut(context, d, type)
  if (at(d.manifest, 'spec', 'type') === undefined) fill(d, ['spec', 'type'], 'ClusterIP')
  const selector = objectAt(d.manifest, 'spec', 'selector') === undefined ? undefined : stringsAt(d.manifest, 'spec', 'selector')
  const ports = listAt(d.manifest, 'spec', 'ports').flatMap((p, i) => readPort(context, d, p, i))
  if (ports.length === 0 && type !== 'ExternalName' && clusterIP !== undefined) {
    context.errors.push(inputError(`${d.path}.spec.ports`, `Service ${d.name} has no ports; expected at least one`))
  }
  return {
    namespace: d.namespace ?? 'default',
    name: d.name,
    type,
    ...(clusterIP === undefined ? {} : { clusterIP }),
    externalVips: externalVips(d),
    ports,
    ...(selector === undefined ? {} : { selector }),
    internalTrafficPolicy: textAt(d.manifest, 'spec', 'internalTrafficPolicy') === 'Local' ? 'Local' : 'Cluster',
    externalTrafficPolicy: textAt(d.manifest, 'spec', 'externalTrafficPolicy') === 'Local' ? 'Local' : 'Cluster',
    ...affinityOf(d),
  }
}

function externalVips(d: Draft): Ipv4[] {
  const ingress = listAt(d.manifest, 'status', 'loadBalancer', 'ingress').map((i) => at(i, 'ip'))
  return [...listAt(d.manifest, 'spec', 'externalIPs'), ...ingress].flatMap((t) => {
    const parsed = parseIpv4(typeof t === 'string' ? t : '')
    return parsed.ok ? [parsed.value] : []
  })
}

const TYPES: readonly string[] = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']

/** What a Service has outside the nodes, which kube-proxy does not make. */
function noteWhatIsLeftOut(context: FillContext, d: Draft, type: string): void {
  const name = `Service ${d.namespace}/${d.name}`
  if (type === 'ExternalName') {
    context.notes.push({
      what: `${name} is of type ExternalName: it only has a meaning in DNS, which is not modelled yet`,
      where: `${d.path}.spec.type`,
    })
  }
}

/** v1.DefaultClientIPServiceAffinitySeconds: three hours. */
const DEFAULT_AFFINITY_SECONDS = 10800

function affinityOf(d: Draft): Pick<ClusterService, 'affinitySeconds'> {
  if (textAt(d.manifest, 'spec', 'sessionAffinity') !== 'ClientIP') return {}
  const seconds = numberAt(d.manifest, 'spec', 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds')
  return { affinitySeconds: seconds ?? DEFAULT_AFFINITY_SECONDS }
}

function readPort(context: FillContext, d: Draft, p: unknown, i: number): ServicePort[] {
  const path = `${d.path}.spec.ports[${i}]`
  const port = portAt(context, p, 'port', path)
  if (port === undefined) return []
  if (at(p, 'protocol') === undefined) fill(d, ['spec', 'ports', i, 'protocol'], 'TCP')
  const target = at(p, 'targetPort')
  const targetPort = typeof target === 'number' || (typeof target === 'string' && target !== '') ? target : port
  // A targetPort of 0 is how Go clients leave it out.
  if (targetPort === port && target === undefined) fill(d, ['spec', 'ports', i, 'targetPort'], port)
  const nodePort = numberAt(p, 'nodePort')
  return [
    {
      name: textAt(p, 'name') ?? '',
      protocol: protocolAt(context, p, path),
      port,
      targetPort: targetPort === 0 ? port : targetPort,
      ...(nodePort === undefined ? {} : { nodePort }),
    },
  ]
}
