import type { RecordId } from '../../world/ids.ts'
import type { Cluster } from '../model.ts'
import type { When } from './agenda.ts'
import { type BalancerEdit, BalancerHealth, nextProbe } from './balancers.ts'
import { routeEdits } from './edits.ts'
import type { Played } from './played.ts'

/** What the cloud keeps up to date: its load balancers, and the routes to pods. */
export class Cloud {
  readonly #played: Played
  readonly #health: BalancerHealth

  /** `silent`: nodes that answer no probe, now or later. */
  constructor(played: Played, silent: ReadonlySet<string>) {
    this.#played = played
    this.#health = new BalancerHealth(played.cluster, silent)
  }

  /** The load balancers are told of nodes that are registered no longer. */
  register(when: When): void {
    const { cluster, now } = this.#played
    this.#rebalance(this.#health.register(cluster, now), when)
  }

  /** The load balancers ask the nodes for their health. `seen`: the cluster that kube-proxy answers by. */
  probe(seen: Cluster, when: When): void {
    this.#rebalance(this.#health.probe(seen, this.#played.now), when)
    this.wakeBalancers(seen, when)
  }

  /** Balancers ask all the time; here they do as long as an answer would change something. */
  wakeBalancers(seen: Cluster, { journey, at }: When): void {
    const { agenda } = this.#played
    if (this.#health.isSettled(seen) || agenda.has('probe', { journey })) return
    agenda.add({ journey, at: nextProbe(at), due: { kind: 'probe' } })
  }

  /** Routes to pods with addresses of their own, on every machine that routes to them. `record`: the object that they change for. */
  route(record: RecordId, when: When): void {
    const { now, built } = this.#played
    for (const r of [...now.values()]) {
      if (r.kind !== 'netns' || r.role === 'pod' || !built.has(r.id)) continue
      const deltas = routeEdits(r.name, now, built)
      if (deltas.length > 0) this.#played.configure({ netns: r.name, record, tables: [], deltas }, when)
    }
  }

  #rebalance(edits: readonly BalancerEdit[], when: When): void {
    for (const edit of edits) this.#played.configure(edit, when)
  }
}
