import { err, ok, type Result } from '../base/result.ts'
import type { InputError, KubeProxyMode, ScenarioDocument } from '../scenario/document.ts'
import { noteId } from '../world/ids.ts'
import type { World } from '../world/world.ts'
import { inputError } from './errors.ts'
import { buildBalancers } from './fabric/balancer.ts'
import { buildClients } from './fabric/client.ts'
import { buildRouter } from './fabric/cloud.ts'
import { buildGateway, buildInternet } from './fabric/egress.ts'
import { buildFabric } from './fabric/fabric.ts'
import { buildAlbs } from './ingress/alb.ts'
import type { Cluster, ClusterNode } from './model.ts'
import { buildNode } from './node.ts'
import { nodeRules } from './node-rules.ts'
import { applyOverrides } from './overrides/index.ts'
import { fillInAll, objectsOf } from './peers.ts'
import { checkJourneys } from './places.ts'
import { leftOutNote, leftOutTables, MAX_RULES, nodesOnTheWay } from './realise.ts'
import { WorldBuilder } from './world-builder.ts'

export interface BuildOptions {
  /** Called now and then with the share of nodes that are built, 0 to 1. */
  readonly onProgress?: (done: number) => void
  /** On a large cluster: nodes that get all their rules although no journey passes them. */
  readonly rulesOn?: readonly string[]
}

/**
 * The world that a control plane, the kubelets, the network plugin and kube-proxy make of a document's objects, at rest.
 * Same document, same world, in the same order.
 *
 * Errors name a path of the document: references to what does not exist, clashing addresses and names, ranges that overlap.
 */
export function buildWorld(doc: ScenarioDocument, options: BuildOptions = {}): Result<World, InputError[]> {
  const early = notBuilt(doc)
  if (early.length > 0) return err(early)
  const clusters = fillInAll(doc)
  if (!clusters.ok) return err(clusters.error)
  const world = new WorldBuilder()
  for (const object of objectsOf(clusters.value)) world.put(object)
  const notes = clusters.value.flatMap((c) => buildCluster(world, c, doc, options))
  for (const c of clusters.value) buildNetwork(world, c, clusters.value.length > 1)
  buildInternet(world, clusters.value)
  notes.forEach((n, i) => {
    world.put({ kind: 'note', id: noteId('cluster', i + 1), what: n.what, where: n.where, origin: { component: 'user' } })
  })
  const records = world.done()
  const errors = [...applyOverrides(records, doc.overrides), ...checkJourneys(doc.journeys, records)]
  return errors.length > 0 ? err(errors) : ok(records)
}

/** What a document can say already and no generator makes yet: refused, so that nobody takes another thing for it. */
function notBuilt(doc: ScenarioDocument): InputError[] {
  const { mode } = doc.cluster.kubeProxy
  return [
    ...(BUILT_MODES.includes(mode)
      ? []
      : [inputError('cluster.kubeProxy.mode', `found ${mode}; expected one of ${BUILT_MODES.join(', ')}`)]),
  ]
}

const BUILT_MODES: readonly KubeProxyMode[] = ['iptables', 'ipvs', 'userspace', 'nftables']

/** Nodes and everything on them. */
const buildCluster = (world: WorldBuilder, c: Cluster, doc: ScenarioDocument, options: BuildOptions): Note[] => [
  ...c.notes,
  ...buildNodes(world, c, doc, options),
]

/** Everything between the nodes and the Internet. */
function buildNetwork(world: WorldBuilder, c: Cluster, peered: boolean): void {
  buildFabric(world, c)
  if (c.config.network.fabric === 'cloud') buildRouter(world, c)
  buildGateway(world, c, peered)
  buildBalancers(world, c)
  buildAlbs(world, c)
  buildClients(world, c)
}

interface Note {
  readonly what: string
  readonly where: string
}

function buildNodes(world: WorldBuilder, c: Cluster, doc: ScenarioDocument, options: BuildOptions): Note[] {
  const rulesOf = nodeRules(c)
  const passed = nodesOnTheWay(c, doc.journeys)
  const rules = c.nodes.reduce((n, node) => n + rulesOf(node).size, 0)
  const wanted = (node: ClusterNode) => rules <= MAX_RULES || passed.has(node) || options.rulesOn?.includes(node.name) === true
  c.nodes.forEach((node, i) => {
    const proxy = rulesOf(node)
    if (wanted(node)) buildNode(world, node, c, proxy.tables(), proxy)
    else buildNode(world, node, c, leftOutTables(proxy.size))
    options.onProgress?.((i + 1) / c.nodes.length)
  })
  const left = c.nodes.filter((node) => !wanted(node))
  const [first] = left
  return first === undefined ? [] : [{ what: leftOutNote(left, rulesOf(first).size), where: 'objects' }]
}
