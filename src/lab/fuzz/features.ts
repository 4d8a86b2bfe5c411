import { maskOf } from '../../net/address.ts'
import { ICMP } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import type { TraceReader } from '../../trace/reader.ts'
import type { Step } from '../../trace/step.ts'
import type { Match, Target } from '../../world/netfilter.ts'
import { type PolicyRuleRecord, type RouteRecord, RT_TABLE, type RuleRecord } from '../../world/records.ts'
import { FEATURES } from './coverage.ts'

/** Names of FEATURES that packets of the run have met, and any that stand there not. */
export function featuresOf(reader: TraceReader): ReadonlySet<string> {
  return new FeatureScan(reader).all()
}

class FeatureScan {
  readonly #reader: TraceReader
  readonly #found = new Set<string>()
  /** Packets that the IP hooks see on a bridge's way. */
  readonly #bridged = new Set<number>()
  readonly #ipsets = new Map<string, string>()
  readonly #throws: readonly RouteRecord[]
  readonly #policy: readonly PolicyRuleRecord[]

  constructor(reader: TraceReader) {
    this.#reader = reader
    const routes: RouteRecord[] = []
    const policy: PolicyRuleRecord[] = []
    for (const r of reader.trace.initial.values()) {
      if (r.kind === 'ipset') this.#ipsets.set(`${r.netns} ${r.name}`, r.type)
      else if (r.kind === 'route' && r.type === 'throw') routes.push(r)
      else if (r.kind === 'policy-rule') policy.push(r)
    }
    this.#throws = routes
    this.#policy = policy.toSorted((a, b) => a.priority - b.priority)
  }

  all(): ReadonlySet<string> {
    const { length, trace } = this.#reader
    for (let s = 0; s < length; s++) this.#step(s)
    if (trace.events.kind.includes(STEP.tcpRetransmit)) this.#found.add('retransmission')
    return this.#found
  }

  #step(s: number): void {
    const reader = this.#reader
    const step = reader.step(s)
    const packet = reader.packetOf(s)
    const found = this.#found
    switch (step.kind) {
      case 'hook':
        if (step.bridged) {
          found.add('bridged hook')
          this.#bridged.add(packet)
        } else this.#bridged.delete(packet)
        return
      case 'chain': {
        const chain = reader.versions.near(step.chain, s)
        if (chain?.kind === 'chain' && chain.hook !== undefined) found.add(`${chain.table} ${chain.name}`)
        return
      }
      case 'rule': {
        const rule = reader.versions.near(step.rule, s)
        if (rule?.kind !== 'rule') return
        for (const name of this.#matchNames(rule)) found.add(name)
        for (const name of targetNames(rule.spec, this.#bridged.has(packet))) found.add(name)
        return
      }
      case 'policy':
        if (step.verdict === 'drop') found.add('policy DROP')
        return
      case 'route':
        this.#route(step, s)
        return
      case 'bridge.decide':
        if (step.decision.includes('flood')) found.add('bridge flood')
        else if (step.decision === 'forward') found.add('bridge forward')
        return
      case 'arp.process':
        if (step.answer === 'proxy') found.add('proxied ARP')
        return
      case 'mtu':
        found.add(step.action === 'fragment' ? 'fragmented' : 'frag-needed')
        return
      case 'reassemble':
        if (step.complete) found.add('reassembled')
        return
      case 'encapsulate':
        found.add('tunnel')
        return
      case 'neigh.state':
        if (step.to === 'FAILED') found.add('ARP without answer')
        return
      case 'drop':
        if (step.reason === 'SKB_DROP_REASON_IP_RPFILTER') found.add('rp_filter drop')
        return
      case 'born':
        if (step.how === 'icmp') this.#born(packet, s)
        return
      default:
        return
    }
  }

  #born(packet: number, s: number): void {
    const p = this.#reader.packetAt(packet, s)
    if (p.icmpType === ICMP.TIME_EXCEEDED) this.#found.add('TTL exceeded')
    else if (p.icmpType === ICMP.REDIRECT) this.#found.add('redirect sent')
  }

  #route(step: Extract<Step, { kind: 'route' }>, s: number): void {
    const found = this.#found
    const { versions } = this.#reader
    const route = step.route === undefined ? undefined : versions.near(step.route, s)
    const rule = step.policyRule === undefined ? undefined : versions.near(step.policyRule, s)
    if (step.result === 'none') found.add('no route')
    if (step.purpose === 'reroute') found.add('re-routed by mark')
    if (route?.kind === 'route') {
      if (route.type === 'blackhole' || route.type === 'unreachable' || route.type === 'prohibit')
        found.add(`route ${route.type}`)
      if (route.table < RT_TABLE.default) found.add('route in another table')
    }
    if (rule?.kind === 'policy-rule') for (const name of ruleNames(rule)) found.add(name)
    if (this.#throws.length > 0 && this.#thrown(step, s)) found.add('route throw')
  }

  /** Whether a table before the one that decided had a `throw` for it: only what comes after that is recorded. */
  #thrown(step: Extract<Step, { kind: 'route' }>, s: number): boolean {
    const reader = this.#reader
    const packet = reader.packetOf(s)
    const netns = reader.netnsAt(s)
    const throws = this.#throws.filter((r) => r.netns === netns && ((r.dst ^ step.address) & maskOf(r.prefixLength)) === 0)
    if (throws.length === 0 || packet < 0) return false
    const device = step.purpose === 'input' ? reader.versions.near(reader.deviceAt(s) ?? '', s) : undefined
    const flow: RuledFlow = {
      dst: step.address,
      src: reader.packetAt(packet, s).src,
      mark: reader.markAt(packet, s),
      iif: device?.kind === 'device' ? device.name : 'lo',
    }
    for (const rule of this.#policy) {
      if (rule.netns !== netns) continue
      if (rule.id === step.policyRule) return false
      const { action } = rule
      if (action.kind === 'lookup' && ruled(rule, flow) && throws.some((r) => r.table === action.table)) return true
    }
    return step.policyRule === undefined
  }

  #matchNames({ netns, spec }: RuleRecord): string[] {
    const names = spec.matches.flatMap((m) => matchNames(m, (set) => this.#ipsets.get(`${netns} ${set}`) ?? ''))
    if (spec.src !== undefined) names.push('-s')
    if (spec.dst !== undefined) names.push('-d')
    if (spec.inIface !== undefined) names.push('-i')
    if (spec.outIface !== undefined) names.push('-o')
    if (spec.protocol !== undefined) names.push('-p')
    if (spec.fragment !== undefined) names.push('-f')
    return names
  }
}

/** What a policy rule looks at. */
interface RuledFlow {
  readonly src: number
  readonly dst: number
  readonly mark: number
  readonly iif: string
}

function ruled({ from, to, fwmark, iif, invert }: PolicyRuleRecord, flow: RuledFlow): boolean {
  const within = (p: PolicyRuleRecord['from'], address: number) =>
    p === undefined || ((p.address ^ address) & maskOf(p.length)) === 0
  const fits =
    within(from, flow.src) &&
    within(to, flow.dst) &&
    (fwmark === undefined || ((fwmark.value ^ flow.mark) & fwmark.mask) === 0) &&
    (iif === undefined || iif === flow.iif)
  return fits !== invert
}

function ruleNames(rule: PolicyRuleRecord): string[] {
  if (rule.priority === 0 || rule.priority >= 32766) return []
  const names: string[] = [`rule ${rule.action.kind}`]
  if (rule.fwmark !== undefined) names.push('rule fwmark')
  if (rule.from !== undefined) names.push('rule from')
  if (rule.to !== undefined) names.push('rule to')
  if (rule.iif !== undefined) names.push('rule iif')
  if (rule.invert) names.push('rule not')
  return names
}

/** Targets that a bridge's frames may fare differently with. */
const BRIDGED_TARGETS = ['REJECT', 'DNAT', 'REDIRECT', 'NOTRACK', 'DROP']

function targetNames({ target }: RuleRecord['spec'], bridged: boolean): string[] {
  const name = targetName(target)
  const kind = name.split(' ')[0] ?? ''
  if (!bridged || !BRIDGED_TARGETS.includes(kind)) return [name]
  return [name, `${kind !== 'REJECT' ? kind : name.endsWith('tcp-reset') ? name : 'REJECT icmp'}, bridged`]
}

function targetName(t: Target): string {
  switch (t.kind) {
    case 'none':
    case 'jump':
    case 'goto':
      return t.kind
    case 'reject':
      return `REJECT ${t.with}`
    case 'connmark':
      return `CONNMARK ${t.operation}`
    case 'dnat':
    case 'snat':
    case 'masquerade':
    case 'redirect':
      return `${t.kind.toUpperCase()}${t.range.ports === undefined ? '' : ' to a port'}`
    default:
      return t.kind.toUpperCase()
  }
}

function matchNames(m: Match, typeOf: (set: string) => string): string[] {
  switch (m.kind) {
    case 'tcp':
      return [m.flags === undefined ? 'tcp ports' : 'tcp flags']
    case 'udp':
      return ['udp ports']
    case 'conntrack':
      return conntrackNames(m)
    case 'addrtype':
      return m.limitIface === undefined ? ['addrtype'] : ['addrtype', 'addrtype limit-iface']
    case 'statistic':
      return [`statistic ${m.mode}`]
    case 'set':
      return [`set ${typeOf(m.set)}`]
    case 'physdev':
      return physdevNames(m)
    case 'recent':
      return [`recent ${m.operation}`, ...(m.hitcount === undefined ? [] : ['recent hitcount'])]
    default:
      return [m.kind]
  }
}

function conntrackNames(m: Extract<Match, { kind: 'conntrack' }>): string[] {
  if (m.states !== undefined) {
    const rare = m.states.length === 1 ? m.states.filter((s) => FEATURES.matches.some((f) => f === `ctstate ${s}`)) : []
    return ['ctstate', ...rare.map((s) => `ctstate ${s}`)]
  }
  if (m.direction !== undefined) return ['conntrack ctdir']
  return [m.status === undefined ? 'conntrack tuple' : 'conntrack ctstatus']
}

function physdevNames(m: Extract<Match, { kind: 'physdev' }>): string[] {
  const names: string[] = []
  if (m.physIn !== undefined) names.push('physdev in')
  if (m.physOut !== undefined) names.push('physdev out')
  if (m.isBridged !== undefined) names.push('physdev is-bridged')
  if (m.isIn !== undefined) names.push('physdev is-in')
  return names
}
