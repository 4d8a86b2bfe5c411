import { err, ok, type Result } from '../base/result.ts'
import type { InputError, JourneySpec, PeerCluster, ScenarioDocument } from '../scenario/document.ts'
import type { RecordId } from '../world/ids.ts'
import type { ObjectRecord } from '../world/records.ts'
import { inputError } from './errors.ts'
import { wantsDns } from './fill-dns.ts'
import { type FillOptions, fillIn } from './fill-in.ts'
import type { Cluster } from './model.ts'
import { HOME, type Site } from './site.ts'

// A document's own cluster and its peers, each completed by itself: they share the Internet and nothing else.

/** Kinds whose names are places, or parts of the names of rules and sentences: no two clusters may have the same. */
const DISTINCT = new Set(['Node', 'Pod', 'Service', 'EndpointSlice'])
/** What the network around the nodes is called at home. */
const RESERVED = new Set(['fabric', 'router', 'gateway', 'internet', 'pod', 'lb', 'client'])

/** Errors of a peer have paths from `peers[0]` on. */
export function fillInAll(doc: ScenarioDocument, options: FillOptions = {}): Result<Cluster[], InputError[]> {
  const peers = doc.peers ?? []
  const errors: InputError[] = []
  const clusters: Cluster[] = []
  const take = (filled: Result<Cluster, InputError[]>, prefix: string) => {
    if (filled.ok) clusters.push(filled.value)
    else errors.push(...filled.error.map((e) => ({ ...e, path: `${prefix}${e.path ?? ''}` })))
  }
  take(fillIn(doc, HOME, options), '')
  peers.forEach((peer, i) => {
    const path = `peers[${i}]`
    if (RESERVED.has(peer.name) || peers.findIndex((p) => p.name === peer.name) < i) {
      errors.push(inputError(`${path}.name`, `${peer.name} is taken already; expected a name of its own`))
    }
    take(fillIn(documentOf(doc, peer), siteOf(peer, i)), `${path}.`)
  })
  errors.push(...clashes(clusters))
  return errors.length > 0 ? err(errors) : ok(clusters)
}

/** Which of the document's clusters get DNS because such journeys ask for names: with the same answer they are the same. */
export const dnsWanted = (doc: ScenarioDocument, journeys: readonly JourneySpec[]): string =>
  [
    wantsDns({ ...doc, journeys }),
    ...(doc.peers ?? []).map((peer, i) => wantsDns({ ...documentOf(doc, peer), journeys }, siteOf(peer, i))),
  ].join()

const siteOf = ({ name }: PeerCluster, i: number): Site => ({ index: i + 1, name })

/** A peer as a document of its own. */
const documentOf = (doc: ScenarioDocument, { cluster, objects }: PeerCluster): ScenarioDocument => ({
  hopscope: 1,
  title: doc.title,
  seed: doc.seed,
  cluster,
  objects,
  overrides: {},
  // They tell which load balancers matter, and whether its pods ask for names.
  journeys: doc.journeys,
})

function clashes(clusters: readonly Cluster[]): InputError[] {
  const owners = new Map<string, Cluster>()
  const errors: InputError[] = []
  for (const c of clusters) {
    const where = c.site.index === 0 ? 'objects' : `peers[${c.site.index - 1}].objects`
    for (const o of c.objects) {
      const owner = owners.get(o.id)
      owners.set(o.id, owner ?? c)
      if (owner === undefined || owner === c || !DISTINCT.has(o.objectKind)) continue
      const whose = owner.site.index === 0 ? 'the document’s own cluster' : `cluster ${owner.site.name}`
      errors.push(inputError(where, `${o.objectKind} ${o.name} is also in ${whose}; expected names that no other cluster has`))
    }
    for (const { place } of [...c.clients, ...c.balancers, ...c.albs]) {
      const owner = owners.get(place)
      owners.set(place, c)
      if (owner !== undefined && owner !== c) errors.push(inputError(where, `there is a ${place} in another cluster already`))
    }
  }
  return errors
}

/** The objects of all clusters. Of kinds that every cluster has alike (Namespace default) the first one stands for all. */
export function objectsOf(clusters: readonly Cluster[]): ObjectRecord[] {
  const byId = new Map<RecordId, ObjectRecord>()
  for (const c of clusters) for (const o of c.objects) if (!byId.has(o.id)) byId.set(o.id, o)
  return [...byId.values()]
}
