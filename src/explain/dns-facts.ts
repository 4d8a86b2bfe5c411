import { parseDns } from '../net/dns.ts'
import { type DnsMessage, type DnsRecord, dnsDataText, dnsTypeName } from '../net/dns-message.ts'
import { canonicalName } from '../net/dns-name.ts'
import { DnsStream } from '../net/dns-stream.ts'
import { IPPROTO } from '../net/packet.ts'
import { parseResolvConf, type ResolvConf } from '../net/resolv-conf.ts'
import { STEP } from '../trace/columns.ts'
import type { FileRecord } from '../world/records.ts'
import { type Context, nameIn, optional, type StepOf } from './context.ts'
import type { AnswerPart, DnsFact, DnsPlace } from './dns-fact.ts'
import {
  type Asked,
  isDnsWait,
  type Lookup,
  lookupAt,
  type ProcessStep,
  parseAsked,
  parseSaid,
  processSteps,
  type Said,
  shortened,
} from './dns-story.ts'
import { code, type Span } from './sentence.ts'

/** Steps between two segments of one answer, at most. */
const REACH = 500

// What a process does with names, out of its own steps, the messages of its packets and the files that it read.

/** What there is to say about a step of a process that has to do with DNS; undefined for every other. */
export function dnsProcessFact(c: Context, step: StepOf<'process'>): DnsFact | undefined {
  const text = step.text.trim()
  const process = nameIn(c, step.process)
  switch (step.event) {
    case 'resolve':
      return text.includes(' → ') ? resolvedFact(c, step.process, text) : lookupFact(c, process, text)
    case 'send': {
      const asked = parseAsked(text)
      if (asked !== undefined) return askedFact(c, step.process, asked)
      const said = parseSaid(text)
      return said === undefined ? undefined : saidFact(c, process, said)
    }
    case 'receive': {
      const asked = parseAsked(text)
      if (asked?.from !== undefined) {
        return { kind: 'dns-heard', process, type: asked.type, name: shown(asked.name), from: code(asked.from), tcp: asked.tcp }
      }
      const said = parseSaid(text)
      return said === undefined ? undefined : answeredFact(c, step.process, said)
    }
    case 'error': {
      const server = /^(\S+:53) Connection refused$/.exec(text)?.[1]
      return server === undefined ? undefined : { kind: 'dns-refused', process, server: code(server) }
    }
    default:
      return undefined
  }
}

/** A resolver's patience is over. */
export function dnsWaitFact(c: Context, step: StepOf<'timer'>): DnsFact | undefined {
  if (step.record === undefined || !isDnsWait(step.what)) return undefined
  const cause = c.reader.trace.events.cause[c.seq] ?? -1
  const began = cause < 0 ? c.seq : cause
  const got = processSteps(c.reader, step.record, began, c.seq).filter((s) => s.event === 'receive')
  const said = got.map((s) => parseSaid(s.text)?.type).find((type) => type !== undefined)
  return {
    kind: 'dns-waited',
    process: nameIn(c, step.record),
    duration: c.reader.timeOf(c.seq) - c.reader.timeOf(began),
    server: step.what === 'upstream timeout',
    ...optional('only', step.what === 'resolver timeout' ? said : undefined),
  }
}

const confOf = (c: Context): ResolvConf | undefined => {
  const files: readonly FileRecord[] = c.view.list('file', c.reader.netnsAt(c.seq))
  const file = files.find((f) => f.path === '/etc/resolv.conf')
  return file === undefined ? undefined : parseResolvConf(file.content)
}

function lookupFact(c: Context, process: Span, name: string): DnsFact {
  const conf = confOf(c)
  const dots = name.split('.').length - 1
  const ndots = conf?.ndots ?? 1
  const search = (conf?.search ?? []).map(code)
  const reverse = /^\d+\.\d+\.\d+\.\d+$/.test(name)
  const order =
    name.endsWith('.') || reverse ? 'absolute' : search.length === 0 ? 'plain' : dots >= ndots ? 'as-is-first' : 'list-first'
  return { kind: 'dns-lookup', process, name: code(name), dots, ndots, search, reverse, order }
}

function resolvedFact(c: Context, process: string, text: string): DnsFact {
  const [name = '', result = ''] = text.split(' → ')
  const lookup = lookupAt(c.reader, process, c.seq)
  const asked = (lookup?.steps ?? []).filter((s) => s.event === 'send' && parseAsked(s.text) !== undefined).length
  const failed = /^EAI_|^no /.test(result)
  return {
    kind: 'dns-resolved',
    process: nameIn(c, process),
    name: code(name),
    result: code(shortened(result)),
    failed,
    asked,
    duration: c.reader.timeOf(c.seq) - c.reader.timeOf(lookup?.seq ?? c.seq),
  }
}

/** A name as prose has it: the dot at its end would read as a full stop. */
const shown = (name: string): Span => code(name.length > 1 ? name.replace(/\.$/, '') : name)

const stripped = (name: string): string => canonicalName(name).replace(/\.$/, '')

/** Programs of BIND search by themselves, without a resolver's steps: the word of their command line that a question begins with. */
function typedName(c: Context, process: string, question: string): Lookup | undefined {
  const record = c.reader.versions.near(process, c.seq)
  if (record?.kind !== 'process') return undefined
  const [program, ...words] = record.argv
  if (program !== 'nslookup' && !(program === 'dig' && words.includes('+search'))) return undefined
  const name = words.find((w) => !/^[-+@]/.test(w) && question.startsWith(`${w.replace(/\.$/, '')}.`))
  return name === undefined ? undefined : { seq: c.seq, name, steps: [] }
}

/** Where a question stands in the order of the names that a lookup tries. */
function placeOf(conf: ResolvConf | undefined, lookup: Lookup | undefined, question: string): DnsPlace {
  if (conf === undefined || lookup === undefined || lookup.name.endsWith('.')) return { kind: 'plain' }
  const asked = stripped(question)
  const name = stripped(lookup.name)
  const nth = conf.search.findIndex((s) => asked === stripped(`${name}.${s}`))
  if (nth >= 0) return { kind: 'suffix', nth: nth + 1, count: conf.search.length, suffix: code(conf.search[nth] ?? '') }
  if (asked !== name || conf.search.length === 0) return { kind: 'plain' }
  return { kind: 'as-is', first: lookup.name.split('.').length - 1 >= conf.ndots }
}

function askedFact(c: Context, process: string, asked: Asked): DnsFact {
  const conf = confOf(c)
  const lookup = lookupAt(c.reader, process, c.seq)
  const { events: e } = c.reader.trace
  const cause = e.cause[c.seq] ?? -1
  const steps = lookup?.steps ?? processSteps(c.reader, process, Math.max(0, c.seq - 4000), c.seq)
  const last = steps.at(-1)
  const before = last?.event === 'send' ? parseAsked(last.text) : undefined
  // The second question of a call waits for nothing: the first one's packet was born just before it.
  const together =
    before !== undefined &&
    !asked.tcp &&
    before.name === asked.name &&
    before.type !== asked.type &&
    e.cause[last?.seq ?? 0] === cause
  const connected = [...steps]
    .reverse()
    .find((s) => s.event === 'connect')
    ?.text.replace(/:53$/, '')
  const server = asked.to ?? connected
  const same = (s: ProcessStep, of: Asked) => {
    const other = s.event === 'send' ? parseAsked(s.text) : undefined
    return other?.type === of.type && other.name === of.name && other.to === of.to
  }
  const repeated = steps.some((s) => same(s, asked))
  const cut = steps.some((s) => s.event === 'receive' && parseSaid(s.text)?.truncated === true)
  const why = repeated ? whyAgain(c, cause, asked.tcp && cut) : undefined
  const referral = asked.to === undefined || cause < 0 ? undefined : referralOf(c, cause)
  return {
    kind: 'dns-asked',
    process: nameIn(c, process),
    type: asked.type,
    name: shown(asked.name),
    place: placeOf(conf, lookup ?? typedName(c, process, asked.name), asked.name),
    onward: asked.to !== undefined,
    tcp: asked.tcp,
    ...optional('server', server === undefined ? undefined : code(server)),
    ...optional('zone', referral === undefined ? undefined : shown(referral)),
    ...optional('together', together ? before?.type : undefined),
    ...optional('again', why),
  }
}

function whyAgain(c: Context, cause: number, truncated: boolean): 'timeout' | 'refused' | 'one-by-one' | 'truncated' {
  if (truncated) return 'truncated'
  if (c.reader.kindOf(cause) === STEP.timer) return 'timeout'
  return causeEvent(c, cause) === 'error' ? 'refused' : 'one-by-one'
}

function causeEvent(c: Context, cause: number): string | undefined {
  const step = cause < 0 ? undefined : c.reader.step(cause)
  return step?.kind === 'process' ? step.event : undefined
}

/** The zone whose servers the last response named. */
function referralOf(c: Context, cause: number): string | undefined {
  for (let s = cause, n = 0; s >= 0 && n < 3; s = c.reader.trace.events.cause[s] ?? -1, n++) {
    const step = c.reader.step(s)
    if (step.kind === 'process' && step.event === 'receive') return parseSaid(step.text.trim())?.referral
  }
  return undefined
}

function saidFact(c: Context, process: Span, said: Said): DnsFact {
  const cause = c.reader.trace.events.cause[c.seq] ?? -1
  const step = cause < 0 ? undefined : c.reader.step(cause)
  const onward = step?.kind === 'process' && step.event === 'receive' && parseSaid(step.text.trim()) !== undefined
  const message = messageAfter(c, said)
  const inCluster = /\.(?:cluster\.local|in-addr\.arpa)\.$/.test(said.name)
  const watches = !said.cached && !onward && inCluster && message?.authoritative === true && isCoredns(c)
  const source = said.cached ? 'cache' : onward ? 'asked' : watches ? 'watched' : 'own'
  return { kind: 'dns-said', process, source, ...answerPart(said, message) }
}

function isCoredns(c: Context): boolean {
  const step = c.reader.step(c.seq)
  const record = step.kind === 'process' ? c.reader.versions.near(step.process, c.seq) : undefined
  return record?.kind === 'process' && record.argv[0] === 'coredns'
}

function answeredFact(c: Context, process: string, said: Said): DnsFact {
  const lookup = lookupAt(c.reader, process, c.seq) ?? typedName(c, process, said.name)
  const conf = confOf(c)
  const message = messageBefore(c, said)
  const place = placeOf(conf, lookup, said.name)
  const next = said.rcode === 'NXDOMAIN' ? nextName(conf, lookup, place) : undefined
  return {
    kind: 'dns-answered',
    process: nameIn(c, process),
    place,
    ...answerPart(said, message),
    ...optional('from', said.from === undefined ? undefined : code(said.from)),
    ...optional('next', next === undefined ? undefined : shown(next)),
  }
}

/** What the resolver tries when a name does not exist. */
function nextName(conf: ResolvConf | undefined, lookup: Lookup | undefined, place: DnsPlace): string | undefined {
  if (conf === undefined || lookup === undefined) return undefined
  const nth = place.kind === 'suffix' ? place.nth : place.kind === 'as-is' && place.first ? 0 : undefined
  if (nth === undefined) return undefined
  const suffix = conf.search[nth]
  if (suffix !== undefined) return `${lookup.name}.${suffix}.`
  return lookup.name.split('.').length - 1 >= conf.ndots ? undefined : `${lookup.name}.`
}

/** The answer section as a reader follows it: aliases first, then what the last of them has. */
function answerPart(said: Said, message: DnsMessage | undefined): AnswerPart {
  const records = message?.answers ?? []
  const aliases: Span[] = []
  let name = canonicalName(said.name)
  for (const r of records) {
    if (dnsTypeName(r.type) !== 'CNAME' || r.data.kind !== 'name' || canonicalName(r.name) !== name) continue
    aliases.push(shown(r.data.name))
    name = canonicalName(r.data.name)
  }
  const own = records.filter((r) => dnsTypeName(r.type) === said.type)
  // How long a negative answer holds its SOA says (RFC 2308).
  const lives = (records.length > 0 ? records : (message?.authority ?? [])).map((r) => r.ttl)
  return {
    rcode: said.rcode,
    type: said.type,
    name: shown(said.name),
    aliases,
    records: own.map((r: DnsRecord) => code(dnsDataText(r.data))),
    count: said.answers,
    truncated: said.truncated || message?.truncated === true,
    ...optional('ttl', lives.length === 0 ? undefined : Math.min(...lives)),
    ...optional('referral', said.referral === undefined ? undefined : shown(said.referral)),
  }
}

/** The message in the packet that led to this step. */
function messageBefore(c: Context, said: Said): DnsMessage | undefined {
  const { events: e } = c.reader.trace
  for (let s = e.cause[c.seq] ?? -1, n = 0; s >= 0 && n < 4; s = e.cause[s] ?? -1, n++) {
    const found = messageOf(c, s, said)
    if (found !== undefined) return found
    if (e.kind[s] === STEP.deliver) return messageEarlier(c, s, said)
  }
  return undefined
}

/** Several segments may have come before a process read: the message in an earlier one to the same socket. */
function messageEarlier(c: Context, seq: number, said: Said): DnsMessage | undefined {
  const { events: e } = c.reader.trace
  const last = c.reader.step(seq)
  const socket = last.kind === 'deliver' ? last.socket : undefined
  for (let s = seq - 1; s >= Math.max(0, seq - REACH); s--) {
    if (e.kind[s] !== STEP.deliver) continue
    const step = c.reader.step(s)
    const found = step.kind === 'deliver' && step.socket === socket ? messageOf(c, s, said) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** The message in the packet that this step led to. */
function messageAfter(c: Context, said: Said): DnsMessage | undefined {
  const { events: e } = c.reader.trace
  for (let s = c.seq + 1; s < Math.min(e.length, c.seq + 8); s++) {
    // Between the two lies what the socket took (socket.data).
    const cause = e.cause[s] ?? -1
    if (e.kind[s] === STEP.born && (cause === c.seq || e.cause[cause] === c.seq)) return messageOf(c, s, said)
  }
  return undefined
}

/** The message that a packet holds whole; of several in a segment the one that is meant. */
function messageOf(c: Context, seq: number, { type, name }: Said): DnsMessage | undefined {
  const packet = c.reader.packetOf(seq)
  const p = packet < 0 ? undefined : c.reader.packetAt(packet, seq)
  if (p === undefined) return undefined
  for (const bytes of p.protocol === IPPROTO.TCP ? framesOf(p.payload) : [p.payload]) {
    const parsed = parseDns(bytes)
    const [question] = parsed.ok ? parsed.value.questions : []
    if (parsed.ok && question?.name === name && dnsTypeName(question.type) === type) return parsed.value
  }
  return undefined
}

function framesOf(payload: Uint8Array): Uint8Array[] {
  const stream = new DnsStream()
  stream.push(payload)
  const out: Uint8Array[] = []
  for (let m = stream.take(); m !== undefined; m = stream.take()) out.push(m)
  return out
}
