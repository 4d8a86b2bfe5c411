import { at, listAt, numberAt, textAt } from '../../base/fields.ts'
import type { Prng } from '../../base/prng.ts'
import type { Ipv4 } from '../../net/address.ts'
import { recordsOf } from '../../world/overlay.ts'
import type { ObjectRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'
import { type ProxyTarget, podTargets, targetText } from './reverse-proxy-routes.ts'

/** v1.DefaultClientIPServiceAffinitySeconds: three hours. */
const DEFAULT_AFFINITY = 10800
const SECOND = 1_000_000_000

/** The service port that a socket is for. */
export interface ServicePort {
  readonly namespace: string
  readonly service: string
  /** '' for an unnamed port. */
  readonly portName: string
}

/** `default/web:http`, `default/web`: ServicePortName.String(). */
export const servicePortText = (p: ServicePort): string =>
  `${p.namespace}/${p.service}${p.portName === '' ? '' : `:${p.portName}`}`

/** What the API server says of a service port at this moment. */
export interface Endpoints {
  readonly targets: readonly ProxyTarget[]
  /** sessionAffinity ClientIP: seconds. */
  readonly affinity?: number
}

/** Ready endpoints, as this proxier reads Endpoints objects: it knows neither topology nor traffic policies. */
export function endpointsOf(world: World, of: ServicePort): Endpoints {
  let service: ObjectRecord | undefined
  const slices: ObjectRecord[] = []
  for (const r of recordsOf(world, 'object')) {
    if (r.namespace !== of.namespace) continue
    if (r.objectKind === 'Service' && r.name === of.service) service = r
    else if (r.objectKind === 'EndpointSlice' && ownerOf(r) === of.service) slices.push(r)
  }
  const port = listAt(service?.manifest, 'spec', 'ports').find((p) => (textAt(p, 'name') ?? '') === of.portName)
  const targets = podTargets({ service, port, slices })
  if (textAt(service?.manifest, 'spec', 'sessionAffinity') !== 'ClientIP') return { targets }
  const seconds = numberAt(at(service?.manifest, 'spec', 'sessionAffinityConfig', 'clientIP'), 'timeoutSeconds')
  return { targets, affinity: seconds ?? DEFAULT_AFFINITY }
}

const ownerOf = (slice: ObjectRecord): string | undefined =>
  textAt(slice.manifest, 'metadata', 'labels', 'kubernetes.io/service-name')

/**
 * LoadBalancerRR (pkg/proxy/userspace/roundrobin.go) for one service port: the endpoints in an order drawn once, one after the
 * other, from the first again whenever they change; a client that has been here keeps its endpoint where affinity is asked for.
 */
export class RoundRobin {
  readonly #random: Prng
  #known = ''
  #endpoints: ProxyTarget[] = []
  #index = 0
  readonly #clients = new Map<Ipv4, { readonly endpoint: ProxyTarget; lastUsed: number }>()

  constructor(random: Prng) {
    this.#random = random
  }

  /** NextEndpoint(). `now` in ns; `reset` after an endpoint that did not answer: affinity is not asked. Undefined: there is none. */
  next(endpoints: Endpoints, client: { readonly address: Ipv4; readonly now: number; readonly reset: boolean }) {
    this.#update(endpoints.targets)
    const { affinity } = endpoints
    const kept = this.#clients.get(client.address)
    if (affinity !== undefined && !client.reset && kept !== undefined && this.#endpoints.length > 0) {
      if (Math.floor((client.now - kept.lastUsed) / SECOND) < affinity) {
        kept.lastUsed = client.now
        return kept.endpoint
      }
    }
    const endpoint = this.#endpoints[this.#index]
    if (endpoint === undefined) return undefined
    this.#index = (this.#index + 1) % this.#endpoints.length
    if (affinity !== undefined) this.#clients.set(client.address, { endpoint, lastUsed: client.now })
    return endpoint
  }

  /** OnEndpointsUpdate() */
  #update(targets: readonly ProxyTarget[]): void {
    const texts = targets.map(targetText).toSorted()
    const key = texts.join()
    if (key === this.#known) return
    this.#known = key
    this.#index = 0
    this.#endpoints = shuffled(targets, this.#random)
    for (const [client, { endpoint }] of this.#clients) if (!texts.includes(targetText(endpoint))) this.#clients.delete(client)
  }
}

/** util.ShuffleStrings(): Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: Prng): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const a = out[i] as T
    out[i] = out[j] as T
    out[j] = a
  }
  return out
}
