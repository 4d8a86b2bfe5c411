import type { NetworkNamespace } from '../kernel/namespace.ts'
import type { IpvsServers } from '../world/changes.ts'
import type { RecordId } from '../world/ids.ts'
import type { Delta } from '../world/world.ts'
import { gracefulTermination, type IpvsServer, loadServers, ownRecords } from './ipvs-drain.ts'

// What kube-proxy in IPVS mode does to a node beside its rules: sets, addresses of kube-ipvs0, virtual servers and real servers.

/** `seq`: the step of the sync, which the deltas belong to. Sets count in rules that are loaded afterwards. */
export function applyIpvs(ns: NetworkNamespace, { deltas, servers }: IpvsServers, seq: number): void {
  const { rec } = ns.kernel
  for (const delta of deltas) {
    rec.change(delta)
    plugAddress(ns, delta)
  }
  if (deltas.some((d) => (d.from ?? d.to)?.kind === 'ipset')) ns.netfilter.replaceSets(ownRecords(ns, 'ipset'))
  const draining = gracefulTermination(ns)
  const known = new Map<RecordId, IpvsServer>(
    [...ownRecords(ns, 'ipvs-service'), ...ownRecords(ns, 'ipvs-destination')].map((r) => [r.id, r]),
  )
  const leaving = draining.leaving([...known.values()], servers)
  const put = (id: RecordId, to: IpvsServer | undefined) => {
    const from = known.get(id)
    if (JSON.stringify(from) === JSON.stringify(to)) return
    rec.change({ id, from, to })
    if (to === undefined) known.delete(id)
    else known.set(id, to)
  }
  // syncEndpoint(): first what is wanted, then what is not; the schedulers notice the order.
  const returning = draining.returning(servers)
  for (const id of returning) put(id, undefined)
  if (returning.length > 0) loadServers(ns, seq)
  for (const r of servers) put(r.id, r)
  loadServers(ns, seq)
  const wanted = new Set<RecordId>([...servers, ...leaving].map((r) => r.id))
  for (const r of leaving) put(r.id, r)
  for (const id of [...known.keys()]) if (!wanted.has(id)) put(id, undefined)
  loadServers(ns, seq)
  draining.keep(leaving)
}

/** ip addr add, ip addr del, and the local route that comes and goes with it. */
function plugAddress(ns: NetworkNamespace, { from, to }: Delta): void {
  const record = to ?? from
  if (record?.kind === 'route') {
    if (to === undefined) ns.fib.remove(record.id)
    else ns.fib.add(record)
  }
  if (record?.kind !== 'address') return
  const addresses = ns.kernel.devices.get(record.device)?.addresses
  if (addresses === undefined) return
  if (to !== undefined) addresses.push(record)
  else
    addresses.splice(
      addresses.findIndex((a) => a.address === record.address),
      1,
    )
}
