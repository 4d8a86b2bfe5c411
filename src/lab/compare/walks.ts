import { formatIpv4 } from '../../net/address.ts'
import { IPPROTO, ipLength, type Packet } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import type { TraceReader } from '../../trace/reader.ts'
import { chainId } from '../../world/ids.ts'
import type { RuleRecord } from '../../world/records.ts'
import type { Difference } from './difference.ts'
import { compareInOrder, type Line } from './in-order.ts'
import { type NftTraceEvent, nftTraceEvent } from './nft-walks.ts'
import { FLOW_PORT, isTunnelPort } from './tunnel.ts'

// The rules that acted on each packet, in order: one line for each base chain that a packet walked, the packet as it came in,
// then each rule that matched as CHAIN/NUMBER, then the policy when it decided.

/** Walks of one run by namespace name, in order. */
export type Walks = ReadonlyMap<string, readonly Line[]>

const POLICY_RETURN = 2

/** Walks of the engine's run. */
export function engineWalks(reader: TraceReader): Walks {
  const { events: e, refs } = reader.trace
  const book = new Map<string, OpenWalk[]>()
  /** Of each packet: the walk it is in. */
  const open = new Map<number, OpenWalk>()
  const edits = changesOfRules(reader)
  for (let s = 0; s < e.length; s++) {
    const packet = e.packet[s] ?? -1
    const kind = e.kind[s]
    const ref = refs[e.a[s] ?? -1] ?? ''
    if (kind === STEP.chain) {
      const record = reader.versions.at(ref, s)
      const base = record?.kind === 'chain' ? record.hook : record?.kind === 'nft-chain' ? record.base : undefined
      if ((record?.kind !== 'chain' && record?.kind !== 'nft-chain') || base === undefined) continue
      const walk = { seq: s, parts: [`${packetText(reader.packetAt(packet, s))} ${record.table} ${record.name}:`] }
      const netns = reader.netnsAt(s).slice('netns:'.length)
      const list = book.get(netns)
      if (list === undefined) book.set(netns, [walk])
      else list.push(walk)
      open.set(packet, walk)
    } else if (kind === STEP.rule) {
      const record = reader.versions.near(ref, s)
      const [last = '', number = ''] = ref.split('/').slice(-2)
      const place = record?.kind === 'rule' && edits.length > 0 ? numberAfter(reader, edits, { rule: record, seq: s }) : number
      open.get(packet)?.parts.push(`${record?.kind === 'nft-rule' ? record.chain : last}/${place}`)
    } else if (kind === STEP.policy) {
      if (e.c[s] !== POLICY_RETURN) open.get(packet)?.parts.push(e.c[s] === 0 ? 'policy ACCEPT' : 'policy DROP')
    } else if (kind === STEP.hook || kind === STEP.enter || kind === STEP.depart || kind === STEP.drop) open.delete(packet)
  }
  return new Map([...book].map(([netns, walks]) => [netns, walks.map((w) => ({ text: w.parts.join(' '), seq: w.seq }))]))
}

interface RuleChange {
  readonly seq: number
  readonly netns: string
  /** Rule by rule; otherwise whole chains are written. */
  readonly edits: boolean
}

function changesOfRules(reader: TraceReader): RuleChange[] {
  const { events: e } = reader.trace
  const found: RuleChange[] = []
  for (let seq = 0; seq < e.length; seq++) {
    if (e.kind[seq] !== STEP.change) continue
    const step = reader.step(seq)
    if (step.kind !== 'change' || (step.change !== 'configure' && step.change !== 'sync')) continue
    // Userspace mode appends and deletes single rules, too.
    const portals = chainId(reader.netnsAt(seq).slice('netns:'.length), 'nat', 'KUBE-PORTALS-CONTAINER')
    const edits = step.change === 'configure' || reader.versions.at(portals, seq) !== undefined
    found.push({ seq, netns: reader.netnsAt(seq), edits })
  }
  return found.some((f) => f.edits) ? found : []
}

/**
 * A rule that stays while others of its chain come and go keeps its handle, by which a kernel's trace names it: its number is the one
 * that it has last.
 */
function numberAfter(reader: TraceReader, changes: readonly RuleChange[], of: { rule: RuleRecord; seq: number }): string {
  const { versions } = reader
  let { rule } = of
  for (const c of changes) {
    if (c.seq < of.seq || c.netns !== rule.netns) continue
    const chain = versions.at(rule.id.replace(/^rule:/, 'chain:').replace(/\/\d+$/, ''), c.seq)
    const same = (chain?.kind === 'chain' ? chain.rules : []).flatMap((id): RuleRecord[] => {
      const r = versions.at(id, c.seq)
      return r?.kind === 'rule' && JSON.stringify(r.spec) === JSON.stringify(rule.spec) ? [r] : []
    })
    const [next] = same
    if (!c.edits || next === undefined) {
      // Written anew it has another handle, unless the sync left its chain alone.
      if (next?.id === rule.id) continue
      break
    }
    rule = next
  }
  return rule.id.slice(rule.id.lastIndexOf('/') + 1)
}

/** A walk under way. It stands where it began: a REJECT sends its error in the middle of one. */
interface OpenWalk {
  readonly seq: number
  readonly parts: string[]
}

const TCP_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'] as const

/** Of a TCP header's flags, as a walk has them. */
export const flagNames = (flags: number): string =>
  TCP_NAMES.filter((_, i) => flags & (1 << i))
    .toSorted()
    .join(',')

function packetText(p: Packet): string {
  const sport = isTunnelPort(p.protocol, p.dport) ? FLOW_PORT : p.sport
  const ports = p.protocol === IPPROTO.TCP || p.protocol === IPPROTO.UDP ? ` ${sport} > ${p.dport}` : ''
  const flags = p.protocol === IPPROTO.TCP ? ` ${flagNames(p.tcpFlags)}` : ''
  return `${formatIpv4(p.src)} > ${formatIpv4(p.dst)}${ports} length ${ipLength(p)} ttl ${p.ttl}${flags}`
}

/**
 * Walks out of `xtables-monitor --trace` (iptables 1.8.9) or `nft -a monitor trace` text of one namespace. `ruleset`: `nft -a list ruleset` of the same,
 * which says where a rule's handle stands in its chain.
 */
export function parseWalks(text: string, ruleset: string): Line[] {
  const numbers = ruleNumbers(ruleset)
  const walks: string[][] = []
  /** By trace id: the packet as its last header has it, and the walk it is in. */
  const open = new Map<string, { readonly packet: string; walk: string[] | undefined }>()
  const see = (event: NftTraceEvent) => {
    if (event.kind === 'packet') {
      open.set(event.id, { packet: event.packet, walk: undefined })
      return
    }
    const at = open.get(event.id)
    if (at === undefined || event.table.startsWith('hopscope_')) return
    if (at.walk === undefined) {
      at.walk = [`${at.packet} ${event.table} ${event.chain}:`]
      walks.push(at.walk)
    }
    if (event.kind === 'policy') at.walk.push(`policy ${event.verdict}`)
    else {
      const { table, chain, handle } = event
      at.walk.push(`${chain}/${numbers.get(`${table} ${chain} ${handle}`) ?? `handle ${handle}`}`)
    }
  }
  for (const line of text.split('\n')) {
    const told = nftTraceEvent(line)
    if (told !== undefined) {
      see(told)
      continue
    }
    const header = /^PACKET: \d+ (\w+) (.*)$/.exec(line)
    if (header !== null) {
      open.set(header[1] ?? '', { packet: headerText(header[2] ?? ''), walk: undefined })
      continue
    }
    const event = /^ TRACE: \d+ (\w+) ([^:]+):([^:]+):(rule|policy|return):(\S*)/.exec(line)
    const [, id = '', table = '', chain = '', kind = '', rest = ''] = event ?? []
    if (kind === 'policy') see({ kind, id, table, chain, verdict: rest })
    else if (kind === 'rule') see({ kind, id, table, chain, handle: Number.parseInt(rest, 16) })
  }
  return walks.map((parts) => ({ text: parts.join(' ') }))
}

function headerText(header: string): string {
  const value = (key: string) => new RegExp(`(?:^| )${key}=(\\S+)`).exec(header)?.[1]
  const names = TCP_NAMES.filter((n) => new RegExp(` ${n}(?= |$)`).test(header)).toSorted()
  // It names no protocol that has ports; a TCP segment has a flag at least.
  const tunnel = names.length === 0 && isTunnelPort(IPPROTO.UDP, Number(value('DPORT')))
  const sport = tunnel ? FLOW_PORT : value('SPORT')
  const ports = sport === undefined ? '' : ` ${sport} > ${value('DPORT')}`
  const flags = names.length === 0 ? '' : ` ${names.join(',')}`
  return `${value('SRC')} > ${value('DST')}${ports} length ${value('LEN')} ttl ${value('TTL')}${flags}`
}

/** `table chain handle` → number in the chain, from 1. */
function ruleNumbers(ruleset: string): Map<string, number> {
  const numbers = new Map<string, number>()
  let table = ''
  let chain = ''
  let count = 0
  for (const line of ruleset.split('\n')) {
    const block = /^\s*(table (?:ip|inet)|chain) (\S+) \{/.exec(line)
    if (block !== null) {
      if (block[1] === 'chain') chain = block[2] ?? ''
      else table = block[2] ?? ''
      count = 0
      continue
    }
    const handle = /# handle (\d+)$/.exec(line)
    if (handle !== null && chain !== '') numbers.set(`${table} ${chain} ${handle[1]}`, ++count)
    else if (/^\s*\}/.test(line)) chain = ''
  }
  return numbers
}

/** Walks of a flow come in the same order; those of different flows may overtake each other. */
export function compareWalks(engine: Walks, kernel: Walks): Difference[] {
  return [...kernel.keys()].flatMap((netns) =>
    compareInOrder({
      what: 'trace',
      where: netns,
      engine: engine.get(netns) ?? [],
      kernel: kernel.get(netns) ?? [],
      flowOf: flowOfWalk,
    }),
  )
}

const flowOfWalk = (text: string): string => text.slice(0, text.indexOf(' length '))
