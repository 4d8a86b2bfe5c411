import type { Catalogue } from './catalogue.ts'
import type { AnswerPart, DnsFact, DnsPlace, LookupPart } from './dns-fact.ts'
import { code, list, type Sentence, type Span, say } from './sentence.ts'

// Names: what programs ask DNS servers, and what these answer.

/** `410 µs`, `3.2 ms`, `5 s`; `ns` is virtual time. */
export const enDuration = (ns: number): string =>
  ns >= 1e9
    ? `${Number((ns / 1e9).toFixed(1))} s`
    : ns >= 1e6
      ? `${Number((ns / 1e6).toFixed(1))} ms`
      : `${Math.round(ns / 1000)} µs`

const place = (p: DnsPlace): Sentence => {
  switch (p.kind) {
    case 'suffix':
      return say` (with suffix ${p.nth} of ${p.count} in the search list, ${p.suffix})`
    case 'as-is':
      return say` (the name as it is, ${p.first ? 'before' : 'after'} the search list)`
    case 'plain':
      return []
  }
}

const article = (type: string): string => (/^(?:A|AAAA|SRV|SOA|NS|MX)$/.test(type) ? 'an' : 'a')
const seconds = (n: number): string => (n === 1 ? '1 second' : `${n} seconds`)

/** The first of them, and how many there are. */
const few = (records: readonly Span[]): Sentence =>
  records.length <= 4 ? list(records, ', ') : say`${list(records.slice(0, 4), ', ')} and ${records.length - 4} more`

/** `web. has the address 10.96.0.80`, with the aliases on the way there. */
const answer = (a: AnswerPart): Sentence => {
  const aliases = a.aliases.flatMap((to, i) => say`${i === 0 ? say`${a.name} is an alias (CNAME) of ` : ', and that of '}${to}`)
  const subject = a.aliases.length === 0 ? say`${a.name}` : say`${aliases}, which`
  if (a.count === 0) return say`${a.name} exists, but has no ${a.type} record`
  if (a.records.length === 0)
    return a.aliases.length === 0 ? say`${a.count === 1 ? '1 record' : `${a.count} records`} for ${a.name}` : aliases
  const has =
    a.type === 'A' || a.type === 'AAAA'
      ? a.records.length === 1
        ? 'the address '
        : 'the addresses '
      : `${article(a.type)} ${a.type} record: `
  return say`${subject} has ${has}${few(a.records)}`
}

const said = (a: AnswerPart): Sentence => {
  if (a.referral !== undefined)
    return say`it does not know ${a.name} itself, and refers to the servers of ${a.referral} (a delegation)`
  switch (a.rcode) {
    case 'NOERROR':
      return answer(a)
    case 'NXDOMAIN':
      return say`there is no name ${a.name} (NXDOMAIN)`
    case 'SERVFAIL':
      return say`it could not find out about ${a.name} (SERVFAIL)`
    case 'REFUSED':
      return say`it does not answer questions about ${a.name} (REFUSED)`
    default:
      return say`${a.rcode} for ${a.name}`
  }
}

const cut = (a: AnswerPart): string =>
  a.truncated ? ' Not all of it fits into a datagram (TC): it is to be asked for again over TCP.' : ''

const SOURCES: Readonly<Record<Extract<DnsFact, { kind: 'dns-said' }>['source'], (a: AnswerPart) => Sentence>> = {
  cache: (a) => say` It has that in its cache, ${a.ttl === undefined ? 'for a while yet' : say`for ${seconds(a.ttl)} more`}.`,
  asked: (a) =>
    say` It has that from the server it asked${a.ttl === undefined ? undefined : say`, and it holds for ${seconds(a.ttl)} (TTL)`}.`,
  watched: (a) =>
    say` It knows from the Services and EndpointSlices that it watches${a.ttl === undefined ? undefined : say`; whoever keeps it may do so for ${seconds(a.ttl)} (TTL)`}.`,
  own: () => [],
}

const AGAIN: Readonly<Record<'timeout' | 'refused' | 'one-by-one' | 'truncated', string>> = {
  truncated: ' Once more, for the answer did not fit into a datagram.',
  timeout: ' Once more: in time no answer had come.',
  refused: ' Once more, for the first try was refused.',
  'one-by-one': ' Once more: of two questions at once only one had been answered, so now it is one after the other.',
}

export const enDns = {
  'dns-lookup': (f) => {
    if (f.reverse) return say`${f.process} looks up the name of the address ${f.name}.`
    if (f.order === 'plain') return say`${f.process} looks up ${f.name}.`
    if (f.order === 'absolute')
      return say`${f.process} looks up ${f.name}, with a dot at its end: the name is complete, and the search list is left alone.`
    const dots = f.dots === 1 ? '1 dot' : `${f.dots} dots`
    return f.order === 'list-first'
      ? say`${f.process} looks up ${f.name}. With ${dots}, fewer than ndots:${f.ndots} of its resolv.conf, it is tried with each suffix of the search list first (${list(f.search, ', ')}), and as it is last of all.`
      : say`${f.process} looks up ${f.name}. With ${dots}, no fewer than ndots:${f.ndots} of its resolv.conf, it is tried as it is first, and with the search list only if there is no such name.`
  },
  'dns-asked': (f) => {
    const of = f.zone === undefined ? undefined : say`, a server of ${f.zone},`
    const whom = f.server === undefined ? say`a DNS server` : say`${f.server}${of}`
    const head = f.onward
      ? say`${f.process} does not know, and asks ${whom}${f.tcp ? ', over TCP,' : ''} for the ${f.type} record of ${f.name}.`
      : say`${f.process} asks ${whom}${f.tcp ? ', over TCP,' : ''} for the ${f.type} record of ${f.name}${place(f.place)}.`
    const together =
      f.together === undefined
        ? undefined
        : say` It does not wait for the answer to the ${f.together} question: both leave one socket, and are one flow to conntrack.`
    return say`${head}${f.again === undefined ? undefined : AGAIN[f.again]}${together}`
  },
  'dns-heard': (f) => say`${f.from} asks ${f.process}${f.tcp ? ', over TCP,' : ''} for the ${f.type} record of ${f.name}.`,
  'dns-said': (f) =>
    say`${f.process} answers: ${said(f)}.${f.rcode === 'NOERROR' ? SOURCES[f.source](f) : f.source === 'cache' ? SOURCES.cache(f) : undefined}${cut(f)}`,
  'dns-answered': (f) => {
    const head = say`${f.process} ${f.from === undefined ? 'gets its answer' : say`has an answer from ${f.from}`}: ${said(f)}.`
    const next = f.next === undefined ? undefined : say` The resolver goes on to ${f.next}.`
    const last =
      f.rcode === 'NXDOMAIN' && f.next === undefined && f.place.kind !== 'plain' ? ' No other name is left to try.' : ''
    return say`${head}${next}${last}${cut(f)}`
  },
  'dns-refused': (f) =>
    say`An ICMP port unreachable has come back for ${f.server}: ${f.process} does not have to wait, and takes its next try, if there is one.`,
  'dns-waited': (f) => {
    const waited = say`${f.process} has waited ${enDuration(f.duration)} for an answer${f.server ? ' from the server it asked' : ''}`
    return f.only === undefined
      ? say`${waited}, in vain. Nobody tells it that a datagram was lost.`
      : say`${waited}. Of its two questions only ${code(f.only)} was answered: both are asked again, one after the other.`
  },
  'dns-resolved': (f) => {
    const took = say`${f.asked === 1 ? '1 question' : `${f.asked} questions`} and ${enDuration(f.duration)}`
    return f.failed
      ? say`${f.process} could not resolve ${f.name} (${f.result}), after ${took}.`
      : say`${f.name} is resolved: ${f.result}. That took ${took}.`
  },
  'ct-clashed': (f) => {
    const head = say`Another packet of the same flow was confirmed first, so that the entry of ${f.entry} clashes with that one's`
    switch (f.end) {
      case 'shared':
        return say`${head}. Both say the same: the packet takes the other entry, and goes on.`
      case 'kept':
        return say`${head}. They went to different endpoints, so it is kept for the reply direction alone, for a second: enough for the answer to find its way back (Linux 5.6 and later).`
      case 'dropped':
        return say`${head}. It cannot be resolved here: the packet is dropped, and nobody is told.`
    }
  },
} satisfies Partial<Catalogue['facts']>

/** The part of a verdict that is about the name. */
export const enLookup = (l: LookupPart, lost: Sentence | undefined): Sentence => {
  const walk =
    l.missing === 0
      ? undefined
      : say` It took ${l.asked} questions: ${l.missing === 1 ? 'one name' : `${l.missing} names`} made with the search list ${l.missing === 1 ? 'does' : 'do'} not exist, and with fewer dots than ndots:${l.ndots} the name as it is comes last. A dot at its end would spare that.`
  const waits =
    l.waits === 0
      ? undefined
      : say` It took ${enDuration(l.duration)}, for a question was lost and the resolver waits before it asks again.${lost === undefined ? undefined : say` ${lost}`}`
  return say` First DNS was asked: ${l.text}.${walk}${waits}`
}
