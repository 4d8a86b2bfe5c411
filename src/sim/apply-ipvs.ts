import type { NetworkNamespace } from '../kernel/namespace.ts'
import type { IpvsServers } from '../world/changes.ts'
import { netnsId } from '../world/ids.ts'
import { recordsOf } from '../world/overlay.ts'
import type { IpvsDestinationRecord, IpvsServiceRecord, WorldRecord } from '../world/records.ts'
import type { Delta } from '../world/world.ts'

// What kube-proxy in IPVS mode does to a node beside its rules: sets, addresses of kube-ipvs0, virtual servers and real servers.

type Server = IpvsServiceRecord | IpvsDestinationRecord

/** `seq`: the step of the sync, which the deltas belong to. Sets count in rules that are loaded afterwards. */
export function applyIpvs(ns: NetworkNamespace, { deltas, servers }: IpvsServers, seq: number): void {
  const { rec } = ns.kernel
  for (const delta of deltas) {
    rec.change(delta)
    plugAddress(ns, delta)
  }
  if (deltas.some((d) => (d.from ?? d.to)?.kind === 'ipset')) ns.netfilter.replaceSets(own(ns, 'ipset'))
  const known = [...own(ns, 'ipvs-service'), ...own(ns, 'ipvs-destination')]
  const wanted = new Map<string, Server>(gracefully(ns, known, servers).map((r) => [r.id, r]))
  const before = new Map<string, Server>(known.map((r) => [r.id, r]))
  for (const r of known) if (!wanted.has(r.id)) rec.change({ id: r.id, from: r, to: undefined })
  for (const r of wanted.values()) {
    const from = before.get(r.id)
    if (JSON.stringify(from) !== JSON.stringify(r)) rec.change({ id: r.id, from, to: r })
  }
  const at = { packet: -1, cause: seq, netns: ns.ref, device: -1 }
  ns.ipvs.replace({ services: own(ns, 'ipvs-service'), destinations: own(ns, 'ipvs-destination') }, at)
}

const own = <K extends WorldRecord['kind']>(ns: NetworkNamespace, kind: K): Extract<WorldRecord, { kind: K }>[] =>
  recordsOf(ns.kernel.rec.world, kind).filter((r) => 'netns' in r && r.netns === netnsId(ns.name))

/**
 * GracefulTerminationManager: a real server that is wanted no more stays, at weight 0, while it has TCP connections. kube-proxy
 * looks once a minute whether they are over; until a later sync it is left here, where nothing can tell.
 */
function gracefully(ns: NetworkNamespace, known: readonly Server[], wanted: readonly Server[]): readonly Server[] {
  const ids = new Set<string>(wanted.map((r) => r.id))
  const busy = new Set(own(ns, 'ipvs-connection').flatMap((c) => (c.template || c.protocol !== 'tcp' ? [] : [c.server])))
  const leaving = known.flatMap((r): Server[] => {
    const stays = r.kind === 'ipvs-destination' && !ids.has(r.id) && ids.has(r.service) && busy.has(r.id)
    return stays ? [{ ...r, weight: 0 }] : []
  })
  return [...wanted, ...leaving]
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
