import { at, listAt, textAt } from '../../base/fields.ts'
import { ok, type Result } from '../../base/result.ts'
import { recordsOf } from '../../world/overlay.ts'
import type { World } from '../../world/world.ts'
import { HTTP_BACKLOG, type Respond, serveHttp } from './http-server.ts'
import { type CommandError, commandError } from './options.ts'
import type { Process } from './process.ts'
import type { Runnable } from './program.ts'

// What kube-proxy answers at a Service's healthCheckNodePort, for load balancers (pkg/proxy/healthcheck/service_health.go).

export interface HealthCheck {
  readonly namespace: string
  readonly name: string
  readonly port: number
}

/** `healthcheck NS/NAME PORT`: kube-proxy's server for one Service. The real process has one for each, in itself. */
export function parseHealthCheck(argv: readonly string[]): HealthCheck | undefined {
  const [word, service = '', text] = argv
  const [namespace = '', name] = service.split('/')
  const port = Number(text)
  return word === 'healthcheck' && name !== undefined && Number.isInteger(port) ? { namespace, name, port } : undefined
}

export function prepareHealthCheck(argv: readonly string[]): Result<Runnable, CommandError> {
  const check = parseHealthCheck(argv)
  if (check === undefined) return commandError('kube-proxy: expected healthcheck NAMESPACE/NAME PORT')
  return ok({
    role: 'server',
    notes: [],
    listens: { protocol: 'tcp', port: check.port, backlog: HTTP_BACKLOG },
    start: (process, cause) =>
      serveHttp(process, { port: check.port, name: 'kube-proxy', respond: health(process, check) }, cause),
  })
}

/** 200 while this node has a ready endpoint of the Service, 503 when it has none: load balancers then leave it out. */
const health =
  (process: Process, check: HealthCheck): Respond =>
  () =>
    healthAnswer(check, localEndpoints(process.ns.kernel.rec.world, check, process.hostname))

export const healthAnswer = ({ namespace, name }: Pick<HealthCheck, 'namespace' | 'name'>, count: number) => ({
  status: count > 0 ? '200 OK' : '503 Service Unavailable',
  headers: ['Content-Type: application/json', 'X-Content-Type-Options: nosniff', `X-Load-Balancing-Endpoint-Weight: ${count}`],
  body: `{\n\t"service": {\n\t\t"namespace": "${namespace}",\n\t\t"name": "${name}"\n\t},\n\t"localEndpoints": ${count},\n\t"serviceProxyHealthy": true\n}`,
})

/** EndpointsMap.LocalReadyEndpoints: distinct addresses that are ready and on the node. */
export function localEndpoints(world: World, { namespace, name }: Pick<HealthCheck, 'namespace' | 'name'>, node: string): number {
  const addresses = new Set<string>()
  for (const r of recordsOf(world, 'object')) {
    if (r.objectKind !== 'EndpointSlice' || (r.namespace ?? 'default') !== namespace) continue
    if (textAt(r.manifest, 'metadata', 'labels', 'kubernetes.io/service-name') !== name) continue
    for (const e of listAt(r.manifest, 'endpoints')) {
      const [address] = listAt(e, 'addresses')
      const isReady = at(e, 'conditions', 'ready') !== false
      if (typeof address === 'string' && isReady && textAt(e, 'nodeName') === node) addresses.add(address)
    }
  }
  return addresses.size
}
