import type {
  NftExpression,
  NftFamily,
  NftNatFlag,
  NftReject,
  NftRelation,
  NftRight,
  NftSetRef,
  NftStatement,
  NftType,
  NftValue,
} from '../../world/nft.ts'
import { isBitmask, symbolValue } from './datatypes.ts'
import { parseExpression, parseFields, parseOperand, parseSetRef, parseVerdict, time } from './parse-expression.ts'
import { type NftReader, Unreadable } from './reader.ts'
import { typeOf } from './selectors.ts'

export interface ParsedStatements {
  readonly statements: readonly NftStatement[]
  readonly comment?: string
}

/** The types of a named map's data, where it is known: `dnat to ip saddr map @m` depends on it. */
export type DataTypes = (map: string) => readonly NftType[] | undefined

/** A rule to its end. What is not understood is kept as written, from there to the end of the rule. */
export function parseRule(r: NftReader, family: NftFamily = 'ip', dataOf: DataTypes = () => undefined): ParsedStatements {
  const statements: NftStatement[] = []
  let comment: string | undefined
  while (!r.atStop) {
    if (r.is('comment') && r.peek(1).kind === 'string') {
      r.take()
      comment = r.string()
      continue
    }
    const start = r.peek().start
    const at = r.position
    try {
      statements.push(parseStatement(r, family, dataOf))
    } catch (e) {
      if (!(e instanceof Unreadable)) throw e
      r.back(at)
      const kept = keepRest(r, start)
      comment ??= kept.comment
      statements.push({ kind: 'unknown', text: kept.text })
    }
  }
  return {
    statements: statements.flatMap((s, i) => normalized(s, family, statements.slice(0, i))),
    ...(comment === undefined ? {} : { comment }),
  }
}

/** The source to the end of the rule, its comment excepted. Braces may hold line ends and semicolons. */
function keepRest(r: NftReader, start: number): { readonly text: string; readonly comment?: string } {
  let depth = 0
  let end = start
  let comment: string | undefined
  while (r.peek().kind !== 'end' && (depth > 0 || !r.atStop)) {
    if (depth === 0 && r.is('comment') && r.peek(1).kind === 'string') {
      r.take()
      comment = r.string()
      continue
    }
    const t = r.take()
    if (t.kind === 'sign' && t.text === '{') depth++
    if (t.kind === 'sign' && t.text === '}') depth--
    end = t.end
  }
  return { text: r.source.slice(start, end).replaceAll(/\s+/g, ' '), ...(comment === undefined ? {} : { comment }) }
}

const VERDICTS = new Set(['accept', 'drop', 'continue', 'return', 'jump', 'goto'])
const RELATIONS: ReadonlySet<string> = new Set(['==', '!=', '<', '>', '<=', '>='])
const WORD_RELATIONS: Readonly<Record<string, NftRelation>> = { eq: '==', ne: '!=', lt: '<', gt: '>', le: '<=', ge: '>=' }

function parseStatement(r: NftReader, of: NftFamily, dataOf: DataTypes): NftStatement {
  const word = r.peek().text
  if (VERDICTS.has(word)) return { kind: 'verdict', verdict: parseVerdict(r) }
  switch (word) {
    case 'counter':
      return parseCounter(r)
    case 'dnat':
    case 'snat':
      return parseNat(r, word, of, dataOf)
    case 'masquerade':
    case 'redirect': {
      r.take()
      const port = r.accept('to') ? parsePort(r) : undefined
      return { kind: word, ...(port === undefined ? {} : { port }), flags: parseFlags(r) }
    }
    case 'reject':
      return parseReject(r)
    case 'log':
      return parseLog(r)
    case 'limit':
      return parseLimit(r)
    case 'notrack':
      r.take()
      return { kind: 'notrack' }
    case 'add':
    case 'update':
    case 'delete':
      return parseDynset(r, word)
  }
  const left = parseExpression(r)
  if (left.kind === 'constant') throw r.unreadable('a statement')
  if (r.accept('vmap')) return { kind: 'vmap', key: left, map: parseSetRef(r, { key: keyTypes(left), data: ['verdict'] }) }
  if (r.accept('set')) return { kind: 'mangle', target: left, value: parseValueExpression(r, typeOf(left), dataOf) }
  if (r.accept('map')) {
    const mapped = parseMapOf(r, left, ['integer'], dataOf)
    return { kind: 'match', left: mapped, ...parseRelation(r, mapped) }
  }
  return { kind: 'match', left, ...parseRelation(r, left) }
}

/** Types of the key that a lookup makes of an expression. */
const keyTypes = (e: NftExpression): readonly NftType[] => typeOf(e)

function parseRelation(r: NftReader, left: NftExpression): { relation: NftRelation; right: NftRight } {
  const { text, kind } = r.peek()
  let relation: NftRelation = 'implicit'
  if (kind === 'sign' && RELATIONS.has(text)) relation = r.take().text as NftRelation
  else if (kind === 'word' && Object.hasOwn(WORD_RELATIONS, text)) {
    relation = WORD_RELATIONS[text] ?? 'implicit'
    r.take()
  }
  return { relation, right: parseRight(r, left) }
}

function parseRight(r: NftReader, left: NftExpression): NftRight {
  const types = keyTypes(left)
  if (r.is('@') || r.is('{')) return { kind: 'set', set: parseSetRef(r, { key: types }) }
  if (left.kind === 'fib' && (r.is('exists') || r.is('missing'))) return { kind: 'existence', exists: r.take().text === 'exists' }
  const fields = parseFields(r, types)
  const [type = 'integer'] = types
  const [first] = fields
  if (types.length === 1 && first?.kind === 'number' && isBitmask(type)) {
    if (r.is(',')) return { kind: 'flags', value: first.value | moreFlags(r, type) }
    if (r.accept('/')) {
      const mask = parseFields(r, [type])[0]
      if (mask?.kind !== 'number') throw r.unreadable('a mask')
      return { kind: 'masked', value: first.value, mask: mask.value | moreFlags(r, type) }
    }
  }
  return { kind: 'constant', fields }
}

function moreFlags(r: NftReader, type: NftType): number {
  let bits = 0
  while (r.accept(',')) {
    const next = parseFields(r, [type])[0]
    if (next?.kind === 'number') bits |= next.value
  }
  return bits
}

/** What is written into a field or handed to NAT: an expression, or a map of one. */
function parseValueExpression(r: NftReader, types: readonly NftType[], dataOf: DataTypes): NftExpression {
  const e = parseExpression(r, types[0] ?? 'integer')
  return r.accept('map') ? parseMapOf(r, e, types, dataOf) : e
}

/** `wanted` is the data's type where the map does not say. */
function parseMapOf(r: NftReader, key: NftExpression, wanted: readonly NftType[], dataOf: DataTypes): NftExpression {
  const named = r.is('@') ? dataOf(r.peek(1).text) : undefined
  const type = named ?? wanted
  return { kind: 'map', key, map: parseSetRef(r, { key: typeOf(key), data: type }), type }
}

function parseCounter(r: NftReader): NftStatement {
  const start = r.peek().start
  r.take()
  if (r.accept('name')) {
    r.name('a counter')
    return { kind: 'passive', text: r.source.slice(start, r.consumed) }
  }
  if (!r.accept('packets')) return { kind: 'counter', packets: 0, bytes: 0 }
  const packets = r.number('packets')
  r.expect('bytes')
  return { kind: 'counter', packets, bytes: r.number('bytes') }
}

function parseNat(r: NftReader, operation: 'dnat' | 'snat', of: NftFamily, dataOf: DataTypes): NftStatement {
  r.take()
  const family = r.is('ip') || r.is('ip6') ? (r.take().text as 'ip' | 'ip6') : undefined
  let both = false
  if (r.is('addr') && r.is('.', 1) && r.is('port', 2)) {
    for (let i = 0; i < 3; i++) r.take()
    both = true
  }
  r.accept('to')
  const types = (family ?? of) === 'ip6' ? ['ipv6_addr'] : ['ipv4_addr']
  let address: NftExpression | undefined
  if (!r.is(':')) {
    // An IPv6 address with a port stands in brackets.
    const bracket = r.accept('[')
    address = parseValueExpression(r, both ? [...types, 'inet_service'] : types, dataOf)
    if (bracket) r.expect(']')
    // A map to address and port needs no saying so where its type is known.
    if (address.kind === 'map' && address.type.length === 2) both = true
  }
  const port = parsePort(r)
  return {
    kind: 'nat',
    operation,
    ...(family === undefined ? {} : { family }),
    ...(address === undefined ? {} : { address }),
    ...(port === undefined ? {} : { port }),
    ...(both ? { both: true as const } : {}),
    flags: parseFlags(r),
  }
}

const parsePort = (r: NftReader): NftExpression | undefined => (r.accept(':') ? parseOperand(r, 'inet_service') : undefined)

const NAT_FLAGS: readonly NftNatFlag[] = ['random', 'fully-random', 'persistent']

function parseFlags(r: NftReader): NftNatFlag[] {
  const given = new Set<string>()
  while (NAT_FLAGS.some((f) => r.is(f))) {
    given.add(r.take().text)
    if (!r.accept(',')) break
  }
  return NAT_FLAGS.filter((f) => given.has(f))
}

function parseReject(r: NftReader): NftStatement {
  r.take()
  if (!r.accept('with')) return { kind: 'reject', with: { kind: 'default' } }
  if (r.accept('tcp')) {
    r.expect('reset')
    return { kind: 'reject', with: { kind: 'tcp-reset' } }
  }
  const kind = r.word('icmp, icmpx, icmpv6 or tcp reset')
  if (kind !== 'icmp' && kind !== 'icmpx' && kind !== 'icmpv6') throw r.unreadable('icmp, icmpx, icmpv6 or tcp reset')
  r.accept('type')
  const code = r.word('a code')
  const known = kind === 'icmpv6' ? true : symbolValue(kind === 'icmp' ? 'icmp_code' : 'icmpx_code', code) !== undefined
  if (!known) throw r.unreadable('a code')
  const reject: NftReject = { kind, code }
  return { kind: 'reject', with: reject }
}

const LOG_OPTIONS = new Set(['group', 'snaplen', 'queue-threshold', 'level', 'flags'])

function parseLog(r: NftReader): NftStatement {
  r.take()
  let prefix = ''
  const options: string[] = []
  for (;;) {
    const { text } = r.peek()
    if (r.accept('prefix')) prefix = r.string()
    else if (LOG_OPTIONS.has(text)) {
      r.take()
      let value = r.word(`the ${text}`)
      if (text === 'flags' && (value === 'tcp' || value === 'ip')) {
        value += ` ${r.word('a flag')}`
        while (r.accept(',')) value += `,${r.word('a flag')}`
      }
      // Of the default level nft says nothing.
      if (text !== 'level' || value !== 'warn') options.push(`${text} ${value}`)
    } else return { kind: 'log', prefix, options }
  }
}

const LIMIT_UNITS = ['second', 'minute', 'hour', 'day', 'week'] as const

function parseLimit(r: NftReader): NftStatement {
  r.take()
  r.expect('rate')
  const over = r.accept('over')
  if (r.accept('until')) void over
  const m = /^(\d+)\/(\w+)$/.exec(r.peek().text)
  const unit = LIMIT_UNITS.find((u) => u === m?.[2])
  if (m === null || unit === undefined) throw r.unreadable('packets per second, minute, hour, day or week')
  r.take()
  let burst = 5
  if (r.accept('burst')) {
    burst = r.number('packets')
    r.expect('packets')
  }
  return { kind: 'limit', over, rate: Number(m[1]), unit, burst }
}

function parseDynset(r: NftReader, operation: 'add' | 'update' | 'delete'): NftStatement {
  r.take()
  r.expect('@')
  const set = r.name('a set')
  r.expect('{')
  const key = parseExpression(r)
  const timeout = r.accept('timeout') ? time(r) : undefined
  r.expect('}')
  return { kind: 'dynset', operation, set, key, ...(timeout === undefined ? {} : { timeout }) }
}

// --- as nft lists it -------------------------------------------------------------------------------------------------

/**
 * A statement as the kernel hands it back: a set of one value is a comparison, `&` and `==` of TCP flags one selector; a reset
 * is for TCP alone, and the rule says so.
 */
function normalized(s: NftStatement, family: NftFamily, before: readonly NftStatement[]): NftStatement | NftStatement[] {
  if (s.kind === 'reject') {
    if (s.with.kind === 'tcp-reset' && !before.some(tellsProtocol)) return [TCP_ONLY, s]
    const own = family === 'ip' ? 'icmp' : family === 'ip6' ? 'icmpv6' : undefined
    const plain = s.with.kind === 'icmpx' || s.with.kind === own
    return plain && s.with.code === 'port-unreachable' ? { kind: 'reject', with: { kind: 'default' } } : s
  }
  if (s.kind === 'mangle' && s.target.kind === 'meta' && s.target.key === 'nftrace') {
    return { kind: 'passive', text: `meta nftrace set ${constantText(s.value)}` }
  }
  if (s.kind !== 'match') return s
  const { left, relation, right } = s
  if (left.kind !== 'concat' && right.kind === 'set' && (relation === 'implicit' || relation === '==' || relation === '!=')) {
    const only = onlyKey(right.set)
    if (only !== undefined && !isBitmask(typeOf(left)[0] ?? '')) {
      return { ...s, relation: relation === '==' ? 'implicit' : relation, right: { kind: 'constant', fields: only } }
    }
  }
  if (relation === '==' && left.kind !== 'binary' && !isBitmask(typeOf(left)[0] ?? '')) return { ...s, relation: 'implicit' }
  if (left.kind === 'binary' && left.operator === '&' && typeOf(left)[0] === 'tcp_flag' && right.kind === 'constant') {
    const mask = left.right.kind === 'constant' ? left.right.value : undefined
    const [value] = right.fields
    if (mask?.kind === 'number' && value?.kind === 'number' && (relation === '==' || relation === '!=')) {
      return {
        kind: 'match',
        left: left.left,
        relation: relation === '==' ? 'implicit' : '!=',
        right: { kind: 'masked', value: value.value, mask: mask.value },
      }
    }
  }
  return s
}

const TCP_ONLY: NftStatement = {
  kind: 'match',
  left: { kind: 'meta', key: 'l4proto' },
  relation: 'implicit',
  right: { kind: 'constant', fields: [{ kind: 'number', value: 6 }] },
}

const tellsProtocol = (s: NftStatement): boolean =>
  (s.kind === 'match' || s.kind === 'vmap') && selectsProtocol(s.kind === 'match' ? s.left : s.key)

function selectsProtocol(e: NftExpression): boolean {
  if (e.kind === 'payload') return e.protocol === 'tcp' || (e.protocol === 'ip' && e.field === 'protocol')
  if (e.kind === 'meta') return e.key === 'l4proto'
  if (e.kind === 'concat') return e.parts.some(selectsProtocol)
  return e.kind === 'binary' && selectsProtocol(e.left)
}

const constantText = (e: NftExpression): string => (e.kind === 'constant' && e.value.kind === 'number' ? `${e.value.value}` : '1')

function onlyKey(set: NftSetRef): readonly NftValue[] | undefined {
  const [only, more] = set.kind === 'anonymous' ? set.elements : []
  if (only === undefined || more !== undefined || only.comment !== undefined) return undefined
  return only.key.length === 1 && only.key[0]?.kind !== 'any' ? only.key : undefined
}
