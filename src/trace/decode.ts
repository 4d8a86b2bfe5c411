import { macOf } from '../net/address.ts'
import { FIELD, PACKET_FIELDS } from '../net/packet.ts'
import { chainId } from '../world/ids.ts'
import type { TableName } from '../world/netfilter.ts'
import { STEP } from './columns.ts'
import {
  BRIDGE_DECISIONS,
  CT_CHANGES,
  CT_INFOS,
  DELIVER_TO,
  DROP_REASONS,
  HOOKS,
  IPVS_CHANGES,
  IPVS_DIRECTIONS,
  IPVS_REASONS,
  NAT_BINDINGS,
  NEIGH_REASONS,
  type NftTableName,
  NUD_STATES,
  PACKET_ORIGINS,
  PROCESS_EVENTS,
  ROUTE_PURPOSES,
  ROUTE_RESULTS,
  RULE_VERDICTS,
  type Step,
  WORLD_CHANGES,
} from './step.ts'
import type { Trace } from './trace.ts'
import type { RecordVersions } from './versions.ts'

const ARP_ANSWERS = ['reply', 'update', 'ignore', 'proxy'] as const
const POLICY_VERDICTS = ['accept', 'drop', 'return'] as const
const RP_MODES = ['off', 'strict', 'loose'] as const
const MTU_ACTIONS = ['fragment', 'frag-needed'] as const

/** The member that a column's number stands for. A number outside the list is a bug of the writer. */
function pick<T>(list: readonly T[], i: number, what: string): T {
  const value = list[i]
  if (value === undefined) throw new Error(`no ${what} has the number ${i}`)
  return value
}

/** `{ [key]: refs[ref] }`, or nothing for -1: optional facts stay absent rather than undefined. */
function optional<K extends string>(refs: readonly string[], key: K, ref: number): { readonly [P in K]?: string } {
  return (ref < 0 ? {} : { [key]: refs[ref] }) as { readonly [P in K]?: string }
}

/** The table's name inside `chain:<netns>/<table>/<chain>`; namespace names may hold slashes, so the namespace is cut off first. */
function tableOf(chain: string, netns: string): TableName {
  const rest = chain.slice('chain:'.length + netns.length - 'netns:'.length + 1)
  return rest.slice(0, rest.indexOf('/')) as TableName
}

/**
 * Decodes the row at `seq` into facts. The only reader of the row layouts of columns.ts. What a row leaves to a record
 * (a route's nexthop, the chain that a rule jumps to) is read from that record as it was at that step.
 */
export function decodeStep(trace: Trace, versions: RecordVersions, seq: number): Step {
  const { events: e, refs, texts } = trace
  const kind = e.kind[seq] as number
  const a = e.a[seq] as number
  const b = e.b[seq] as number
  const c = e.c[seq] as number
  const d = e.d[seq] as number
  const ref = (n: number) => pick(refs, n, 'record')
  const text = (n: number) => pick(texts, n, 'text')
  switch (kind) {
    case STEP.born:
      return {
        kind: 'born',
        how: pick(PACKET_ORIGINS, a, 'origin'),
        ...(b < 0 ? {} : { parent: b }),
        ...optional(refs, 'process', c),
      }
    case STEP.enter:
      return { kind: 'enter', place: a === 0 ? 'device' : 'stack', direction: b === 0 ? 'in' : 'out' }
    case STEP.depart:
      return { kind: 'depart', to: ref(a) }
    case STEP.deliver:
      return { kind: 'deliver', to: pick(DELIVER_TO, a, 'receiver'), ...optional(refs, 'socket', b) }
    case STEP.drop:
      return { kind: 'drop', reason: pick(DROP_REASONS, a, 'drop reason'), ...optional(refs, 'decidedBy', b) }
    case STEP.wait:
      return { kind: 'wait', neighbour: ref(a) }
    case STEP.undetermined:
      return { kind: 'undetermined', what: text(a), ...optional(refs, 'decidedBy', b) }
    case STEP.rewrite: {
      const field = pick(PACKET_FIELDS, a, 'packet field')
      if (a === FIELD.PAYLOAD) return { kind: 'rewrite', field, from: b >>> 0, to: c >>> 0, detail: text(d) }
      const mac = a === FIELD.ETH_SRC || a === FIELD.ETH_DST
      return { kind: 'rewrite', field, from: mac ? macOf(d >>> 16, b) : b >>> 0, to: mac ? macOf(d, c) : c >>> 0 }
    }
    case STEP.bridgeLearn:
      return { kind: 'bridge.learn', fdb: ref(a), moved: b !== 0 }
    case STEP.bridgeDecide: {
      const decision = pick(BRIDGE_DECISIONS, a, 'bridge decision')
      return { kind: 'bridge.decide', decision, ...optional(refs, 'port', b), ...optional(refs, 'fdb', c), ports: d }
    }
    case STEP.bridgeNf:
      return { kind: 'bridge.nf', hook: pick(HOOKS, a, 'hook'), enabled: b !== 0, ...optional(refs, 'sysctl', c) }
    case STEP.neighLookup:
      return {
        kind: 'neigh.lookup',
        ...optional(refs, 'neighbour', a),
        state: pick(NUD_STATES, b, 'NUD state'),
        address: c >>> 0,
      }
    case STEP.neighState: {
      const from = pick(NUD_STATES, b, 'NUD state')
      const to = pick(NUD_STATES, c, 'NUD state')
      return { kind: 'neigh.state', neighbour: ref(a), from, to, reason: pick(NEIGH_REASONS, d, 'reason') }
    }
    case STEP.arpProcess:
      return { kind: 'arp.process', op: a === 1 ? 'request' : 'reply', target: b >>> 0, answer: pick(ARP_ANSWERS, c, 'answer') }
    case STEP.route:
      return decodeRoute(trace, versions, seq)
    case STEP.rpFilter: {
      const mode = pick(RP_MODES, a, 'rp_filter mode')
      return { kind: 'rp_filter', mode, ok: b !== 0, ...optional(refs, 'route', c), ...optional(refs, 'sysctl', d) }
    }
    case STEP.forward:
      return { kind: 'forward', allowed: a !== 0, ...optional(refs, 'sysctl', b) }
    case STEP.mtu:
      return { kind: 'mtu', mtu: a, length: b, action: pick(MTU_ACTIONS, c, 'MTU action') }
    case STEP.reassemble:
      return { kind: 'reassemble', complete: a !== 0, fragments: b }
    case STEP.hook:
      return { kind: 'hook', hook: pick(HOOKS, a, 'hook'), bridged: b !== 0 }
    case STEP.chain:
      return {
        kind: 'chain',
        chain: ref(a),
        table: chainTable(versions, ref(a), seq) ?? tableOf(ref(a), ref(e.netns[seq] as number)),
      }
    case STEP.rule: {
      const verdict = pick(RULE_VERDICTS, c & 0xff, 'rule verdict')
      const turns = verdict === 'jump' || verdict === 'goto'
      const target = c >>> 8 > 0 ? ref((c >>> 8) - 1) : turns ? jumpTarget(versions, ref(a), seq) : undefined
      return { kind: 'rule', rule: ref(a), tried: b, verdict, ...(target === undefined ? {} : { target }), length: d }
    }
    case STEP.policy:
      return { kind: 'policy', chain: ref(a), tried: b, verdict: pick(POLICY_VERDICTS, c, 'policy verdict'), length: d }
    case STEP.log:
      return { kind: 'log', prefix: text(a) }
    case STEP.ctLookup:
      return { kind: 'ct.lookup', ...optional(refs, 'conntrack', a), info: pick(CT_INFOS, b, 'ctinfo') }
    case STEP.ctChange: {
      const change = pick(CT_CHANGES, b, 'conntrack change')
      return { kind: 'ct.change', conntrack: ref(a), change, ...(c < 0 ? {} : { state: text(c) }) }
    }
    case STEP.nat:
      return { kind: 'nat', conntrack: ref(a), manip: b === 0 ? 'src' : 'dst', binding: pick(NAT_BINDINGS, c, 'NAT binding') }
    case STEP.socketLookup:
      return { kind: 'socket.lookup', ...optional(refs, 'socket', a) }
    case STEP.tcpState:
      return { kind: 'tcp.state', socket: ref(a), from: text(b), to: text(c) }
    case STEP.tcpRetransmit:
      return { kind: 'tcp.retransmit', socket: ref(a), attempt: b, timeout: c * 1000 }
    case STEP.socketData:
      return { kind: 'socket.data', socket: ref(a), direction: b === 0 ? 'send' : 'receive', bytes: c }
    case STEP.process:
      return { kind: 'process', process: ref(a), event: pick(PROCESS_EVENTS, b, 'process event'), text: c < 0 ? '' : text(c) }
    case STEP.encapsulate:
      return { kind: 'encapsulate', ...optional(refs, 'fdb', a), remote: b >>> 0, vni: c }
    case STEP.decapsulate:
      return { kind: 'decapsulate', device: ref(a), remote: b >>> 0, vni: c }
    case STEP.ipvsSchedule: {
      const reason = pick(IPVS_REASONS, c, 'IPVS reason')
      return { kind: 'ipvs.schedule', service: ref(a), ...optional(refs, 'destination', b), reason, figure: d }
    }
    case STEP.ipvsPacket:
      return { kind: 'ipvs.packet', connection: ref(a), direction: pick(IPVS_DIRECTIONS, b, 'IPVS direction'), length: c }
    case STEP.ipvsChange:
      return { kind: 'ipvs.change', connection: ref(a), change: pick(IPVS_CHANGES, b, 'IPVS change'), state: text(c) }
    case STEP.timer:
      return { kind: 'timer', what: text(a), ...optional(refs, 'record', b) }
    case STEP.change:
      return { kind: 'change', change: pick(WORLD_CHANGES, a, 'change'), record: ref(b), added: c, removed: d }
    case STEP.proxyRoute: {
      const [service = '', endpoint = ''] = text(d).split(' ')
      return {
        kind: 'proxy.route',
        process: ref(a),
        ...optional(refs, 'object', b),
        rule: text(c),
        ...(service === '' ? {} : { service }),
        ...(endpoint === '' ? {} : { endpoint }),
      }
    }
    case STEP.proxyCopy:
      return { kind: 'proxy.copy', process: ref(a), from: ref(b), to: ref(c), bytes: d }
    default:
      throw new Error(`step ${seq} has the unknown kind ${kind}`)
  }
}

/** `ip kube-proxy` of a chain of nftables. Its names may hold slashes, so that the id does not tell. */
function chainTable(versions: RecordVersions, id: string, seq: number): NftTableName | undefined {
  if (!id.startsWith('nftchain:')) return undefined
  const chain = versions.near(id, seq)
  return chain?.kind === 'nft-chain' ? `${chain.family} ${chain.table}` : undefined
}

function decodeRoute(trace: Trace, versions: RecordVersions, seq: number): Step {
  const { events: e, refs } = trace
  const a = e.a[seq] as number
  const b = e.b[seq] as number
  const route = b < 0 ? undefined : versions.near(refs[b] ?? '', seq)
  const hop = route?.kind === 'route' ? route.nexthops[a >>> 16] : undefined
  const address = (e.c[seq] as number) >>> 0
  const learnt =
    route?.kind === 'route' ? route.exceptions?.find((x) => x.address === address && x.nexthop === a >>> 16) : undefined
  const via = learnt?.gateway ?? hop?.via
  return {
    kind: 'route',
    purpose: pick(ROUTE_PURPOSES, (a >>> 8) & 0xff, 'route purpose'),
    result: pick(ROUTE_RESULTS, a & 0xff, 'route result'),
    ...optional(refs, 'route', b),
    ...optional(refs, 'policyRule', e.d[seq] as number),
    address,
    ...(via === undefined ? {} : { via }),
    ...(learnt === undefined ? {} : { redirected: true }),
    ...(hop?.device === undefined ? {} : { outDevice: hop.device }),
  }
}

function jumpTarget(versions: RecordVersions, id: string, seq: number): string | undefined {
  const rule = versions.near(id, seq)
  if (rule?.kind !== 'rule') return undefined
  const { target } = rule.spec
  if (target.kind !== 'jump' && target.kind !== 'goto') return undefined
  return chainId(rule.netns.slice('netns:'.length), rule.table, target.chain)
}
