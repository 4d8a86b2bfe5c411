import { textAt } from '../../base/fields.ts'
import { objectId } from '../../world/ids.ts'
import type { World } from '../../world/world.ts'
import type { MessageHead } from './http.ts'
import { albRoute, nginxRoute } from './reverse-proxy-match.ts'
import {
  albError,
  albRequest,
  albResponse,
  type ForwardedRequest,
  nginxError,
  nginxRequest,
  nginxResponse,
  type OwnAnswer,
} from './reverse-proxy-messages.ts'
import { ingressesOf, nodeTargets, type ProxyRoute, podTargets, routesOf } from './reverse-proxy-routes.ts'

const SECOND = 1_000_000_000

/** In what the two proxies of this folder differ. */
export interface Flavour {
  readonly name: 'nginx' | 'alb'
  /** The rules as the API server has them now. */
  routes(world: World): ProxyRoute[]
  match(routes: readonly ProxyRoute[], host: string, path: string): ProxyRoute | undefined
  request(r: ForwardedRequest): string
  response(head: MessageHead, more: { readonly chunked: boolean; readonly keep: boolean }): string
  error(status: number): OwnAnswer
  /** How many targets a request is tried on. */
  readonly tries: number
  /** ns */
  readonly connectTimeout: number
  readonly readTimeout: number
  /** For how long a connection to a target is kept for the next request, ns. */
  readonly keepAlive: number
  /** For how long a client's connection may be silent between requests, ns. */
  readonly clientKeepAlive: number
}

const NGINX_CONTROLLER = 'k8s.io/ingress-nginx'

/** ingress-nginx with its default ConfigMap: proxy-connect-timeout 5, proxy-read-timeout 60, proxy-next-upstream-tries 3. */
export const nginxFlavour: Flavour = {
  name: 'nginx',
  routes: (world) => routesOf(world, ingressesOf(world, NGINX_CONTROLLER, 'nginx'), podTargets),
  match: nginxRoute,
  request: nginxRequest,
  response: nginxResponse,
  error: nginxError,
  tries: 3,
  connectTimeout: 5 * SECOND,
  readTimeout: 60 * SECOND,
  keepAlive: 60 * SECOND,
  clientKeepAlive: 75 * SECOND,
}

/** `alb.ingress.kubernetes.io/target-type` */
export const targetType = (manifest: unknown): 'instance' | 'ip' =>
  textAt(manifest, 'metadata', 'annotations', 'alb.ingress.kubernetes.io/target-type') === 'ip' ? 'ip' : 'instance'

/** The balancer of one Ingress (`NS/NAME`): 10 s to connect to a target, 60 s of silence (idle_timeout.timeout_seconds). */
export const albFlavour = (ingress: string): Flavour => ({
  name: 'alb',
  routes: (world) => {
    const [namespace = '', name = ''] = ingress.split('/')
    const record = world.get(objectId('Ingress', namespace, name))
    if (record?.kind !== 'object') return []
    return routesOf(world, [record], targetType(record.manifest) === 'ip' ? podTargets : nodeTargets(world))
  },
  match: albRoute,
  request: albRequest,
  response: albResponse,
  error: albError,
  tries: 1,
  connectTimeout: 10 * SECOND,
  readTimeout: 60 * SECOND,
  keepAlive: 60 * SECOND,
  clientKeepAlive: 60 * SECOND,
})
