import type { Ipv4 } from '../../net/address.ts'
import { objectId } from '../../world/ids.ts'
import type { Process } from './process.ts'
import { type ProxyTarget, targetText } from './reverse-proxy-routes.ts'
import { type Endpoints, endpointsOf, type RoundRobin, type ServicePort, servicePortText } from './userspace-proxy-balancer.ts'

/** One service port's part of the proxy. */
export interface Portal {
  readonly process: Process
  readonly port: ServicePort
  readonly balancer: RoundRobin
  /** As read last; an object has changed since when the recorder's version is another. */
  known?: { readonly version: number; readonly endpoints: Endpoints }
}

const MS = 1_000_000
/** endpointDialTimeout: how often another endpoint is tried, and how long each may take, ns. */
export const DIAL_TIMEOUTS: readonly number[] = [250 * MS, 500 * MS, 1000 * MS, 2000 * MS]

/** The endpoint for a client, and the step that says so; no endpoint when there is none. */
export function choose(
  portal: Portal,
  client: { readonly address: Ipv4; readonly reset: boolean },
  cause: number,
): { readonly target: ProxyTarget | undefined; readonly seq: number } {
  const { process, port, balancer } = portal
  const { rec } = process.ns.kernel
  if (portal.known?.version !== rec.objectVersion) {
    portal.known = { version: rec.objectVersion, endpoints: endpointsOf(rec.world, port) }
  }
  const { endpoints } = portal.known
  const target = balancer.next(endpoints, { ...client, now: process.now })
  const seq = process.routed(
    {
      object: objectId('Service', port.namespace, port.service),
      rule: servicePortText(port),
      service: servicePortText(port),
      ...(target === undefined ? {} : { endpoint: targetText(target) }),
    },
    cause,
  )
  return { target, seq }
}
