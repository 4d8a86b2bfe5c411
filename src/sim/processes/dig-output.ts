import { formatIpv4 } from '../../net/address.ts'
import {
  DNS_TYPES,
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  dnsClassName,
  dnsDataText,
  dnsOpcodeName,
  dnsRcodeName,
  dnsTypeName,
  optOf,
} from '../../net/dns-message.ts'
import type { DigLookup } from './dig-options.ts'
import type { LookupResult } from './dns-lookup.ts'

// What dig prints (bin/dig/dig.c printmessage, received; lib/dns/masterdump.c for the columns of a record).

export const BIND_VERSION = '9.18.33-1~deb12u2-Debian'
const TAB = 8
/** Columns of TTL, class, type and data. */
const COLUMNS = [24, 32, 40, 48] as const

/** indent(): tabs and spaces up to a column, one space when the text is beyond it already. */
function padded(text: string, column: number, to: number): string {
  if (to <= column) return `${text} `
  const tabs = Math.floor(to / TAB) - Math.floor(column / TAB)
  return text + (tabs > 0 ? '\t'.repeat(tabs) + ' '.repeat(to % TAB) : ' '.repeat(to - column))
}

/** Words, each at its column. */
function columns(words: readonly (readonly [text: string, at: number])[]): string {
  let out = ''
  let column = 0
  for (const [text, at] of words) {
    if (out !== '') {
      out = padded(out, column, at)
      column = at <= column ? column + 1 : at
    }
    out += text
    column += text.length
  }
  return out
}

export const recordLine = (r: DnsRecord): string =>
  columns([
    [r.name, 0],
    [String(r.ttl), COLUMNS[0]],
    [dnsClassName(r.class), COLUMNS[1]],
    [dnsTypeName(r.type), COLUMNS[2]],
    [dnsDataText(r.data), COLUMNS[3]],
  ])

const questionLine = (q: DnsQuestion): string =>
  `;${columns([
    [q.name, 0],
    [dnsClassName(q.class), COLUMNS[1]],
    [dnsTypeName(q.type), COLUMNS[2]],
  ])}`

/** The lines before a response, or before it is said that there is none. */
export function greeting(l: DigLookup): string {
  if (!l.show.cmd || l.short) return ''
  const found = l.server === undefined ? '' : '; (1 server found)\n'
  return `\n; <<>> DiG ${BIND_VERSION} <<>> ${l.words.join(' ')}\n${found};; global options: +cmd\n`
}

/** `when`: the virtual clock as dig prints the time of day. */
export function printed(l: DigLookup, found: LookupResult, sentCookie: string, when: string): string {
  const { message: m } = found
  if (l.short) return m.answers.map((r) => `${dnsDataText(r.data)}\n`).join('')
  const lines: string[] = []
  const { show } = l
  if (show.comments) lines.push(...headLines(m))
  const opt = optOf(m)
  if (opt !== undefined && show.comments) lines.push(...optLines(opt, sentCookie))
  const section = (title: string, records: readonly DnsRecord[], wanted: boolean) => {
    const list = records.filter((r) => r.type !== DNS_TYPES.OPT)
    if (!wanted || list.length === 0) return
    if (show.comments) lines.push(`;; ${title} SECTION:`)
    lines.push(...list.map(recordLine))
    if (show.comments) lines.push('')
  }
  if (show.question && m.questions.length > 0) {
    if (show.comments) lines.push(';; QUESTION SECTION:')
    lines.push(...m.questions.map(questionLine))
    if (show.comments) lines.push('')
  }
  section('ANSWER', m.answers, show.answer)
  section('AUTHORITY', m.authority, show.authority)
  section('ADDITIONAL', m.additional, show.additional)
  if (show.stats) {
    const server = formatIpv4(found.server)
    lines.push(`;; Query time: ${Math.floor(found.time / 1e6)} msec`)
    lines.push(`;; SERVER: ${server}#53(${l.server ?? server}) (${found.tcp ? 'TCP' : 'UDP'})`)
    lines.push(`;; WHEN: ${when}`, `;; MSG SIZE  rcvd: ${found.size}`, '')
  }
  return lines.map((line) => `${line}\n`).join('')
}

function headLines(m: DnsMessage): string[] {
  const lines = [';; Got answer:']
  if (m.questions.some((q) => /(^|\.)local\.$/i.test(q.name))) {
    lines.push(';; WARNING: .local is reserved for Multicast DNS')
    lines.push(';; You are currently testing what happens when an mDNS query is leaked to DNS')
  }
  lines.push(`;; ->>HEADER<<- opcode: ${dnsOpcodeName(m.opcode)}, status: ${dnsRcodeName(m.rcode)}, id: ${m.id}`)
  const flags = [
    m.response ? ' qr' : '',
    m.authoritative ? ' aa' : '',
    m.truncated ? ' tc' : '',
    m.recursionDesired ? ' rd' : '',
    m.recursionAvailable ? ' ra' : '',
    m.authenticData ? ' ad' : '',
    m.checkingDisabled ? ' cd' : '',
  ].join('')
  const { questions, answers, authority, additional } = m
  lines.push(
    `;; flags:${flags}; QUERY: ${questions.length}, ANSWER: ${answers.length}, AUTHORITY: ${authority.length}, ADDITIONAL: ${additional.length}`,
  )
  if (m.recursionDesired && !m.recursionAvailable) lines.push(';; WARNING: recursion requested but not available')
  lines.push('')
  return lines
}

function optLines(opt: DnsRecord, sentCookie: string): string[] {
  const lines = [
    ';; OPT PSEUDOSECTION:',
    `; EDNS: version: ${(opt.ttl >>> 16) & 255}, flags:${opt.ttl & 0x8000 ? ' do' : ''}; udp: ${opt.class}`,
  ]
  const cookie = opt.data.kind === 'opt' ? opt.data.options.find((o) => o.code === 10) : undefined
  if (cookie !== undefined) {
    const hex = [...cookie.bytes].map((b) => b.toString(16).padStart(2, '0')).join('')
    lines.push(`; COOKIE: ${hex} ${hex === sentCookie ? '(echoed)' : '(good)'}`)
  }
  return lines
}

/** A run has no calendar: its clock begins with the first second of 2026, a Thursday. */
const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed']

/** `Thu Jan 01 00:00:05 UTC 2026`, for virtual ns since the run began. Valid through January, which no run outlives. */
export function timeOfDay(ns: number): string {
  const seconds = Math.floor(ns / 1e9)
  const two = (n: number) => String(n).padStart(2, '0')
  const day = Math.floor(seconds / 86400)
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':')
  return `${DAYS[day % 7]} Jan ${two(day + 1)} ${clock} UTC 2026`
}
