import { ok } from '../base/result.ts'
import { formatIpv4 } from '../net/address.ts'
import type { ConntrackRecord, TcpCtState, Tuple } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { integer, ipv4OrUndefined, looksIpv6, secondsBetween } from './names.ts'
import { numberedLines, type TextResult, textError, wordsOf } from './text.ts'

const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [33, 'dccp'],
  [47, 'gre'],
  [132, 'sctp'],
  [136, 'udplite'],
])
export const conntrackProtocol = (number: number): string => PROTOCOL_NAMES.get(number) ?? 'unknown'

export interface ConntrackOptions {
  /** -o extended */
  readonly extended?: boolean
  readonly select?: (entry: ConntrackRecord) => boolean
}

/**
 * `conntrack -L` (conntrack-tools 1.4.7, libnetfilter_conntrack's nfct_snprintf_conntrack_default). Entries that are not
 * confirmed are not in the hash table, so they are not listed; of the others the kernel lists those that it has by their original
 * direction (ctnetlink_dump_table). Returns the lines and the count that goes to stderr.
 */
export function printConntrack(
  view: WorldView,
  netns: string,
  o: ConntrackOptions = {},
): { readonly text: string; readonly count: number } {
  const listed = (e: ConntrackRecord) => e.confirmed && !e.dying && e.replyOnly !== true
  const entries = view.list('conntrack', netns).filter((e) => listed(e) && (o.select?.(e) ?? true))
  return { text: entries.map((e) => `${formatConntrack(view, e, o.extended)}\n`).join(''), count: entries.length }
}

export const conntrackSummary = (count: number): string =>
  `conntrack v1.4.7 (conntrack-tools): ${count} flow entries have been shown.\n`

export function formatConntrack(view: WorldView, e: ConntrackRecord, extended = false): string {
  const timeout = secondsBetween(view.now, view.cell(e.id, 'expires'))
  const words = [
    `${extended ? 'ipv4     2 ' : ''}${conntrackProtocol(e.protocol).padEnd(8)} ${e.protocol} ${timeout}`,
    ...(e.tcpState === undefined ? [] : [e.tcpState]),
    formatTuple(e.protocol, e.original),
    ...(e.seenReply ? [] : ['[UNREPLIED]']),
    formatTuple(e.protocol, e.reply),
    ...(e.assured ? ['[ASSURED]'] : []),
    `mark=${e.mark}`,
    ...(e.zone === 0 ? [] : [`zone=${e.zone}`]),
    'use=1',
  ]
  return words.join(' ')
}

/** For ICMP the tuple's ports are the query's id and type and code; a protocol without ports has neither. */
export function formatTuple(protocol: number, t: Tuple): string {
  const hosts = `src=${formatIpv4(t.src)} dst=${formatIpv4(t.dst)}`
  if (protocol === 1) return `${hosts} type=${t.dport >> 8} code=${t.dport & 255} id=${t.sport}`
  return [6, 17, 33, 132, 136].includes(protocol) ? `${hosts} sport=${t.sport} dport=${t.dport}` : hosts
}

export interface ParsedFlow {
  readonly line: number
  readonly protocol: number
  /** Seconds that were left; absent in /proc/net/nf_conntrack text of an unconfirmed entry. */
  readonly timeout: number
  readonly tcpState?: TcpCtState
  readonly original: Tuple
  readonly reply: Tuple
  readonly seenReply: boolean
  readonly assured: boolean
  readonly mark: number
  readonly zone: number
  /** With nf_conntrack_acct: what each direction counted. */
  readonly counted: readonly { readonly packets: number; readonly bytes: number }[]
}

const TCP_STATES: ReadonlySet<string> = new Set<TcpCtState>([
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SYN_SENT2',
])
const isTcpState = (s: string): s is TcpCtState => TCP_STATES.has(s)

/** Reads `conntrack -L [-o extended]` and /proc/net/nf_conntrack; the summary line of stderr and IPv6 flows are passed over. */
export function parseConntrack(text: string): TextResult<{ readonly flows: readonly ParsedFlow[]; readonly ipv6: number }> {
  const flows: ParsedFlow[] = []
  let ipv6 = 0
  for (const { line, text: t } of numberedLines(text)) {
    if (t.startsWith('conntrack v') || t.startsWith('#')) continue
    let words = wordsOf(t)
    if (words[0] === 'ipv4' || words[0] === 'ipv6') words = words.slice(2)
    const refuse = (found: string, expected: string) => textError('conntrack', line, found, expected)
    const protocol = integer(words[1])
    const timeout = integer(words[2])
    if (protocol === undefined) return refuse(t, 'a protocol name and its number')
    if (words.some((w) => looksIpv6(w.slice(w.indexOf('=') + 1)) && w.includes('='))) {
      ipv6++
      continue
    }
    const state = words[timeout === undefined ? 2 : 3] ?? ''
    const tuples: { src: number; dst: number; sport: number; dport: number }[] = []
    const counted: { packets: number; bytes: number }[] = []
    const values = { mark: 0, zone: 0 }
    for (const w of words) {
      const equals = w.indexOf('=')
      if (equals < 0) continue
      const key = w.slice(0, equals)
      const value = w.slice(equals + 1)
      const tuple = tuples[tuples.length - 1]
      const n = integer(value) ?? 0
      if (key === 'src') {
        const src = ipv4OrUndefined(value)
        if (src === undefined) return refuse(w, 'src= and an IPv4 address')
        tuples.push({ src, dst: 0, sport: 0, dport: 0 })
      } else if (key === 'mark' || key === 'zone') values[key] = n
      else if (key === 'packets') counted.push({ packets: n, bytes: 0 })
      else if (key === 'bytes') {
        const last = counted[counted.length - 1]
        if (last) last.bytes = n
      } else if (tuple !== undefined) {
        if (key === 'dst') {
          const dst = ipv4OrUndefined(value)
          if (dst === undefined) return refuse(w, 'dst= and an IPv4 address')
          tuple.dst = dst
        } else if (key === 'sport' || key === 'dport') tuple[key] = n
        else if (key === 'id' && protocol === 1) tuple.sport = n
        else if (key === 'type') tuple.dport = (tuple.dport & 255) | (n << 8)
        else if (key === 'code') tuple.dport = (tuple.dport & 0xff00) | n
      }
    }
    const [original, reply] = tuples
    if (original === undefined || reply === undefined) return refuse(t, 'two tuples, each src= dst= …')
    flows.push({
      line,
      protocol,
      timeout: timeout ?? 0,
      ...(isTcpState(state) ? { tcpState: state } : {}),
      original: original as Tuple,
      reply: reply as Tuple,
      seenReply: !words.includes('[UNREPLIED]'),
      assured: words.includes('[ASSURED]'),
      ...values,
      counted,
    })
  }
  return ok({ flows, ipv6 })
}
