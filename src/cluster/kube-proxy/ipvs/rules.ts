import type { TableName } from '../../../world/netfilter.ts'
import type { ProxyConfig } from '../config.ts'
import { type IpAddress, LOOPBACK_V4, parseCidrSloppy } from '../ip.ts'
import { ifLocal, MASQ, made, TableDraft } from '../iptables/draft.ts'
import {
  ACCEPT,
  type Argument,
  comment,
  ctstate,
  DROP,
  dstType,
  fromCidr,
  fromIp,
  type GeneratedTable,
  hasMark,
  ipvsMatch,
  jump,
  type L4Protocol,
  masquerade,
  matchSet,
  notFromBridgePort,
  orMark,
  protocolOnly,
  REJECT,
  RETURN,
  srcType,
  xorMark,
} from '../rule.ts'
import { SETS, type SetEntries, type SetName, setName } from './sets.ts'

// The iptables rules around IPVS: what to masquerade and whom to let in, by ipset (writeIptablesRules).

export interface BlockedEntry {
  readonly ip: IpAddress
  readonly protocol: L4Protocol
  readonly port: number
}

const CHAINS = {
  nat: ['KUBE-SERVICES', 'KUBE-POSTROUTING', 'KUBE-NODE-PORT', 'KUBE-LOAD-BALANCER', MASQ],
  filter: [
    'KUBE-FORWARD',
    'KUBE-NODE-PORT',
    'KUBE-PROXY-FIREWALL',
    'KUBE-SOURCE-RANGES-FIREWALL',
    'KUBE-IPVS-FILTER',
    'KUBE-IPVS-OUT-FILTER',
  ],
} as const

const DST2 = ['dst', 'dst'] as const
const DST2_SRC = ['dst', 'dst', 'src'] as const

interface SetRule {
  readonly set: SetName
  readonly table: 'nat' | 'filter'
  readonly from: string
  readonly to: string
  readonly directions: readonly ('src' | 'dst')[]
  readonly protocol?: L4Protocol
}
/** ipsetWithIptablesChain: one rule a set, where the set has entries. A Local set stands before its neighbour. */
const SET_RULES: readonly SetRule[] = [
  { set: 'KUBE-LOOP-BACK', table: 'nat', from: 'KUBE-POSTROUTING', to: 'MASQUERADE', directions: DST2_SRC },
  { set: 'KUBE-LOAD-BALANCER', table: 'nat', from: 'KUBE-SERVICES', to: 'KUBE-LOAD-BALANCER', directions: DST2 },
  { set: 'KUBE-LOAD-BALANCER-LOCAL', table: 'nat', from: 'KUBE-LOAD-BALANCER', to: 'RETURN', directions: DST2 },
  ...(['tcp', 'udp'] as const).flatMap((protocol): SetRule[] => {
    const name = protocol === 'tcp' ? 'TCP' : 'UDP'
    const rule = { table: 'nat', from: 'KUBE-NODE-PORT', directions: ['dst'], protocol } as const
    return [
      { ...rule, set: `KUBE-NODE-PORT-LOCAL-${name}`, to: 'RETURN' },
      { ...rule, set: `KUBE-NODE-PORT-${name}`, to: MASQ },
    ]
  }),
  {
    set: 'KUBE-NODE-PORT-LOCAL-SCTP-HASH',
    table: 'nat',
    from: 'KUBE-NODE-PORT',
    to: 'RETURN',
    directions: DST2,
    protocol: 'sctp',
  },
  { set: 'KUBE-NODE-PORT-SCTP-HASH', table: 'nat', from: 'KUBE-NODE-PORT', to: MASQ, directions: DST2, protocol: 'sctp' },
  {
    set: 'KUBE-LOAD-BALANCER-FW',
    table: 'filter',
    from: 'KUBE-PROXY-FIREWALL',
    to: 'KUBE-SOURCE-RANGES-FIREWALL',
    directions: DST2,
  },
  {
    set: 'KUBE-LOAD-BALANCER-SOURCE-CIDR',
    table: 'filter',
    from: 'KUBE-SOURCE-RANGES-FIREWALL',
    to: 'RETURN',
    directions: DST2_SRC,
  },
  {
    set: 'KUBE-LOAD-BALANCER-SOURCE-IP',
    table: 'filter',
    from: 'KUBE-SOURCE-RANGES-FIREWALL',
    to: 'RETURN',
    directions: DST2_SRC,
  },
]

interface Writing {
  readonly nat: TableDraft
  readonly filter: TableDraft
  readonly sets: SetEntries
  readonly config: ProxyConfig & { readonly randomFully: boolean }
}

export function ipvsTables(
  sets: SetEntries,
  blocked: readonly BlockedEntry[],
  config: ProxyConfig & { readonly randomFully: boolean },
): { nat: GeneratedTable; filter: GeneratedTable } {
  const w: Writing = { nat: new TableDraft('nat'), filter: new TableDraft('filter'), sets, config }
  for (const chain of CHAINS.nat) w.nat.chain(chain, made('iptablesChains'))
  for (const chain of CHAINS.filter) w.filter.chain(chain, made('iptablesChains'))
  const loopback = config.family === 'IPv4' ? LOOPBACK_V4 : parseCidrSloppy('::1/128')
  if (loopback !== undefined) w.nat.add('KUBE-SERVICES', made('localhost is no client'), fromCidr(loopback), RETURN)
  writeSetRules(w)
  masqueradeClusterIPs(w)
  acceptExternalIPs(w)
  w.nat.add('KUBE-SERVICES', made('node ports'), dstType('LOCAL'), jump('KUBE-NODE-PORT'))
  w.nat.add('KUBE-LOAD-BALANCER', made('masquerade load balancer traffic'), jump(MASQ))
  w.filter.add('KUBE-SOURCE-RANGES-FIREWALL', made('outside loadBalancerSourceRanges'), DROP)
  for (const { ip, protocol, port } of blocked) {
    w.filter.add('KUBE-IPVS-OUT-FILTER', made('the node itself'), fromIp(ip), ipvsMatch(ip.text, protocol, port), DROP)
  }
  // Last in KUBE-SERVICES: nothing after it may keep packets from IPVS.
  for (const set of ['KUBE-CLUSTER-IP', 'KUBE-LOAD-BALANCER'] as const) {
    if (!sets.isEmpty(set)) w.nat.add('KUBE-SERVICES', made('accept IPVS traffic'), inSet(w, set, DST2), ACCEPT)
  }
  writeForward(w)
  guardVIPs(w)
  writeMasquerading(w)
  return { nat: w.nat.done(), filter: w.filter.done() }
}

const inSet = ({ config }: Writing, set: SetName, directions: readonly ('src' | 'dst')[]): Argument =>
  matchSet(setName(set, config.family), directions)

function writeSetRules(w: Writing): void {
  for (const { set, table, from, to, directions, protocol } of SET_RULES) {
    if (w.sets.isEmpty(set)) continue
    const target = to === 'MASQUERADE' ? masquerade(false) : to === 'RETURN' ? RETURN : jump(to)
    const only = protocol === undefined ? [] : [protocolOnly(protocol)]
    w[table].add(from, made(set), ...only, comment(SETS[set].comment), inSet(w, set, directions), target)
  }
}

function masqueradeClusterIPs(w: Writing): void {
  const set = 'KUBE-CLUSTER-IP'
  if (w.sets.isEmpty(set)) return
  const { masqueradeAll, localDetector } = w.config
  const notLocal = ifLocal(localDetector, true)
  const note = comment(SETS[set].comment)
  const add = (...match: readonly Argument[]) =>
    w.nat.add('KUBE-SERVICES', made('masquerade off-cluster traffic'), note, ...match, jump(MASQ))
  if (masqueradeAll) add(inSet(w, set, DST2))
  else if (notLocal !== undefined) add(inSet(w, set, DST2), notLocal)
  // What the node itself sends to a VIP has a VIP as its source, for kube-ipvs0 has them all.
  else add(inSet(w, set, ['src', 'dst']))
}

/** From off this machine, or to an address that is a local one anyway. */
function acceptExternalIPs(w: Writing): void {
  for (const set of ['KUBE-EXTERNAL-IP', 'KUBE-EXTERNAL-IP-LOCAL'] as const) {
    if (w.sets.isEmpty(set)) continue
    const args = [comment(SETS[set].comment), inSet(w, set, DST2)]
    if (set === 'KUBE-EXTERNAL-IP') w.nat.add('KUBE-SERVICES', made('masquerade external traffic'), ...args, jump(MASQ))
    w.nat.add('KUBE-SERVICES', made('external traffic'), ...args, notFromBridgePort, srcType('LOCAL', true), ACCEPT)
    w.nat.add('KUBE-SERVICES', made('external IP of this node'), ...args, dstType('LOCAL'), ACCEPT)
  }
}

function writeForward({ filter, config }: Writing): void {
  const marked = hasMark(config.masqueradeMark)
  filter.add('KUBE-FORWARD', made('accept marked traffic'), comment('kubernetes forwarding rules'), marked, ACCEPT)
  const replies = comment('kubernetes forwarding conntrack rule')
  filter.add('KUBE-FORWARD', made('accept replies'), replies, ctstate(['RELATED', 'ESTABLISHED']), ACCEPT)
}

/** kube-ipvs0 makes VIPs local: what no virtual server takes must not reach the node's own ports through them. */
function guardVIPs(w: Writing): void {
  const { filter } = w
  const health = 'KUBE-HEALTH-CHECK-NODE-PORT'
  filter.add('KUBE-NODE-PORT', made('health check'), comment(SETS[health].comment), inSet(w, health, ['dst']), ACCEPT)
  for (const set of ['KUBE-LOAD-BALANCER', 'KUBE-CLUSTER-IP', 'KUBE-EXTERNAL-IP', 'KUBE-EXTERNAL-IP-LOCAL'] as const) {
    filter.add('KUBE-IPVS-FILTER', made('a virtual server'), inSet(w, set, DST2), RETURN)
  }
  filter.add('KUBE-IPVS-FILTER', made('health check'), inSet(w, health, ['dst']), RETURN)
  const vips = inSet(w, 'KUBE-IPVS-IPS', ['dst'])
  filter.add('KUBE-IPVS-FILTER', made('ports of the host behind a VIP'), ctstate(['NEW']), vips, REJECT)
}

function writeMasquerading({ nat, config }: Writing): void {
  nat.add('KUBE-POSTROUTING', made('masquerade marked traffic'), hasMark(config.masqueradeMark, true), RETURN)
  nat.add('KUBE-POSTROUTING', made('clear the mark'), xorMark(config.masqueradeMark))
  const text = comment('kubernetes service traffic requiring SNAT')
  nat.add('KUBE-POSTROUTING', made('masquerade marked traffic'), text, masquerade(config.randomFully))
  nat.add(MASQ, made('mark for masquerade'), orMark(config.masqueradeMark))
}

/** iptablesJumpChain, in kube-proxy's own order; it prepends each, so the last comes first. */
const JUMPS: readonly (readonly [table: TableName, from: string, to: string, text: string])[] = [
  ['nat', 'OUTPUT', 'KUBE-SERVICES', 'kubernetes service portals'],
  ['nat', 'PREROUTING', 'KUBE-SERVICES', 'kubernetes service portals'],
  ['nat', 'POSTROUTING', 'KUBE-POSTROUTING', 'kubernetes postrouting rules'],
  ['filter', 'FORWARD', 'KUBE-FORWARD', 'kubernetes forwarding rules'],
  ['filter', 'INPUT', 'KUBE-NODE-PORT', 'kubernetes health check rules'],
  ['filter', 'INPUT', 'KUBE-PROXY-FIREWALL', 'kube-proxy firewall rules'],
  ['filter', 'FORWARD', 'KUBE-PROXY-FIREWALL', 'kube-proxy firewall rules'],
  ['filter', 'INPUT', 'KUBE-IPVS-FILTER', 'kubernetes ipvs access filter'],
  ['filter', 'OUTPUT', 'KUBE-IPVS-OUT-FILTER', 'kubernetes ipvs access filter'],
]

/** The base chains' jumps, in the order that prepending leaves. */
export function ipvsJumps(table: TableName): GeneratedTable {
  const draft = new TableDraft(table)
  for (const [of, from, to, text] of JUMPS.toReversed()) {
    if (of === table) draft.add(from, made('iptablesJumpChain'), comment(text), jump(to))
  }
  return draft.done()
}
