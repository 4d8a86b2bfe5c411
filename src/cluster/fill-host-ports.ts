import { listAt, numberAt, stringsAt, textAt } from '../base/fields.ts'
import { hash32 } from '../base/prng.ts'
import { inputError } from './errors.ts'
import type { FillContext } from './fill-in.ts'
import { type Draft, fill } from './objects.ts'

// Host ports that an admission webhook gives to pods: the randhostport plugin of BlueKing Container Service's bcs-webhook-server
// (bcs-runtime/bcs-k8s/bcs-component/bcs-webhook-server/internal/plugin/randhostport). A pod asks for it with two annotations; the
// webhook adds hostPort to the ports it names, tells the containers by environment variables, and keeps two pods with the same
// port off one node by label and anti-affinity.

const KEY = 'randhostport.webhook.bkbcs.tencent.com'
/** The plugin's startPort and endPort are up to the installation; these are around what its documentation shows. */
const FIRST = 29000
const LAST = 29999

/** Of pods that are being created; what an API server stored has been through its webhooks. Errors: ports that no container has. */
export function admitHostPorts(context: FillContext): void {
  const asking = context.drafts
    .of('Pod')
    .filter((d) => stringsAt(d.manifest, 'metadata', 'annotations')[KEY] === 'true' && !isStored(d))
  if (asking.length === 0) return
  const pods = new Map<number, number>()
  for (const d of context.drafts.of('Pod')) {
    for (const port of hostPortsIn(d)) pods.set(port.port, (pods.get(port.port) ?? 0) + 1)
  }
  for (const d of asking) admit(context, d, pods)
}

const isStored = (d: Draft): boolean => textAt(d.manifest, 'metadata', 'uid') !== undefined

function admit({ errors }: FillContext, d: Draft, pods: Map<number, number>): void {
  const annotation = `ports.${KEY}`
  const wanted = (stringsAt(d.manifest, 'metadata', 'annotations')[annotation] ?? '').split(',').map((p) => p.trim())
  const given: { readonly containerPort: number; readonly hostPort: number }[] = []
  listAt(d.manifest, 'spec', 'containers').forEach((c, i) => {
    listAt(c, 'ports').forEach((p, j) => {
      const containerPort = numberAt(p, 'containerPort')
      const isWanted = wanted.includes(String(containerPort)) || wanted.includes(textAt(p, 'name') ?? '')
      if (containerPort === undefined || !isWanted || numberAt(p, 'hostPort') !== undefined) return
      const hostPort = leastUsed(pods, `${d.namespace}/${d.name}/${containerPort}`)
      pods.set(hostPort, (pods.get(hostPort) ?? 0) + 1)
      fill(d, ['spec', 'containers', i, 'ports', j, 'hostPort'], hostPort)
      given.push({ containerPort, hostPort })
    })
  })
  if (given.length < wanted.length && hostPortsIn(d).length < wanted.length) {
    const message = `found "${wanted.join(',')}"; expected ports that the containers of pod ${d.name} have, by number or name`
    errors.push(inputError(`${d.path}.metadata.annotations["${annotation}"]`, message))
  }
  for (const { containerPort, hostPort } of given) {
    fill(d, ['metadata', 'annotations', `${KEY}.${containerPort}`], String(hostPort))
    fill(d, ['metadata', 'labels', `${hostPort}.${KEY}`], String(hostPort))
  }
  if (given.length === 0) return
  fill(d, ['metadata', 'labels', KEY], 'true')
  injectEnvironment(d, given)
  const terms = ['spec', 'affinity', 'podAntiAffinity', 'requiredDuringSchedulingIgnoredDuringExecution']
  const present = listAt(d.manifest, ...terms).length
  given.forEach(({ hostPort }, i) => {
    const labelSelector = { matchLabels: { [`${hostPort}.${KEY}`]: String(hostPort) } }
    fill(d, [...terms, present + i], { labelSelector, topologyKey: 'kubernetes.io/hostname' })
  })
}

/** The port with the fewest pods. The plugin takes any of these, here the name decides which comes first. */
function leastUsed(pods: ReadonlyMap<number, number>, key: string): number {
  const size = LAST - FIRST + 1
  const start = hash32(key) % size
  let best = FIRST + start
  for (let i = 0; i < size; i++) {
    const port = FIRST + ((start + i) % size)
    if ((pods.get(port) ?? 0) < (pods.get(best) ?? 0)) best = port
    if ((pods.get(best) ?? 0) === 0) return best
  }
  return best
}

/** Every container is told every port, and where it is. */
function injectEnvironment(d: Draft, given: readonly { readonly containerPort: number; readonly hostPort: number }[]): void {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } })
  const env = [
    ...given.map((g) => ({ name: `BCS_RANDHOSTPORT_FOR_CONTAINER_PORT_${g.containerPort}`, value: String(g.hostPort) })),
    field('BCS_RANDHOSTPORT_HOSTIP', 'status.hostIP'),
    field('BCS_RANDHOSTPORT_POD_NAME', 'metadata.name'),
    field('BCS_RANDHOSTPORT_POD_NAMESPACE', 'metadata.namespace'),
  ]
  listAt(d.manifest, 'spec', 'containers').forEach((c, i) => {
    const present = listAt(c, 'env').length
    env.forEach((e, j) => {
      fill(d, ['spec', 'containers', i, 'env', present + j], e)
    })
  })
}

/** A host port as the scheduler compares it (plugin NodePorts): by protocol, port, and address where one is given. */
export interface HostPort {
  readonly port: number
  readonly protocol: string
  readonly hostIP: string
}

export const hostPortsIn = (d: Draft): HostPort[] =>
  listAt(d.manifest, 'spec', 'containers').flatMap((c) =>
    listAt(c, 'ports').flatMap((p) => {
      const port = numberAt(p, 'hostPort') ?? 0
      return port === 0 ? [] : [{ port, protocol: textAt(p, 'protocol') ?? 'TCP', hostIP: textAt(p, 'hostIP') ?? '0.0.0.0' }]
    }),
  )

/** HostPortInfo.CheckConflict. */
export const clashes = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.hostIP === b.hostIP || a.hostIP === '0.0.0.0' || b.hostIP === '0.0.0.0')
