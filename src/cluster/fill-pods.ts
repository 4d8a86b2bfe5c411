import { at, isObject, listAt, objectAt, stringsAt, textAt } from '../base/fields.ts'
import { contains, formatIpv4, formatPrefix, type Ipv4, parseIpv4 } from '../net/address.ts'
import { podDnsOf } from './dns.ts'
import { inputError, listed } from './errors.ts'
import { clashes, hostPortsIn } from './fill-host-ports.ts'
import type { FillContext } from './fill-in.ts'
import { argvOf } from './ingress/controllers.ts'
import { type AddressPool, gatewayOf, podPool } from './ipam.ts'
import type { ClusterNode, ClusterPod, Container, L4 } from './model.ts'
import { type Draft, fill } from './objects.ts'

/** The place that users write: pods of the default namespace need not say it. */
const podPlace = (namespace: string, name: string): string =>
  namespace === 'default' ? `pod/${name}` : `pod/${namespace}/${name}`

/** Nodes, addresses and container defaults of pods. Pods that have ended have no network any more and are left out. */
export function fillPods(context: FillContext, nodes: readonly ClusterNode[]): ClusterPod[] {
  const { drafts, errors } = context
  const byName = new Map(nodes.map((n) => [n.name, n]))
  const load = new Map(nodes.map((n) => [n.name, 0]))
  const alive = drafts.of('Pod').filter((d) => !hasEnded(d))
  const placed = new Map<Draft, ClusterNode>()
  for (const d of alive) {
    const name = textAt(d.manifest, 'spec', 'nodeName')
    if (name === undefined) continue
    const node = byName.get(name)
    if (node === undefined) {
      errors.push(
        inputError(
          `${d.path}.spec.nodeName`,
          `pod ${d.name} is on node "${name}", which does not exist; expected ${listed([...byName.keys()])}`,
        ),
      )
      continue
    }
    const isStored = at(d.manifest, 'metadata', 'uid') !== undefined
    const clash = isStored ? undefined : portClash(d, node, placed)
    if (clash !== undefined) errors.push(inputError(`${d.path}.spec.nodeName`, clash))
    placed.set(d, node)
    load.set(name, (load.get(name) ?? 0) + 1)
  }
  for (const d of alive) {
    if (textAt(d.manifest, 'spec', 'nodeName') !== undefined) continue
    // What an API server stored without a node waits for the scheduler; what a person wrote leaves the choice to us.
    if (at(d.manifest, 'metadata', 'uid') !== undefined) {
      context.notes.push({ what: `Pod ${d.namespace}/${d.name} is not scheduled to a node, so it has no network`, where: d.path })
      continue
    }
    const fitting = nodes.filter((n) => portClash(d, n, placed) === undefined)
    if (fitting.length === 0 && nodes.length > 0) {
      errors.push(inputError(d.path, `pod ${d.name} fits on no node: its host ports are taken on each of them`))
      continue
    }
    const node = fitting.reduce<ClusterNode | undefined>(
      (best, n) => (best === undefined || (load.get(n.name) ?? 0) < (load.get(best.name) ?? 0) ? n : best),
      undefined,
    )
    if (node === undefined) continue
    fill(d, ['spec', 'nodeName'], node.name)
    load.set(node.name, (load.get(node.name) ?? 0) + 1)
    placed.set(d, node)
  }
  return giveAddresses(context, nodes, placed)
}

/** The scheduler's NodePorts filter: another pod of the node has the host port already. */
function portClash(d: Draft, node: ClusterNode, placed: ReadonlyMap<Draft, ClusterNode>): string | undefined {
  const own = hostPortsIn(d)
  if (own.length === 0) return undefined
  for (const [other, where] of placed) {
    const port = where === node ? own.find((p) => hostPortsIn(other).some((o) => clashes(p, o))) : undefined
    if (port !== undefined) {
      return `pod ${other.name} on node ${node.name} has hostPort ${port.port}/${port.protocol} already; expected another port or another node`
    }
  }
  return undefined
}

/** status.phase Succeeded and Failed: the sandbox is gone, and so is its address. */
function hasEnded(d: Draft): boolean {
  const phase = textAt(d.manifest, 'status', 'phase')
  return phase === 'Succeeded' || phase === 'Failed'
}

function giveAddresses(
  context: FillContext,
  nodes: readonly ClusterNode[],
  placed: ReadonlyMap<Draft, ClusterNode>,
): ClusterPod[] {
  const { errors } = context
  const pools = new Map<string, AddressPool>(nodes.map((n) => [n.name, podPool(n.podCIDR)]))
  const owners = new Map<number, string>()
  for (const n of nodes) {
    owners.set(n.ip, `node ${n.name}`)
    owners.set(gatewayOf(n.podCIDR), `the bridge of node ${n.name}`)
  }
  const given = new Map<Draft, Ipv4>()
  for (const [d, node] of placed) {
    const text = textAt(d.manifest, 'status', 'podIP')
    if (text === undefined || text.includes(':') || isHostNetwork(d)) continue
    const parsed = parseIpv4(text)
    const path = `${d.path}.status.podIP`
    if (!parsed.ok) {
      errors.push(inputError(path, `"${text}" is not an address; expected ${parsed.error.expected}`))
      continue
    }
    const owner = owners.get(parsed.value)
    if (owner !== undefined)
      errors.push(inputError(path, `${text} is the address of ${owner} already; expected an address of its own`))
    else if (!contains(node.podCIDR, parsed.value)) outsideRange(context, d, node, text)
    owners.set(parsed.value, `pod ${d.namespace}/${d.name} (${d.path})`)
    pools.get(node.name)?.take(parsed.value)
    given.set(d, parsed.value)
  }
  const pods: ClusterPod[] = []
  for (const [d, node] of placed) {
    const hostNetwork = isHostNetwork(d)
    const ip = hostNetwork ? node.ip : (given.get(d) ?? pools.get(node.name)?.next())
    if (ip === undefined) {
      errors.push(
        inputError(d.path, `no address is left in ${formatPrefix(node.podCIDR)} of node ${node.name} for pod ${d.name}`),
      )
      continue
    }
    if (textAt(d.manifest, 'status', 'podIP') === undefined) {
      fill(d, ['status', 'podIP'], formatIpv4(ip))
      fill(d, ['status', 'podIPs'], [{ ip: formatIpv4(ip) }])
    }
    pods.push(readPod(context, d, node, ip, hostNetwork))
  }
  return pods
}

/** Real clusters may hand out pod addresses elsewhere (Calico's own IPAM); a written document that does so is a mistake. */
function outsideRange(context: FillContext, d: Draft, node: ClusterNode, text: string): void {
  const range = formatPrefix(node.podCIDR)
  if (at(d.manifest, 'metadata', 'uid') === undefined) {
    context.errors.push(
      inputError(
        `${d.path}.status.podIP`,
        `${text} is outside podCIDR ${range} of node ${node.name}; expected an address of that range`,
      ),
    )
  } else {
    context.notes.push({
      what: `Pod ${d.namespace}/${d.name} has address ${text}, outside podCIDR ${range} of its node: a network plugin with its own address management gave it. Hopscope routes it as a host route.`,
      where: `${d.path}.status.podIP`,
    })
  }
}

const isHostNetwork = (d: Draft): boolean => at(d.manifest, 'spec', 'hostNetwork') === true

function readPod(context: FillContext, d: Draft, node: ClusterNode, ip: Ipv4, hostNetwork: boolean): ClusterPod {
  const namespace = d.namespace ?? 'default'
  const terminating = at(d.manifest, 'metadata', 'deletionTimestamp') !== undefined
  const conditions = listAt(d.manifest, 'status', 'conditions')
  const condition = conditions.find((c) => textAt(c, 'type') === 'Ready')
  if (condition === undefined && textAt(d.manifest, 'status', 'phase') === undefined) {
    fill(d, ['status', 'phase'], 'Running')
    fill(d, ['status', 'conditions', conditions.length], { type: 'Ready', status: 'True' })
  }
  const isReady = condition === undefined || textAt(condition, 'status') === 'True'
  return {
    namespace,
    name: d.name,
    place: hostNetwork ? node.name : podPlace(namespace, d.name),
    node,
    ip,
    hostNetwork,
    containers: readContainers(context, d),
    labels: stringsAt(d.manifest, 'metadata', 'labels'),
    ready: isReady,
    terminating,
    dns: podDnsOf(d.name, objectAt(d.manifest, 'spec')),
  }
}

function readContainers(context: FillContext, d: Draft): Container[] {
  const path = `${d.path}.spec`
  const list = listAt(d.manifest, 'spec', 'containers')
  if (list.length === 0) {
    fill(d, ['spec', 'containers'], [{ name: d.name }])
    return [{ name: d.name, ports: [] }]
  }
  // Sidecars are init containers that stay (restartPolicy: Always).
  const sidecars = listAt(d.manifest, 'spec', 'initContainers').flatMap((c, i) =>
    textAt(c, 'restartPolicy') === 'Always' ? [readContainer(context, c, `${path}.initContainers[${i}]`, i)] : [],
  )
  return [...sidecars, ...list.map((c, i) => readContainer(context, c, `${path}.containers[${i}]`, i))]
}

function readContainer(context: FillContext, c: unknown, path: string, i: number): Container {
  const image = textAt(c, 'image')
  const argv = argvOf(c)
  return {
    name: textAt(c, 'name') ?? `c${i}`,
    ...(image === undefined ? {} : { image }),
    ...(argv.length === 0 ? {} : { argv }),
    ports: listAt(c, 'ports').flatMap((p, j) => readPort(context, p, `${path}.ports[${j}]`)),
  }
}

function readPort(context: FillContext, p: unknown, path: string): Container['ports'] {
  const containerPort = portAt(context, p, 'containerPort', path)
  if (!isObject(p) || containerPort === undefined) return []
  const name = textAt(p, 'name')
  const hostPort = (at(p, 'hostPort') ?? 0) === 0 ? undefined : portAt(context, p, 'hostPort', path)
  const hostIP = textAt(p, 'hostIP')
  return [
    {
      ...(name === undefined ? {} : { name }),
      containerPort,
      protocol: protocolAt(context, p, path),
      ...(hostPort === undefined ? {} : { hostPort }),
      ...(hostIP === undefined ? {} : { hostIP }),
    },
  ]
}

/** A port number from 1 to 65535; anything else is an error at its path. */
export function portAt(context: FillContext, p: unknown, field: string, path: string): number | undefined {
  const port = at(p, field)
  if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65535) return port
  const found = port === undefined ? 'nothing' : JSON.stringify(port)
  context.errors.push(inputError(`${path}.${field}`, `found ${found}; expected a port from 1 to 65535`))
  return undefined
}

/** The API's default protocol is TCP. */
export function protocolAt(context: FillContext, p: unknown, path: string): L4 {
  const text = at(p, 'protocol') ?? 'TCP'
  if (text === 'TCP' || text === 'UDP' || text === 'SCTP') return text
  context.errors.push(inputError(`${path}.protocol`, `found ${JSON.stringify(text)}; expected one of TCP, UDP, SCTP`))
  return 'TCP'
}
