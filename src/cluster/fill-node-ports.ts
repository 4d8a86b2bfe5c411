import { at, listAt, numberAt, textAt } from '../base/fields.ts'
import { hash32 } from '../base/prng.ts'
import { inputError } from './errors.ts'
import type { FillContext } from './fill-in.ts'
import { type Draft, fill } from './objects.ts'

/** --service-node-port-range's default. */
const FIRST = 30000
const LAST = 32767
/** Left to ports that people choose: min(max(16, size/32), 128) of them (KEP-3668). */
const STATIC_BAND = Math.min(Math.max(16, Math.floor((LAST - FIRST + 1) / 32)), 128)

/**
 * Node ports and health check node ports that the API server would allocate: for types NodePort and LoadBalancer, unless
 * allocateLoadBalancerNodePorts is false; one for all protocols of one port number. It picks at random, here the names decide.
 * Errors: a node port that two Services ask for.
 */
export function fillNodePorts(context: FillContext): void {
  const services = context.drafts.of('Service')
  const owners = new Map<string, string>()
  const used = new Set<number>()
  for (const d of services) takeGiven(context, d, owners, used)
  for (const d of services) {
    const type = textAt(d.manifest, 'spec', 'type')
    const wanted = at(d.manifest, 'spec', 'allocateLoadBalancerNodePorts') !== false
    if (type === 'NodePort' || (type === 'LoadBalancer' && wanted)) allocate(d, used)
    const local = textAt(d.manifest, 'spec', 'externalTrafficPolicy') === 'Local'
    if (type === 'LoadBalancer' && local && (numberAt(d.manifest, 'spec', 'healthCheckNodePort') ?? 0) === 0) {
      fill(d, ['spec', 'healthCheckNodePort'], next(`${d.namespace}/${d.name}/healthCheckNodePort`, used))
    }
  }
}

function takeGiven(context: FillContext, d: Draft, owners: Map<string, string>, used: Set<number>): void {
  const name = `${d.namespace}/${d.name}`
  listAt(d.manifest, 'spec', 'ports').forEach((p, i) => {
    const port = numberAt(p, 'nodePort') ?? 0
    if (port === 0) return
    const key = `${port}/${textAt(p, 'protocol') ?? 'TCP'}`
    const owner = owners.get(key)
    if (owner !== undefined) {
      const path = `${d.path}.spec.ports[${i}].nodePort`
      context.errors.push(inputError(path, `${port} is the node port of Service ${owner} already; expected a port of its own`))
    }
    owners.set(key, name)
    used.add(port)
  })
  const health = numberAt(d.manifest, 'spec', 'healthCheckNodePort') ?? 0
  if (health !== 0) used.add(health)
}

function allocate(d: Draft, used: Set<number>): void {
  const ports = listAt(d.manifest, 'spec', 'ports')
  const byPort = new Map<number, number>()
  for (const p of ports) {
    const given = numberAt(p, 'nodePort') ?? 0
    if (given !== 0) byPort.set(numberAt(p, 'port') ?? 0, given)
  }
  ports.forEach((p, i) => {
    if ((numberAt(p, 'nodePort') ?? 0) !== 0) return
    const port = numberAt(p, 'port') ?? 0
    const nodePort = byPort.get(port) ?? next(`${d.namespace}/${d.name}/${port}`, used)
    byPort.set(port, nodePort)
    fill(d, ['spec', 'ports', i, 'nodePort'], nodePort)
  })
}

/** The first free one from where the name points, above the static band while there is room. */
function next(key: string, used: Set<number>): number {
  const upper = LAST - FIRST + 1 - STATIC_BAND
  const start = hash32(key) % upper
  for (let i = 0; i <= LAST - FIRST; i++) {
    const port = FIRST + (i < upper ? STATIC_BAND + ((start + i) % upper) : i - upper)
    if (used.has(port)) continue
    used.add(port)
    return port
  }
  return 0
}
