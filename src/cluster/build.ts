import { err, ok, type Result } from '../base/result.ts'
import type { InputError, JourneySpec, KubeProxyMode, ScenarioDocument } from '../scenario/document.ts'
import { noteId } from '../world/ids.ts'
import type { World } from '../world/world.ts'
import { inputError } from './errors.ts'
import { buildBalancers } from './fabric/balancer.ts'
import { buildClients } from './fabric/client.ts'
import { buildRouter } from './fabric/cloud.ts'
import { buildGateway, buildInternet } from './fabric/egress.ts'
import { buildFabric } from './fabric/fabric.ts'
import { demandedVips } from './fill-balancers.ts'
import type { FillOptions } from './fill-in.ts'
import { buildAlbs } from './ingress/alb.ts'
import type { Cluster, ClusterNode, ClusterNote } from './model.ts'
import { buildNode } from './node.ts'
import { type NodeRules, nodeRules } from './node-rules.ts'
import { applyOverrides } from './overrides/index.ts'
import { dnsWanted, fillInAll, objectsOf } from './peers.ts'
import { checkJourneys } from './places.ts'
import { leftOutNote, leftOutTables, MAX_RULES, nodesOnTheWay } from './realise.ts'
import { WorldBuilder } from './world-builder.ts'

export interface BuildOptions extends FillOptions {
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
  const plan = planWorld(doc, options)
  if (!plan.ok) return plan
  const world = plan.value.world(doc.journeys, options)
  const wrong = checkJourneys(doc.journeys, world.records)
  return world.errors.length + wrong.length > 0 ? err([...world.errors, ...wrong]) : ok(world.records)
}

/** What is to be built of a document: its objects completed, and kube-proxy's rules, each node's when they are first asked for. */
export interface WorldPlan {
  /**
   * What the journeys have to do with the world, as a text: with two lists of journeys for which it is the same, the world is the same.
   * Undefined where the plan is of no use for such journeys: another has to be made.
   */
  demands(journeys: readonly JourneySpec[]): string | undefined
  /** Makes it anew each time. Errors are those of the overrides. */
  world(
    journeys: readonly JourneySpec[],
    options?: BuildOptions,
  ): { readonly records: World; readonly errors: readonly InputError[] }
}

/** Everything of buildWorld that is the same for whatever journeys, or nearly: with many Services, most of its work. */
export function planWorld(doc: ScenarioDocument, options: FillOptions = {}): Result<WorldPlan, InputError[]> {
  const early = notBuilt(doc)
  if (early.length > 0) return err(early)
  const filled = fillInAll(doc, options)
  if (!filled.ok) return err(filled.error)
  const clusters = filled.value.map(planCluster)
  const balancersOf = (journeys: readonly JourneySpec[]) => filled.value.map((c) => demandedVips(c, journeys).join()).join(';')
  const balancers = balancersOf(doc.journeys)
  const dns = dnsWanted(doc, doc.journeys)
  return ok({
    demands: (journeys) =>
      balancersOf(journeys) === balancers && dnsWanted(doc, journeys) === dns
        ? clusters
            .map((c) =>
              c
                .passed(journeys)
                ?.map((n) => n.name)
                .join(),
            )
            .join(';')
        : undefined,
    world: (journeys, options = {}) => {
      const world = new WorldBuilder()
      for (const object of objectsOf(filled.value)) world.put(object)
      const notes = clusters.flatMap((c) => [...c.cluster.notes, ...buildNodes(world, c, journeys, options)])
      for (const c of filled.value) buildNetwork(world, c, filled.value.length > 1)
      buildInternet(world, filled.value)
      notes.forEach((n, i) => {
        world.put({ kind: 'note', id: noteId('cluster', i + 1), ...n, origin: { component: 'user' } })
      })
      const records = world.done()
      return { records, errors: applyOverrides(records, doc.overrides) }
    },
  })
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

interface ClusterPlan {
  readonly cluster: Cluster
  readonly rulesOf: (node: ClusterNode) => NodeRules
  /** Nodes that the journeys pass, where only such get all their rules; undefined where all do. */
  readonly passed: (journeys: readonly JourneySpec[]) => readonly ClusterNode[] | undefined
}

function planCluster(cluster: Cluster): ClusterPlan {
  const made = nodeRules(cluster)
  const known = new Map(cluster.nodes.map((node) => [node, made(node)]))
  const rulesOf = (node: ClusterNode): NodeRules => known.get(node) ?? made(node)
  const rules = cluster.nodes.reduce((n, node) => n + rulesOf(node).size, 0)
  return {
    cluster,
    rulesOf,
    passed: (journeys) => {
      if (rules <= MAX_RULES) return undefined
      const passed = nodesOnTheWay(cluster, journeys)
      return cluster.nodes.filter((n) => passed.has(n))
    },
  }
}

/** Everything between the nodes and the Internet. */
function buildNetwork(world: WorldBuilder, c: Cluster, peered: boolean): void {
  buildFabric(world, c)
  if (c.config.network.fabric === 'cloud') buildRouter(world, c)
  buildGateway(world, c, peered)
  buildBalancers(world, c)
  buildAlbs(world, c)
  buildClients(world, c)
}

/** Nodes and everything on them. */
function buildNodes(
  world: WorldBuilder,
  plan: ClusterPlan,
  journeys: readonly JourneySpec[],
  options: BuildOptions,
): ClusterNote[] {
  const { cluster: c, rulesOf } = plan
  const passed = plan.passed(journeys)
  const wanted = (node: ClusterNode) =>
    passed === undefined || passed.includes(node) || options.rulesOn?.includes(node.name) === true
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
