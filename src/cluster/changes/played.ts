import type { ScenarioDocument } from '../../scenario/document.ts'
import type { ConfigureChange, NftRecord, WorldChange } from '../../world/changes.ts'
import { chainId, netnsId, nftTableId, type RecordId } from '../../world/ids.ts'
import type { ProcessRecord, WorldRecord } from '../../world/records.ts'
import { applyDelta, type Delta, type World } from '../../world/world.ts'
import type { Cluster } from '../model.ts'
import { Agenda, type When } from './agenda.ts'
import { initialObjects, type ObjectSet } from './objects.ts'

/** A document's run as far as it has been played: what all that act in it share. */
export class Played {
  readonly doc: ScenarioDocument
  readonly agenda = new Agenda()
  /** What has happened. */
  readonly out: WorldChange[] = []
  /** The world at this moment, as far as changes reach into it. */
  readonly now: Map<RecordId, WorldRecord>
  objects: ObjectSet
  cluster: Cluster
  /** The world as it is built of the objects of this moment. */
  built: World

  constructor(doc: ScenarioDocument, world: World, cluster: Cluster) {
    this.doc = doc
    this.now = new Map(world)
    this.built = world
    this.cluster = cluster
    this.objects = initialObjects(cluster.objects)
  }

  change(delta: Delta): Delta {
    applyDelta(this.now, delta)
    return delta
  }

  /** A machine's owner brings it up to date. */
  configure(edit: Omit<ConfigureChange, keyof When | 'kind'>, { journey, at }: When): void {
    for (const t of edit.tables) for (const delta of t.deltas) this.change(delta)
    for (const delta of edit.deltas) this.change(delta)
    if (edit.nft !== undefined) this.#replaceNft(edit.netns, edit.nft)
    this.out.push({ kind: 'configure', journey, at, ...edit })
  }

  #replaceNft(netns: string, wanted: readonly NftRecord[]): void {
    for (const r of [...this.now.values()])
      if (r.kind.startsWith('nft-') && 'netns' in r && r.netns === netnsId(netns))
        this.change({ id: r.id, from: r, to: undefined })
    for (const r of wanted) this.change({ id: r.id, from: undefined, to: r })
  }

  /** Processes of one namespace get SIGKILL. */
  kill(own: readonly ProcessRecord[], { journey, at }: When): void {
    const [first] = own
    if (first === undefined) return
    const netns = first.netns.slice('netns:'.length)
    this.out.push({ kind: 'kill', journey, at, netns, record: first.netns, processes: own.map((p) => p.id) })
    for (const p of own) this.change({ id: p.id, from: p, to: undefined })
  }

  /** On a large cluster the others have none, and get none. */
  nodesWithRules(): string[] {
    return this.cluster.nodes
      .map((n) => n.name)
      .filter(
        (n) =>
          this.now.has(chainId(n, 'nat', 'KUBE-SERVICES')) ||
          this.now.has(chainId(n, 'nat', 'KUBE-PORTALS-CONTAINER')) ||
          this.now.has(nftTableId(n, 'ip/kube-proxy')),
      )
  }
}
