import { formatIpv4 } from '../net/address.ts'
import { rangeText } from '../trace/names.ts'
import { nftTarget, ruleTargetText, targetAt } from '../trace/nft.ts'
import type { TraceReader } from '../trace/reader.ts'
import type { Step } from '../trace/step.ts'
import type { NftElement, NftStatement } from '../world/nft.ts'
import type { NftRuleRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import type { RuleRole } from './fact.ts'
import { ownerOf } from './names.ts'
import { code, object, record, type Span } from './sentence.ts'

/** A rule of nftables that a packet met, and when. */
interface Meeting {
  readonly reader: TraceReader
  readonly view: WorldView
  readonly rule: NftRuleRecord
  readonly seq: number
  readonly step: Extract<Step, { kind: 'rule' }> | undefined
}

/** The step at which a packet met a rule: `seq` itself, or the last one before it. */
function meetingStep(reader: TraceReader, id: string, seq: number): number | undefined {
  const packet = reader.packetOf(seq)
  const seqs = packet < 0 ? [seq] : reader.packets.seqsOf(packet)
  for (let i = seqs.length - 1; i >= 0; i--) {
    const s = seqs[i] as number
    if (s > seq) continue
    const step = reader.step(s)
    if (step.kind === 'rule' && step.rule === id) return s
  }
  return undefined
}

/** What a rule of nftables is for. kube-proxy's chains and sets are known by their names, generated or imported. */
export function nftRole(reader: TraceReader, view: WorldView, rule: NftRuleRecord, seq: number): RuleRole {
  const at = meetingStep(reader, rule.id, seq)
  const step = at === undefined ? undefined : reader.step(at)
  const m: Meeting = { reader, view, rule, seq: at ?? seq, step: step?.kind === 'rule' ? step : undefined }
  return (rule.table === 'kube-proxy' ? kubeProxyRole(m) : undefined) ?? plainRole(m)
}

const OF_SERVICE = /^(service|local|external|firewall|endpoint)-[A-Z2-7]{8}-([^/]+)\/([^/]+)\//

/** The Service in the name of a chain or set of kube-proxy. */
function serviceIn(name: string | undefined): { readonly service?: Span } {
  const [, , namespace, service] = OF_SERVICE.exec(name ?? '') ?? []
  return namespace === undefined || service === undefined
    ? {}
    : { service: object({ kind: 'Service', namespace, name: service }) }
}

function kubeProxyRole(m: Meeting): RuleRole | undefined {
  const { rule } = m
  const target = targetOf(m)
  const to = chainOf(m)
  const kind = OF_SERVICE.exec(rule.chain)?.[1]
  if (target.kind === 'jump' && target.chain === 'mark-for-masquerade') {
    const why = kind === 'endpoint' ? 'hairpin' : kind === 'service' || kind === 'local' ? clusterWhy(rule) : 'other'
    return { kind: 'mark-masquerade', why, ...serviceIn(rule.chain) }
  }
  switch (kind) {
    case 'service':
    case 'local':
      return to === undefined ? undefined : endpointRole(m, to)
    case 'external':
      return { kind: 'nft-external', ...serviceIn(rule.chain), local: to?.name.startsWith('local-') === true }
    case 'firewall':
      return { kind: 'source-range', ...serviceIn(rule.chain) }
    case 'endpoint':
      return endpointChainRole(m)
  }
  switch (rule.chain) {
    case 'services':
      return to === undefined ? undefined : lookupRole(m, to)
    case 'service-endpoints-check':
    case 'nodeport-endpoints-check':
      return noEndpoints(m)
    case 'reject-chain':
      return noEndpoints(cameFrom(m) ?? m)
    case 'firewall-check':
      return to === undefined ? undefined : lookupRole(m, to)
    case 'cluster-ips-check':
      return { kind: 'nft-cluster-ip', allocated: target.kind === 'reject', with: code(ruleTargetText(rule, target)) }
    case 'mark-for-masquerade':
      return { kind: 'set-masquerade-mark', mark: code(ruleTargetText(rule, target)), nft: true }
    case 'masquerading':
      if (target.kind === 'return') return { kind: 'unmarked', nft: true }
      if (target.kind === 'mark') return { kind: 'clear-mark' }
      if (target.kind === 'masquerade') return { kind: 'masquerade-marked' }
      return undefined
    default:
      return target.kind === 'jump' && to !== undefined ? { kind: 'nft-next', chain: to.span, purpose: target.chain } : undefined
  }
}

const targetOf = (m: Meeting) => (m.step === undefined ? nftTarget(m.rule.statements) : targetAt(m.reader, m.rule, m.step, m.seq))

/** The chain that the rule led to. */
function chainOf(m: Meeting): { readonly name: string; readonly span: Span } | undefined {
  const id = m.step?.target
  const chain = id === undefined ? undefined : m.reader.versions.near(id, m.seq)
  return chain?.kind === 'nft-chain' ? { name: chain.name, span: record(chain.id, chain.name) } : undefined
}

/** `ip daddr … ip saddr != CLUSTER jump`, or without a second condition for masqueradeAll. */
const clusterWhy = (rule: NftRuleRecord): 'off-cluster' | 'all' =>
  rule.statements.some((s) => s.kind === 'match' && s.relation === '!=') ? 'off-cluster' : 'all'

type Vmap = Extract<NftStatement, { kind: 'vmap' }>
const vmapOf = (rule: NftRuleRecord): Vmap | undefined => rule.statements.find((s): s is Vmap => s.kind === 'vmap')

const leadsTo = (e: NftElement, chain: string): boolean =>
  e.verdict !== undefined && 'chain' in e.verdict && e.verdict.chain === chain

function endpointRole(m: Meeting, to: { readonly name: string; readonly span: Span }): RuleRole {
  const service = serviceIn(m.rule.chain)
  const share = shareOf(m.rule, to.name)
  if (share !== undefined) return { kind: 'endpoint', ...service, ...share }
  return { kind: 'nft-affinity', ...service, endpoint: to.span }
}

/** Which of the numbers that `numgen random` may draw leads to this chain. */
function shareOf(rule: NftRuleRecord, chain: string) {
  const vmap = vmapOf(rule)
  if (vmap?.key.kind !== 'numgen' || vmap.map.kind !== 'anonymous') return undefined
  const index = vmap.map.elements.findIndex((e) => leadsTo(e, chain))
  const count = vmap.key.modulus
  return index < 0 ? undefined : { index: index + 1, count, probability: String(Math.round(1000 / count) / 1000) }
}

function endpointChainRole(m: Meeting): RuleRole | undefined {
  const { rule, view } = m
  const service = serviceIn(rule.chain)
  const update = rule.statements.find((s) => s.kind === 'dynset')
  if (update !== undefined) {
    const set = view.list('nft-set', rule.netns).find((s) => s.table === rule.table && s.name === update.set)
    const seconds = set?.timeout === undefined ? undefined : code(`${set.timeout / 1e9} s`)
    return { kind: 'nft-remember', ...service, ...(seconds === undefined ? {} : { time: seconds }) }
  }
  const target = targetOf(m)
  if (target.kind !== 'dnat') return undefined
  const address = target.range.addresses?.from
  const pod = address === undefined ? undefined : ownerOf(view, address)
  const from = cameFrom(m)
  return {
    kind: 'dnat',
    ...service,
    to: code(rangeText(target.range)),
    ...(pod === undefined ? {} : { pod }),
    ...(from === undefined ? {} : shareOf(from.rule, rule.chain)),
  }
}

/** The rule whose jump or goto brought the packet into this rule's chain. */
function cameFrom(m: Meeting): Meeting | undefined {
  const { reader, view } = m
  const packet = reader.packetOf(m.seq)
  if (packet < 0) return undefined
  const seqs = reader.packets.seqsOf(packet)
  for (let i = seqs.length - 1; i >= 0; i--) {
    const s = seqs[i] as number
    if (s >= m.seq) continue
    const step = reader.step(s)
    if (step.kind === 'chain') return undefined
    if (step.kind !== 'rule' || step.target === undefined) continue
    const chain = reader.versions.near(step.target, s)
    const rule = reader.versions.near(step.rule, s)
    if (chain?.kind === 'nft-chain' && chain.name === m.rule.chain && rule?.kind === 'nft-rule')
      return { reader, view, rule, seq: s, step }
  }
  return undefined
}

/** The key that was looked up, as nft writes it. */
function keyOf(m: Meeting): string {
  const packet = m.reader.packetOf(m.seq)
  if (packet < 0) return ''
  const p = m.reader.packetAt(packet, m.seq)
  const names: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 132: 'sctp' }
  const service = [names[p.protocol] ?? String(p.protocol), String(p.dport)]
  const vmap = vmapOf(m.rule)
  const withAddress = vmap?.key.kind === 'concat' && vmap.key.parts.length === 3
  return [...(withAddress ? [formatIpv4(p.dst)] : []), ...service].join(' . ')
}

function mapOf(m: Meeting): Span {
  const vmap = vmapOf(m.rule)
  const name = vmap?.map.kind === 'named' ? vmap.map.name : ''
  const set = m.view.list('nft-set', m.rule.netns).find((s) => s.table === m.rule.table && s.name === name)
  return set === undefined ? code(name) : record(set.id, set.name)
}

function lookupRole(m: Meeting, to: { readonly name: string; readonly span: Span }): RuleRole {
  return { kind: 'nft-lookup', ...serviceIn(to.name), map: mapOf(m), key: code(keyOf(m)), chain: to.span }
}

/** `comment` of the map's element is the Service's name. */
function noEndpoints(m: Meeting): RuleRole | undefined {
  const vmap = vmapOf(m.rule)
  if (vmap === undefined || m.step === undefined) return undefined
  const name = vmap.map.kind === 'named' ? vmap.map.name : ''
  const set = m.view.list('nft-set', m.rule.netns).find((s) => s.table === m.rule.table && s.name === name)
  const packet = m.reader.packetOf(m.seq)
  const p = packet < 0 ? undefined : m.reader.packetAt(packet, m.seq)
  const values = p === undefined ? [] : set?.type.length === 3 ? [p.dst, p.protocol, p.dport] : [p.protocol, p.dport]
  const element = set?.elements.find((e) => e.key.every((v, i) => v.kind === 'number' && v.value === values[i]))
  const [, namespace, service] = /^([^/:]+)\/([^/:]+)/.exec(element?.comment ?? '') ?? []
  const drops = m.step.verdict === 'drop'
  return {
    kind: 'no-endpoints',
    ...(namespace === undefined || service === undefined
      ? {}
      : { service: object({ kind: 'Service', namespace, name: service }) }),
    local: drops,
    with: code(drops ? 'drop' : 'reject icmp-port-unreachable'),
  }
}

function plainRole(m: Meeting): RuleRole {
  const { rule } = m
  const { component, object: of } = rule.origin
  const target = ruleTargetText(rule, targetOf(m))
  return {
    kind: 'plain',
    component,
    ...(rule.comment === undefined ? {} : { comment: rule.comment }),
    target: code(target || (m.step?.verdict ?? 'no verdict')),
    ...(of === undefined ? {} : { object: object(of) }),
  }
}
