import { at, listAt, stringsAt, textAt } from '../base/fields.ts'
import {
  broadcastOf,
  contains,
  formatIpv4,
  formatPrefix,
  type Ipv4,
  type Ipv4Prefix,
  ipv4,
  networkOf,
  parseIpv4,
  parsePrefix,
} from '../net/address.ts'
import { inputError } from './errors.ts'
import type { FillContext } from './fill-in.ts'
import { addressPool, NODE_CIDR_MASK_SIZE, nodeRanges, overlap, prefixText } from './ipam.ts'
import type { ClusterNode } from './model.ts'
import { type Draft, fill } from './objects.ts'
import { defaultNodeSubnet, externalSubnet, type Site } from './site.ts'

const FIRST_NODE = 11
/** Names of the namespaces that the fabric brings; a node may not take one. */
const RESERVED_PLACES = ['fabric', 'router', 'gateway', 'internet']

interface NodeDraft {
  readonly draft: Draft
  ip: Ipv4 | undefined
  external: Ipv4 | undefined
  range: Ipv4Prefix | undefined
}

/** Node addresses, pod ranges (node IPAM) and external addresses. */
export function fillNodes(context: FillContext): {
  nodes: ClusterNode[]
  nodeSubnet: Ipv4Prefix
  gateway: Ipv4
} {
  const nodes = context.drafts.of('Node').map((draft) => readNode(context, draft))
  if (nodes.length === 0) {
    context.errors.push(inputError('objects', 'there is no object; expected at least a Node or a Pod'))
  }
  const subnet = subnetOf(
    context.site,
    nodes.flatMap((n) => (n.ip === undefined ? [] : [n.ip])),
  )
  refuseClashes(context, nodes)
  giveAddresses(context, nodes, subnet)
  giveRanges(context, nodes)
  giveExternal(context, nodes)

  const taken = new Set(nodes.map((n) => n.ip))
  const last = broadcastOf(subnet) - 1
  let gateway = networkOf(subnet) + 1
  while (taken.has(ipv4(gateway)) && gateway < last) gateway = gateway === networkOf(subnet) + 1 ? last : gateway - 1
  return {
    nodes: nodes.flatMap(({ draft, ip, external, range }) =>
      ip === undefined || external === undefined || range === undefined
        ? []
        : [
            {
              name: draft.name,
              ip,
              externalIp: external,
              podCIDR: range,
              labels: stringsAt(draft.manifest, 'metadata', 'labels'),
            },
          ],
    ),
    nodeSubnet: subnet,
    gateway: ipv4(gateway),
  }
}

function readNode(context: FillContext, draft: Draft): NodeDraft {
  const { errors } = context
  if (RESERVED_PLACES.includes(draft.name) || draft.name.startsWith('pod/')) {
    errors.push(
      inputError(
        `${draft.path}.metadata.name`,
        `a node may not be named ${draft.name}: that place is part of the fabric around the nodes`,
      ),
    )
  }
  const node: NodeDraft = { draft, ip: undefined, external: undefined, range: undefined }
  listAt(draft.manifest, 'status', 'addresses').forEach((entry, i) => {
    const type = textAt(entry, 'type')
    const address = textAt(entry, 'address')
    if ((type !== 'InternalIP' && type !== 'ExternalIP') || address === undefined || address.includes(':')) return
    const parsed = parseIpv4(address)
    if (!parsed.ok) {
      errors.push(
        inputError(
          `${draft.path}.status.addresses[${i}].address`,
          `"${address}" is not an address; expected ${parsed.error.expected}`,
        ),
      )
    } else if (type === 'InternalIP') node.ip ??= parsed.value
    else node.external ??= parsed.value
  })
  const many = listAt(draft.manifest, 'spec', 'podCIDRs')
  const path = many.length > 0 ? `${draft.path}.spec.podCIDRs` : `${draft.path}.spec.podCIDR`
  const text =
    many.find((c): c is string => typeof c === 'string' && !c.includes(':')) ?? textAt(draft.manifest, 'spec', 'podCIDR')
  if (text !== undefined && !text.includes(':')) {
    const parsed = parsePrefix(text)
    if (parsed.ok && parsed.value.length <= 30) node.range = { address: networkOf(parsed.value), length: parsed.value.length }
    else
      errors.push(
        inputError(path, `"${text}" is not a range for pods; expected an IPv4 prefix of /30 or shorter, such as 10.244.1.0/24`),
      )
  }
  return node
}

/** The smallest subnet, of /24 or wider, that holds every node and has room for a gateway. */
function subnetOf(site: Site, addresses: readonly Ipv4[]): Ipv4Prefix {
  const first = addresses[0]
  if (first === undefined) return defaultNodeSubnet(site)
  let length = 24
  while (length > 8 && addresses.some((a) => overlap({ address: a, length: 32 }, { address: first, length }) === false)) length--
  return { address: networkOf({ address: first, length }), length }
}

function refuseClashes({ errors }: FillContext, nodes: readonly NodeDraft[]): void {
  const byIp = new Map<number, NodeDraft>()
  nodes.forEach((n, i) => {
    if (n.ip !== undefined) {
      const other = byIp.get(n.ip)
      if (other) {
        errors.push(
          inputError(
            `${n.draft.path}.status.addresses`,
            `${formatIpv4(n.ip)} is the address of node ${other.draft.name} already (${other.draft.path}); expected an InternalIP of its own`,
          ),
        )
      } else byIp.set(n.ip, n)
    }
    const range = n.range
    if (range === undefined) return
    const clash = nodes.slice(0, i).find((o) => o.range !== undefined && overlap(o.range, range))
    if (clash?.range) {
      errors.push(
        inputError(
          `${n.draft.path}.spec.podCIDR`,
          `${prefixText(range)} overlaps ${prefixText(clash.range)} of node ${clash.draft.name} (${clash.draft.path}); expected a range of its own`,
        ),
      )
    }
  })
}

function giveAddresses({ errors }: FillContext, nodes: readonly NodeDraft[], subnet: Ipv4Prefix): void {
  const network = networkOf(subnet)
  const pool = addressPool(network + FIRST_NODE, broadcastOf(subnet) - 1)
  for (const n of nodes) if (n.ip !== undefined) pool.take(n.ip)
  for (const n of nodes) {
    if (n.ip !== undefined) continue
    n.ip = pool.next()
    if (n.ip === undefined) {
      errors.push(inputError(n.draft.path, `no address is left in ${formatPrefix(subnet)} for node ${n.draft.name}`))
      continue
    }
    const given = listAt(n.draft.manifest, 'status', 'addresses').length
    fill(n.draft, ['status', 'addresses', given], { type: 'InternalIP', address: formatIpv4(n.ip) })
  }
}

function giveRanges({ drafts, errors, podCIDR }: FillContext, nodes: readonly NodeDraft[]): void {
  const addresses = podAddresses(drafts)
  for (const n of nodes) n.range ??= rangeInUse(n, nodes, addresses)
  const without = nodes.filter((n) => n.range === undefined && at(n.draft.manifest, 'spec', 'podCIDR') === undefined)
  const taken = [
    ...nodes.flatMap((n) => (n.range === undefined ? [] : [n.range])),
    ...[...addresses.values()].flat().map((address) => ({ address, length: 32 })),
  ]
  const ranges = nodeRanges(podCIDR, taken, without.length)
  if (ranges === undefined) {
    errors.push(
      inputError(
        'cluster.podCIDR',
        `${formatPrefix(podCIDR)} has no room for ${without.length} more node ranges; expected a wider range`,
      ),
    )
    return
  }
  without.forEach((n, i) => {
    const range = ranges[i]
    if (range === undefined) return
    n.range = range
    recordRange(n, range)
  })
}

/** Pod addresses that are given, by the name of the node. */
function podAddresses(drafts: FillContext['drafts']): Map<string, Ipv4[]> {
  const byNode = new Map<string, Ipv4[]>()
  for (const d of drafts.of('Pod')) {
    const node = textAt(d.manifest, 'spec', 'nodeName')
    const ip = parseIpv4(textAt(d.manifest, 'status', 'podIP') ?? '')
    if (node === undefined || !ip.ok || at(d.manifest, 'spec', 'hostNetwork') === true) continue
    const l = byNode.get(node)
    if (l) l.push(ip.value)
    else byNode.set(node, [ip.value])
  }
  return byNode
}

/**
 * A node without a range whose pods have addresses: the /24 that they are all in, if no other node has a pod there. Pods that
 * are spread wider have addresses of some other address management, and the node gets a range of its own beside them.
 */
function rangeInUse(
  n: NodeDraft,
  nodes: readonly NodeDraft[],
  addresses: ReadonlyMap<string, readonly Ipv4[]>,
): Ipv4Prefix | undefined {
  const [first, ...rest] = addresses.get(n.draft.name) ?? []
  if (first === undefined || at(n.draft.manifest, 'spec', 'podCIDR') !== undefined) return undefined
  const range = { address: networkOf({ address: first, length: NODE_CIDR_MASK_SIZE }), length: NODE_CIDR_MASK_SIZE }
  const shared = [...addresses].some(([name, list]) => name !== n.draft.name && list.some((a) => contains(range, a)))
  const clash = nodes.some((o) => o.range !== undefined && overlap(o.range, range))
  if (shared || clash || !rest.every((a) => contains(range, a))) return undefined
  recordRange(n, range)
  return range
}

function recordRange(n: NodeDraft, range: Ipv4Prefix): void {
  fill(n.draft, ['spec', 'podCIDR'], formatPrefix(range))
  if (at(n.draft.manifest, 'spec', 'podCIDRs') === undefined) fill(n.draft, ['spec', 'podCIDRs'], [formatPrefix(range)])
}

/** In the object an ExternalIP only appears when it was given; the gateway needs one for every node all the same. */
function giveExternal({ errors, site }: FillContext, nodes: readonly NodeDraft[]): void {
  const subnet = externalSubnet(site)
  const pool = addressPool(networkOf(subnet) + FIRST_NODE, broadcastOf(subnet) - 1)
  for (const n of nodes) {
    if (n.external === undefined) continue
    if (!pool.take(n.external)) {
      errors.push(inputError(`${n.draft.path}.status.addresses`, `ExternalIP ${formatIpv4(n.external)} is given to two nodes`))
    }
  }
  for (const n of nodes) {
    if (n.external !== undefined) continue
    // Nodes beyond the documentation range get none to spare: they share the last, as behind one NAT address.
    n.external = pool.next() ?? ipv4(broadcastOf(subnet) - 1)
  }
}
