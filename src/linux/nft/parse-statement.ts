import type { NftExpression, NftFamily, NftRelation, NftRight, NftStatement, NftType } from '../../world/nft.ts'
import { isBitmask } from './datatypes.ts'
import { normalized } from './normalized.ts'
import { parseCounter, parseDynset, parseLimit, parseLog, parseReject } from './parse-action.ts'
import { parseExpression, parseFields, parseSetRef, parseVerdict } from './parse-expression.ts'
import { type DataTypes, parseFlags, parseMapOf, parseNat, parsePort, parseValueExpression } from './parse-nat.ts'
import { type NftReader, Unreadable } from './reader.ts'
import { typeOf } from './selectors.ts'

export interface ParsedStatements {
  readonly statements: readonly NftStatement[]
  readonly comment?: string
}

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
