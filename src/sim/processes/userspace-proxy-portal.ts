import type { Ipv4 } from '../../net/address.ts'
import { objectId } from '../../world/ids.ts'
import type { Process } from './process.ts'
import { type ProxyTarget, targetText } from './reverse-proxy-routes.ts'
import { type Endpoints, endpointsOf, type RoundRobin, type ServicePort, servicePortText } from './userspace-proxy-balancer.ts'

/** One listening port of a proxy of layer 4. */
export interface Portal {
  readonly process: Process
  /** Where a client's connection goes, and the step that says so; no target when there is none. `reset`: the last one did not answer. */
  choose(
    client: { readonly address: Ipv4; readonly reset: boolean },
    cause: number,
  ): { readonly target: ProxyTarget | undefined; readonly seq: number }
}

const MS = 1_000_000
/** endpointDialTimeout: how often another endpoint is tried, and how long each may take, ns. */
export const DIAL_TIMEOUTS: readonly number[] = [250 * MS, 500 * MS, 1000 * MS, 2000 * MS]

/** One service port's part of kube-proxy. */
export function servicePortal(process: Process, port: ServicePort, balancer: RoundRobin): Portal {
  const { rec } = process.ns.kernel
  // As read last; an object has changed since when the recorder's version is another.
  let known: { readonly version: number; readonly endpoints: Endpoints } | undefined
  return {
    process,
    choose(client, cause) {
      if (known?.version !== rec.objectVersion) known = { version: rec.objectVersion, endpoints: endpointsOf(rec.world, port) }
      const target = balancer.next(known.endpoints, { ...client, now: process.now })
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
    },
  }
}
