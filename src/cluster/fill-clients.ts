import {
  broadcastOf,
  contains,
  formatIpv4,
  formatPrefix,
  type Ipv4,
  type Ipv4Prefix,
  networkOf,
  parseIpv4,
} from '../net/address.ts'
import type { ClientConfig } from '../scenario/document.ts'
import { inputError } from './errors.ts'
import type { FillContext } from './fill-in.ts'
import { addressPool } from './ipam.ts'
import type { ClusterClient, ClusterNode } from './model.ts'

/** Far enough from the nodes, which count up from .11. */
const FIRST_CLIENT = 100

/** The machines beside the nodes, each with an address of the nodes' subnet. Errors: names and addresses that clash. */
export function fillClients(
  context: FillContext,
  { nodes, nodeSubnet, gateway }: { nodes: readonly ClusterNode[]; nodeSubnet: Ipv4Prefix; gateway: Ipv4 },
): ClusterClient[] {
  const clients = context.doc.cluster.clients ?? []
  const { errors } = context
  const network = networkOf(nodeSubnet)
  const last = broadcastOf(nodeSubnet) - 1
  const pool = addressPool(Math.min(network + FIRST_CLIENT, last), last)
  for (const n of nodes) pool.take(n.ip)
  pool.take(gateway)
  const names = new Set(nodes.map((n) => n.name))
  const given = clients.map((c, i) => {
    const path = `cluster.clients[${i}]`
    if (names.has(c.name)) errors.push(inputError(`${path}.name`, `${c.name} is taken already; expected a name of its own`))
    names.add(c.name)
    const ip = c.address === undefined ? undefined : readAddress(context, c, { path, nodeSubnet })
    if (ip !== undefined && !pool.take(ip)) {
      errors.push(inputError(`${path}.address`, `${formatIpv4(ip)} is taken already; expected an address of its own`))
    }
    return { name: c.name, ip, path }
  })
  return given.flatMap(({ name, ip, path }) => {
    const address = ip ?? pool.next()
    if (address === undefined) {
      errors.push(inputError(path, `no address is left in ${formatPrefix(nodeSubnet)} for ${name}`))
      return []
    }
    return [{ name, place: `client/${name}`, ip: address }]
  })
}

function readAddress(
  { errors }: FillContext,
  client: ClientConfig,
  { path, nodeSubnet }: { path: string; nodeSubnet: Ipv4Prefix },
): Ipv4 | undefined {
  const parsed = parseIpv4(client.address ?? '')
  if (parsed.ok && contains(nodeSubnet, parsed.value)) return parsed.value
  const expected = parsed.ok ? `an address of the nodes' subnet ${formatPrefix(nodeSubnet)}` : parsed.error.expected
  errors.push(inputError(`${path}.address`, `found "${client.address}"; expected ${expected}`))
  return undefined
}
