import { at, type Fields, isObject, listAt, numberAt, objectAt, stringsAt, textAt } from '../../base/fields.ts'
import { firstThree } from './table.ts'

/** What `kubectl get` shows of a kind: pkg/printers/internalversion/printers.go. */
export interface ResourceColumns {
  readonly kind: string
  /** The resource's plural, as errors name it: `services`, `endpointslices.discovery.k8s.io`. */
  readonly resource: string
  readonly names: readonly string[]
  readonly namespaced: boolean
  readonly header: readonly string[]
  readonly wide: readonly string[]
  /** `pods`: all of the cluster, for what counts its own. */
  cells(manifest: Fields, pods: readonly Fields[]): { readonly row: readonly string[]; readonly wide: readonly string[] }
}

/** Objects of a document were not created at any time: what kubectl prints for a zero creationTimestamp. */
const AGE = '<unknown>'

/** `app=web,tier=front`, as selectors and labels are shown. */
export const joined = (labels: Readonly<Record<string, string>>): string => {
  const list = Object.entries(labels).map(([k, v]) => `${k}=${v}`)
  return list.length === 0 ? '<none>' : list.join(',')
}

const SERVICES: ResourceColumns = {
  kind: 'Service',
  resource: 'services',
  names: ['service', 'services', 'svc'],
  namespaced: true,
  header: ['NAME', 'TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'AGE'],
  wide: ['SELECTOR'],
  cells: (m) => ({
    row: [
      nameOf(m),
      serviceType(m),
      textAt(m, 'spec', 'clusterIP') ?? '<none>',
      serviceExternalIps(m),
      servicePorts(m).join(',') || '<none>',
      AGE,
    ],
    wide: [joined(stringsAt(m, 'spec', 'selector'))],
  }),
}

export const nameOf = (m: Fields): string => textAt(m, 'metadata', 'name') ?? ''
export const serviceType = (m: Fields): string => textAt(m, 'spec', 'type') ?? 'ClusterIP'

function servicePorts(m: Fields): string[] {
  return listAt(m, 'spec', 'ports').map((p) => {
    const nodePort = numberAt(p, 'nodePort')
    return `${numberAt(p, 'port') ?? 0}${nodePort === undefined ? '' : `:${nodePort}`}/${textAt(p, 'protocol') ?? 'TCP'}`
  })
}

/** getServiceExternalIP() */
function serviceExternalIps(m: Fields): string {
  const type = serviceType(m)
  const given = listAt(m, 'spec', 'externalIPs').filter((a) => typeof a === 'string')
  if (type === 'ExternalName') return textAt(m, 'spec', 'externalName') ?? '<none>'
  if (type !== 'LoadBalancer') return given.join(',') || '<none>'
  const balancers = listAt(m, 'status', 'loadBalancer', 'ingress').flatMap((i) => textAt(i, 'ip') ?? textAt(i, 'hostname') ?? [])
  return [...balancers, ...given].join(',') || '<pending>'
}

const PODS: ResourceColumns = {
  kind: 'Pod',
  resource: 'pods',
  names: ['pod', 'pods', 'po'],
  namespaced: true,
  header: ['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE'],
  wide: ['IP', 'NODE', 'NOMINATED NODE', 'READINESS GATES'],
  cells: (m) => {
    const containers = listAt(m, 'spec', 'containers').length
    const ready = isReady(m) ? containers : 0
    const deleted = at(m, 'metadata', 'deletionTimestamp') !== undefined
    const status = deleted ? 'Terminating' : (textAt(m, 'status', 'reason') ?? textAt(m, 'status', 'phase') ?? 'Running')
    return {
      row: [nameOf(m), `${ready}/${containers}`, status, '0', AGE],
      wide: [textAt(m, 'status', 'podIP') ?? '<none>', textAt(m, 'spec', 'nodeName') ?? '<none>', '<none>', '<none>'],
    }
  },
}

/** The Ready condition; a pod that says nothing of it is taken to run. */
export function isReady(pod: Fields): boolean {
  const ready = listAt(pod, 'status', 'conditions').find((c) => textAt(c, 'type') === 'Ready')
  return ready === undefined || textAt(ready, 'status') === 'True'
}

const SLICES: ResourceColumns = {
  kind: 'EndpointSlice',
  resource: 'endpointslices.discovery.k8s.io',
  names: ['endpointslice', 'endpointslices'],
  namespaced: true,
  header: ['NAME', 'ADDRESSTYPE', 'PORTS', 'ENDPOINTS', 'AGE'],
  wide: [],
  cells: (m) => ({
    row: [
      nameOf(m),
      textAt(m, 'addressType') ?? 'IPv4',
      firstThree(
        listAt(m, 'ports').map((p) => String(numberAt(p, 'port') ?? '*')),
        '<unset>',
      ),
      firstThree(
        listAt(m, 'endpoints').flatMap((e) => listAt(e, 'addresses').filter((a) => typeof a === 'string')),
        '<unset>',
      ),
      AGE,
    ],
    wide: [],
  }),
}

const NODES: ResourceColumns = {
  kind: 'Node',
  resource: 'nodes',
  names: ['node', 'nodes', 'no'],
  namespaced: false,
  header: ['NAME', 'STATUS', 'ROLES', 'AGE', 'VERSION'],
  wide: ['INTERNAL-IP', 'EXTERNAL-IP', 'OS-IMAGE', 'KERNEL-VERSION', 'CONTAINER-RUNTIME'],
  cells: (m) => {
    const roles = Object.keys(stringsAt(m, 'metadata', 'labels')).flatMap(
      (k) => /^node-role\.kubernetes\.io\/(.+)$/.exec(k)?.[1] ?? [],
    )
    const address = (type: string) =>
      listAt(m, 'status', 'addresses').flatMap((a) => (textAt(a, 'type') === type ? (textAt(a, 'address') ?? []) : []))[0] ??
      '<none>'
    const info = objectAt(m, 'status', 'nodeInfo')
    const said = (key: string) => textAt(info, key) ?? '<unknown>'
    return {
      row: [
        nameOf(m),
        `${isReady(m) ? 'Ready' : 'NotReady'}${at(m, 'spec', 'unschedulable') === true ? ',SchedulingDisabled' : ''}`,
        roles.sort().join(',') || '<none>',
        AGE,
        textAt(info, 'kubeletVersion') ?? '',
      ],
      wide: [
        address('InternalIP'),
        address('ExternalIP'),
        said('osImage'),
        said('kernelVersion'),
        said('containerRuntimeVersion'),
      ],
    }
  },
}

const INGRESSES: ResourceColumns = {
  kind: 'Ingress',
  resource: 'ingresses.networking.k8s.io',
  names: ['ingress', 'ingresses', 'ing'],
  namespaced: true,
  header: ['NAME', 'CLASS', 'HOSTS', 'ADDRESS', 'PORTS', 'AGE'],
  wide: [],
  cells: (m) => ({
    row: [
      nameOf(m),
      textAt(m, 'spec', 'ingressClassName') ?? '<none>',
      firstThree(
        listAt(m, 'spec', 'rules').flatMap((r) => textAt(r, 'host') ?? []),
        '*',
      ),
      listAt(m, 'status', 'loadBalancer', 'ingress')
        .flatMap((i) => textAt(i, 'ip') ?? textAt(i, 'hostname') ?? [])
        .join(','),
      listAt(m, 'spec', 'tls').some(isObject) ? '80, 443' : '80',
      AGE,
    ],
    wide: [],
  }),
}

/** Pods that a workload's selector matches. */
function podsOf(m: Fields, pods: readonly Fields[]): Fields[] {
  const wanted = Object.entries(stringsAt(m, 'spec', 'selector', 'matchLabels'))
  const namespace = textAt(m, 'metadata', 'namespace') ?? 'default'
  return pods.filter((p) => {
    const labels = stringsAt(p, 'metadata', 'labels')
    const alive = at(p, 'metadata', 'deletionTimestamp') === undefined
    return alive && (textAt(p, 'metadata', 'namespace') ?? 'default') === namespace && wanted.every(([k, v]) => labels[k] === v)
  })
}

/** Made of the template as it is now. */
const isUpToDate = (m: Fields, pod: Fields): boolean =>
  JSON.stringify(listAt(m, 'spec', 'template', 'spec', 'containers')) === JSON.stringify(listAt(pod, 'spec', 'containers'))

const replicas = (m: Fields): number => numberAt(m, 'spec', 'replicas') ?? 1
const images = (m: Fields): string =>
  listAt(m, 'spec', 'template', 'spec', 'containers')
    .map((c) => textAt(c, 'image') ?? '')
    .join(',')
const containers = (m: Fields): string =>
  listAt(m, 'spec', 'template', 'spec', 'containers')
    .map((c) => textAt(c, 'name') ?? '')
    .join(',')

const DEPLOYMENTS: ResourceColumns = {
  kind: 'Deployment',
  resource: 'deployments.apps',
  names: ['deployment', 'deployments', 'deploy'],
  namespaced: true,
  header: ['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE'],
  wide: ['CONTAINERS', 'IMAGES', 'SELECTOR'],
  cells: (m, pods) => {
    const own = podsOf(m, pods)
    const ready = own.filter(isReady).length
    const current = own.filter((p) => isUpToDate(m, p)).length
    return {
      row: [nameOf(m), `${ready}/${replicas(m)}`, String(current), String(ready), AGE],
      wide: [containers(m), images(m), joined(stringsAt(m, 'spec', 'selector', 'matchLabels'))],
    }
  },
}

const STATEFUL_SETS: ResourceColumns = {
  kind: 'StatefulSet',
  resource: 'statefulsets.apps',
  names: ['statefulset', 'statefulsets', 'sts'],
  namespaced: true,
  header: ['NAME', 'READY', 'AGE'],
  wide: ['CONTAINERS', 'IMAGES'],
  cells: (m, pods) => ({
    row: [nameOf(m), `${podsOf(m, pods).filter(isReady).length}/${replicas(m)}`, AGE],
    wide: [containers(m), images(m)],
  }),
}

const DAEMON_SETS: ResourceColumns = {
  kind: 'DaemonSet',
  resource: 'daemonsets.apps',
  names: ['daemonset', 'daemonsets', 'ds'],
  namespaced: true,
  header: ['NAME', 'DESIRED', 'CURRENT', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'NODE SELECTOR', 'AGE'],
  wide: ['CONTAINERS', 'IMAGES', 'SELECTOR'],
  cells: (m, pods) => {
    const own = podsOf(m, pods)
    const ready = own.filter(isReady).length
    const current = own.filter((p) => isUpToDate(m, p)).length
    const counts = [own.length, own.length, ready, current, ready].map(String)
    return {
      row: [nameOf(m), ...counts, joined(stringsAt(m, 'spec', 'template', 'spec', 'nodeSelector')), AGE],
      wide: [containers(m), images(m), joined(stringsAt(m, 'spec', 'selector', 'matchLabels'))],
    }
  },
}

/** Custom resources with the columns that their definitions name (metallb.io: additionalPrinterColumns). */
const POOLS: ResourceColumns = {
  kind: 'IPAddressPool',
  resource: 'ipaddresspools.metallb.io',
  names: ['ipaddresspool', 'ipaddresspools'],
  namespaced: true,
  header: ['NAME', 'AUTO ASSIGN', 'AVOID BUGGY IPS', 'ADDRESSES'],
  wide: [],
  cells: (m) => ({
    row: [
      nameOf(m),
      String(at(m, 'spec', 'autoAssign') ?? true),
      String(at(m, 'spec', 'avoidBuggyIPs') ?? false),
      JSON.stringify(listAt(m, 'spec', 'addresses')),
    ],
    wide: [],
  }),
}

const L2_STATUSES: ResourceColumns = {
  kind: 'ServiceL2Status',
  resource: 'servicel2statuses.metallb.io',
  names: ['servicel2status', 'servicel2statuses'],
  namespaced: true,
  header: ['NAME', 'ALLOCATED NODE', 'SERVICE NAME', 'SERVICE NAMESPACE'],
  wide: [],
  cells: (m) => ({
    row: [
      nameOf(m),
      textAt(m, 'status', 'node') ?? '',
      textAt(m, 'status', 'serviceName') ?? '',
      textAt(m, 'status', 'serviceNamespace') ?? '',
    ],
    wide: [],
  }),
}

export const RESOURCES: readonly ResourceColumns[] = [
  SERVICES,
  PODS,
  SLICES,
  NODES,
  INGRESSES,
  DEPLOYMENTS,
  STATEFUL_SETS,
  DAEMON_SETS,
  POOLS,
  L2_STATUSES,
]
