import type { NetworkNamespace } from '../kernel/namespace.ts'
import { STEP } from '../trace/columns.ts'
import { WORLD_CHANGES } from '../trace/step.ts'
import { netnsId, type RecordId } from '../world/ids.ts'
import { recordsOf } from '../world/overlay.ts'
import type { IpvsDestinationRecord, IpvsServiceRecord, WorldRecord } from '../world/records.ts'

export type IpvsServer = IpvsServiceRecord | IpvsDestinationRecord

/** rsCheckDeleteInterval */
const MINUTE = 60_000_000_000

export const ownRecords = <K extends WorldRecord['kind']>(ns: NetworkNamespace, kind: K): Extract<WorldRecord, { kind: K }>[] =>
  recordsOf(ns.kernel.rec.world, kind).filter((r) => 'netns' in r && r.netns === netnsId(ns.name))

/** Real servers that have TCP connections, over or not, as `ipvsadm -Ln` counts them. */
function busyServers(ns: NetworkNamespace): ReadonlySet<string> {
  return new Set(ownRecords(ns, 'ipvs-connection').flatMap((c) => (c.template || c.protocol !== 'tcp' ? [] : [c.server])))
}

const managers = new WeakMap<NetworkNamespace, GracefulTermination>()

/** The one of kube-proxy on this node. */
export function gracefulTermination(ns: NetworkNamespace): GracefulTermination {
  const known = managers.get(ns) ?? new GracefulTermination(ns)
  managers.set(ns, known)
  return known
}

/**
 * GracefulTerminationManager (pkg/proxy/ipvs/graceful_termination.go): a real server that is wanted no more stays, at weight 0, while
 * it has TCP connections; those of UDP and SCTP go at once. Once a minute kube-proxy looks which of them are without connections.
 * When its minutes begin nobody can tell; here the first is over a minute after a real server has begun to drain.
 */
class GracefulTermination {
  readonly #ns: NetworkNamespace
  readonly #draining = new Set<RecordId>()
  #waits = false

  constructor(ns: NetworkNamespace) {
    this.#ns = ns
  }

  /** What stays of `known` beside what is wanted. */
  leaving(known: readonly IpvsServer[], wanted: readonly IpvsServer[]): IpvsDestinationRecord[] {
    const ids = new Set<RecordId>(wanted.map((r) => r.id))
    const busy = busyServers(this.#ns)
    const stays = known.flatMap((r): IpvsDestinationRecord[] => {
      if (r.kind !== 'ipvs-destination' || ids.has(r.id) || !ids.has(r.service)) return []
      // One that drains already is left to the next look, whatever its connections do meanwhile.
      return this.#draining.has(r.id) || busy.has(r.id) ? [{ ...r, weight: 0 }] : []
    })
    return stays
  }

  /**
   * Those of `wanted` that were draining: they are taken out of the list, which removes them from the kernel, and added again
   * (MoveRSOutofGracefulDeleteList).
   */
  returning(wanted: readonly IpvsServer[]): readonly RecordId[] {
    return wanted.flatMap((r) => (this.#draining.has(r.id) ? [r.id] : []))
  }

  /** From now on these are draining, and no others. */
  keep(leaving: readonly IpvsDestinationRecord[]): void {
    this.#draining.clear()
    for (const r of leaving) this.#draining.add(r.id)
    this.#wait()
  }

  #wait(): void {
    if (this.#waits || this.#draining.size === 0) return
    this.#waits = true
    this.#ns.kernel.schedule(MINUTE, () => {
      this.#waits = false
      this.#look()
      this.#wait()
    })
  }

  /** tryDeleteRs() */
  #look(): void {
    const ns = this.#ns
    const { rec } = ns.kernel
    ns.ipvs.expire({ packet: -1, cause: -1, netns: ns.ref, device: -1 })
    const busy = busyServers(ns)
    const gone = ownRecords(ns, 'ipvs-destination').filter((r) => this.#draining.has(r.id) && !busy.has(r.id))
    if (gone.length === 0) return
    const at = { packet: -1, cause: -1, netns: ns.ref, device: -1 }
    const seq = rec.step(STEP.change, at, WORLD_CHANGES.indexOf('drained'), rec.ref(netnsId(ns.name)), 0, gone.length)
    for (const r of gone) {
      this.#draining.delete(r.id)
      rec.change({ id: r.id, from: r, to: undefined })
    }
    loadServers(ns, seq)
  }
}

/** What the records say now, in the kernel. */
export function loadServers(ns: NetworkNamespace, cause: number): void {
  const at = { packet: -1, cause, netns: ns.ref, device: -1 }
  ns.ipvs.replace({ services: ownRecords(ns, 'ipvs-service'), destinations: ownRecords(ns, 'ipvs-destination') }, at)
}
