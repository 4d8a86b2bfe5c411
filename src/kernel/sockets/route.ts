import { ROUTE_RESULTS, type RouteResult } from '../../trace/step.ts'
import type { Device, Flow, RouteLookup } from '../types.ts'
import type { Errno } from './errno.ts'
import type { SocketHost } from './host.ts'

const RESULT = Object.fromEntries(ROUTE_RESULTS.map((r, i) => [i, r])) as Record<number, RouteResult>

/** What connect(2) and sendto(2) learn before anything is sent. */
export interface OutputRoute {
  readonly error: Errno | undefined
  readonly result: RouteResult
  /** The device that the packet leaves by: loopback for our own addresses. */
  readonly device: Device | undefined
  /** The source address that the route prefers. */
  readonly source: number
}

/** ip_route_output_key(): writes no step, the packet's own lookup will. */
export function routeTo(host: SocketHost, want: { dst: number; src: number; oif: Device | undefined }): OutputRoute {
  const flow: Flow = { dst: want.dst, src: want.src, mark: 0, tos: 0, iif: undefined, oif: want.oif }
  const found: RouteLookup = host.ns.fib.lookup(flow)
  const result = RESULT[found.result] ?? 'none'
  return {
    error: errorOf(result),
    result,
    device: result === 'local' ? (host.ns.loopback ?? found.device) : found.device,
    source: want.src !== 0 ? want.src : found.source,
  }
}

/**
 * ip_route_connect(): what connect(2) asks. Where the source is still open the first answer only tells it, and the way is looked
 * up once more from there: policy rules with `from` see it then.
 */
export function routeConnect(host: SocketHost, want: { dst: number; src: number; oif: Device | undefined }): OutputRoute {
  const first = routeTo(host, want)
  return first.error !== undefined || want.src !== 0 ? first : routeTo(host, { ...want, src: first.source })
}

/** fib_props[] */
function errorOf(result: RouteResult): Errno | undefined {
  switch (result) {
    case 'unreachable':
      return 'EHOSTUNREACH'
    case 'prohibit':
      return 'EACCES'
    case 'blackhole':
      return 'EINVAL'
    case 'none':
      return 'ENETUNREACH'
    default:
      return undefined
  }
}
