import { formatIpv4 } from '../net/address.ts'
import { netnsName, rangeText, targetText } from '../trace/names.ts'
import { chainId } from '../world/ids.ts'
import type { Match } from '../world/netfilter.ts'
import type { RuleRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import type { RuleRole } from './fact.ts'
import { ownerOf } from './names.ts'
import { code, object, record, type Span } from './sentence.ts'

const commentOf = (rule: RuleRecord): string | undefined => {
  for (const m of rule.spec.matches) if (m.kind === 'comment') return m.text
  return undefined
}

/** `default/web:http cluster IP`, `default/web -> 10.244.2.7:8080`: kube-proxy's comments begin with the ServicePortName. */
function serviceOf(rule: RuleRecord): Span | undefined {
  const made = rule.origin.object
  if (made?.kind === 'Service') return object(made)
  const m = /^([a-z0-9-]+)\/([a-z0-9-]+)(?::[a-z0-9-]+)?(?: |$)/.exec(commentOf(rule) ?? '')
  return m?.[1] === undefined || m[2] === undefined ? undefined : object({ kind: 'Service', namespace: m[1], name: m[2] })
}

const withService = (rule: RuleRecord) => {
  const service = serviceOf(rule)
  return service === undefined ? {} : { service }
}

type Statistic = Extract<Match, { kind: 'statistic'; mode: 'random' }>

/** A rule's own probability as people write it: 0.5, 0.333. */
function probabilityOf(rule: RuleRecord): string | undefined {
  const m = rule.spec.matches.find((x): x is Statistic => x.kind === 'statistic' && x.mode === 'random')
  return m === undefined ? undefined : String(Math.round((m.probability / 0x8000_0000) * 1000) / 1000)
}

interface Share {
  readonly index: number
  readonly count: number
  readonly probability?: string
}

/** Which endpoint of how many a rule of a KUBE-SVC chain stands for. */
function shareOf(view: WorldView, rule: RuleRecord): Share | undefined {
  const chain = view.get('chain', chainId(netnsName(rule.netns), rule.table, rule.chain))
  const shares = (chain?.rules ?? []).flatMap((id) => {
    const r = view.get('rule', id)
    return r?.spec.target.kind === 'jump' && r.spec.target.chain.startsWith('KUBE-SEP-') ? [r] : []
  })
  const index = shares.findIndex((r) => r.id === rule.id)
  if (index < 0) return undefined
  const probability = probabilityOf(rule)
  return { index: index + 1, count: shares.length, ...(probability === undefined ? {} : { probability }) }
}

/** The share of the endpoint whose KUBE-SEP chain this is. */
function shareOfEndpoint(view: WorldView, rule: RuleRecord): Share | undefined {
  for (const r of view.list('rule', rule.netns)) {
    if (r.table === rule.table && r.spec.target.kind === 'jump' && r.spec.target.chain === rule.chain) return shareOf(view, r)
  }
  return undefined
}

/** What a rule is for, from its origin, its chain and its comment. Works for generated and for imported rules alike. */
export function roleOf(view: WorldView, rule: RuleRecord): RuleRole {
  const { target } = rule.spec
  switch (rule.chain) {
    case 'KUBE-SERVICES':
    case 'KUBE-EXTERNAL-SERVICES':
      if (target.kind === 'reject' || target.kind === 'drop') {
        const local = commentOf(rule)?.includes('no local endpoints') === true
        return { kind: 'no-endpoints', ...withService(rule), local, with: code(targetText(target)) }
      }
      if (target.kind !== 'jump') break
      if (target.chain === 'KUBE-NODEPORTS') return { kind: 'nodeports' }
      return { kind: 'service', ...withService(rule), ...clusterIP(rule) }
    case 'KUBE-MARK-MASQ':
      return { kind: 'set-masquerade-mark', mark: code(targetText(target)) }
    case 'KUBE-POSTROUTING':
      if (target.kind === 'return') return { kind: 'unmarked' }
      if (target.kind === 'mark') return { kind: 'clear-mark' }
      if (target.kind === 'masquerade') return { kind: 'masquerade-marked' }
      break
    case 'KUBE-FORWARD':
      if (target.kind === 'drop') return { kind: 'drop-invalid' }
      if (target.kind !== 'accept') break
      return { kind: rule.spec.matches.some((m) => m.kind === 'mark') ? 'accept-marked' : 'accept-replies' }
    case 'KUBE-PORTALS-CONTAINER':
    case 'KUBE-PORTALS-HOST':
    case 'KUBE-NODEPORT-CONTAINER':
    case 'KUBE-NODEPORT-HOST':
      if (target.kind !== 'redirect' && target.kind !== 'dnat') break
      return { kind: 'to-proxy', ...withService(rule), port: code(target.range.ports?.from ?? '') }
    case 'KUBE-NODEPORT-NON-LOCAL':
      if (target.kind === 'accept') return { kind: 'accept-to-proxy', ...withService(rule) }
      break
    case 'KUBE-FIREWALL':
      if (target.kind === 'drop' && rule.spec.dst?.address === 0x7f000000) return { kind: 'localnet' }
      break
  }
  if (rule.chain.startsWith('KUBE-SVC-') || rule.chain.startsWith('KUBE-SVL-')) {
    if (target.kind === 'jump' && target.chain === 'KUBE-MARK-MASQ') {
      return { kind: 'mark-masquerade', why: rule.spec.src?.invert === true ? 'off-cluster' : 'all', ...withService(rule) }
    }
    const share = shareOf(view, rule)
    if (share !== undefined) return { kind: 'endpoint', ...withService(rule), ...share }
  }
  if (rule.chain.startsWith('KUBE-SEP-')) {
    if (target.kind === 'jump' && target.chain === 'KUBE-MARK-MASQ')
      return { kind: 'mark-masquerade', why: 'hairpin', ...withService(rule) }
    if (target.kind === 'dnat') return dnatRole(view, rule, rangeText(target.range), target.range.addresses?.from)
  }
  if (target.kind === 'jump' && target.chain === 'KUBE-MARK-MASQ')
    return { kind: 'mark-masquerade', why: 'other', ...withService(rule) }
  return portmapRole(view, rule) ?? balancerRole(view, rule) ?? wayBackRole(rule) ?? otherRole(rule)
}

/** The pod that a chain of the portmap plugin is for: its DNAT rules say where it is, also in rules that were imported. */
function podOfChain(view: WorldView, netns: string, name: string): Span | undefined {
  for (const id of view.get('chain', chainId(netns, 'nat', name))?.rules ?? []) {
    const target = view.get('rule', id)?.spec.target
    if (target?.kind === 'dnat' && target.range.addresses !== undefined) return ownerOf(view, target.range.addresses.from)
  }
  return undefined
}

function portmapRole(view: WorldView, rule: RuleRecord): RuleRole | undefined {
  const { target, matches } = rule.spec
  const named = (pod: Span | undefined) => (pod === undefined ? {} : { pod })
  if (rule.chain === 'CNI-HOSTPORT-DNAT' && target.kind === 'jump') {
    const ports = matches.flatMap((m) => (m.kind === 'multiport' ? m.ranges.map((r) => r.from) : []))
    return { kind: 'host-port', ports: code(ports.join(', ')), ...named(podOfChain(view, netnsName(rule.netns), target.chain)) }
  }
  if (!rule.chain.startsWith('CNI-DN-') || target.kind !== 'dnat') return undefined
  const at = target.range.addresses?.from
  return { kind: 'host-port-dnat', to: code(rangeText(target.range)), ...named(at === undefined ? undefined : ownerOf(view, at)) }
}

function wayBackRole(rule: RuleRecord): RuleRole | undefined {
  const { target } = rule.spec
  if (rule.origin.component !== 'cloud' || target.kind !== 'connmark') return undefined
  return { kind: 'way-back', step: target.operation === 'set' ? 'mark' : 'answer', ...withService(rule) }
}

/** A load balancer's targets are the rules of PREROUTING that share its Service. */
function balancerRole(view: WorldView, rule: RuleRecord): RuleRole | undefined {
  const { target } = rule.spec
  const of = rule.origin.object
  if (rule.origin.component !== 'cloud' || of?.kind !== 'Service' || target.kind !== 'dnat') return undefined
  const chain = view.get('chain', chainId(netnsName(rule.netns), rule.table, rule.chain))
  const dport = (r: RuleRecord) => JSON.stringify(r.spec.matches.find((m) => m.kind === 'tcp' || m.kind === 'udp'))
  const shares = (chain?.rules ?? []).flatMap((id) => {
    const r = view.get('rule', id)
    return r?.spec.target.kind === 'dnat' && r.spec.dst?.address === rule.spec.dst?.address && dport(r) === dport(rule)
      ? [id]
      : []
  })
  const at = target.range.addresses?.from
  const node = at === undefined ? undefined : ownerOf(view, at)
  const probability = probabilityOf(rule)
  return {
    kind: 'balance',
    ...withService(rule),
    to: code(rangeText(target.range)),
    index: shares.indexOf(rule.id) + 1,
    count: shares.length,
    ...(node === undefined ? {} : { node }),
    ...(probability === undefined ? {} : { probability }),
  }
}

const clusterIP = (rule: RuleRecord) =>
  rule.spec.dst === undefined ? {} : { clusterIP: code(formatIpv4(rule.spec.dst.address)) }

function dnatRole(view: WorldView, rule: RuleRecord, to: string, at: number | undefined): RuleRole {
  const pod = at === undefined ? undefined : ownerOf(view, at)
  return {
    kind: 'dnat',
    ...withService(rule),
    to: code(to),
    ...(pod === undefined ? {} : { pod }),
    ...shareOfEndpoint(view, rule),
  }
}

const COMPONENT_CHAIN = /^(KUBE|CNI|FLANNEL|cali|DOCKER|CILIUM|ANTREA|WEAVE|KUBE-ROUTER)[-_]?/

function otherRole(rule: RuleRecord): RuleRole {
  const { target } = rule.spec
  const { component, object: of } = rule.origin
  const base =
    rule.chain === 'PREROUTING' ||
    rule.chain === 'INPUT' ||
    rule.chain === 'FORWARD' ||
    rule.chain === 'OUTPUT' ||
    rule.chain === 'POSTROUTING'
  if (base && target.kind === 'jump' && COMPONENT_CHAIN.test(target.chain)) {
    const known = component === 'import' || component === 'user' ? makerOf(target.chain) : component
    return {
      kind: 'jump-to-component',
      component: known,
      chain: record(chainId(netnsName(rule.netns), rule.table, target.chain), target.chain),
    }
  }
  if (target.kind === 'masquerade' && rule.table === 'nat') {
    const comment = commentOf(rule)
    if (component === 'cni' || comment?.includes('SNAT for outbound traffic') || comment === 'flanneld masq')
      return { kind: 'egress-masquerade' }
  }
  const comment = commentOf(rule)
  return {
    kind: 'plain',
    component,
    ...(comment === undefined ? {} : { comment }),
    target: code(targetText(target) || 'no target'),
    ...(of === undefined ? {} : { object: object(of) }),
  }
}

function makerOf(chain: string): string {
  if (chain.startsWith('KUBE')) return chain.startsWith('KUBE-ROUTER') ? 'kube-router' : 'kube-proxy'
  if (chain.startsWith('CNI')) return 'CNI portmap'
  if (chain.startsWith('FLANNEL')) return 'flannel'
  if (chain.startsWith('cali')) return 'Calico'
  if (chain.startsWith('DOCKER')) return 'Docker'
  return chain.split(/[-_]/)[0] ?? chain
}
