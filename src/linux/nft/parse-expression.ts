import type { NftElement, NftExpression, NftSetRef, NftType, NftValue, NftVerdict } from '../../world/nft.ts'
import { isBitmask, isName, layoutOf, parseTime, parseValue } from './datatypes.ts'
import type { NftReader } from './reader.ts'
import { ctType, isBareMeta, isPayload, metaType, payloadType, typeOf } from './selectors.ts'

// nft's expressions (primary_expr to concat_expr of src/parser_bison.y).

const WORD_OPERATORS: Readonly<Record<string, '&' | '|' | '^' | '<<' | '>>'>> = {
  ...{ and: '&', or: '|', xor: '^', lshift: '<<', rshift: '>>' },
  ...{ '&': '&', '|': '|', '^': '^', '<<': '<<', '>>': '>>' },
}
/** Loosest first. */
const LEVELS: readonly (readonly string[])[] = [['|'], ['^'], ['&'], ['<<', '>>']]

/** A selector, or a concatenation of them; constants inside it are of `type` where the other operand does not say. */
export function parseExpression(r: NftReader, type?: NftType): NftExpression {
  const first = parseOperand(r, type)
  if (!r.is('.')) return first
  const parts = [first]
  while (r.accept('.')) parts.push(parseOperand(r, type))
  return { kind: 'concat', parts }
}

/** One field of a concatenation. */
export const parseOperand = (r: NftReader, type?: NftType): NftExpression => parseLevel(r, 0, type)

function parseLevel(r: NftReader, level: number, type: NftType | undefined): NftExpression {
  const operators = LEVELS[level]
  if (operators === undefined) return parsePrimary(r, type)
  let left = parseLevel(r, level + 1, type)
  for (;;) {
    const { kind, text } = r.peek()
    const operator = kind === 'word' || kind === 'sign' ? WORD_OPERATORS[text] : undefined
    if (operator === undefined || !operators.includes(operator)) return left
    r.take()
    const right = parseLevel(r, level + 1, operator === '<<' || operator === '>>' ? 'integer' : typeOf(left)[0])
    left = folded({ kind: 'binary', operator, left, right })
  }
}

/** `syn | ack` of two constants is one. */
function folded(e: Extract<NftExpression, { kind: 'binary' }>): NftExpression {
  const { left, right, operator } = e
  if (left.kind !== 'constant' || right.kind !== 'constant') return e
  if (left.value.kind !== 'number' || right.value.kind !== 'number') return e
  const [a, b] = [left.value.value, right.value.value]
  const value = operator === '|' ? a | b : operator === '&' ? a & b : operator === '^' ? a ^ b : undefined
  return value === undefined ? e : { ...left, value: { kind: 'number', value: value >>> 0 } }
}

function parsePrimary(r: NftReader, type: NftType | undefined): NftExpression {
  if (r.accept('(')) {
    const e = parseOperand(r, type)
    r.expect(')')
    return e
  }
  const t = r.peek()
  if (t.kind === 'string' && type !== undefined) {
    r.take()
    const value = parseValue(t.text, type, true)
    if (value !== undefined) return { kind: 'constant', value, type }
  }
  if (t.kind !== 'word') throw r.unreadable('an expression')
  const selector = parseSelector(r)
  if (selector !== undefined) return selector
  if (type === undefined) throw r.unreadable('an expression')
  const value = parseValue(t.text, type)
  if (value === undefined) throw r.unreadable(`a value of type ${type}`)
  r.take()
  return { kind: 'constant', value, type }
}

/** Undefined when the next word begins none; then nothing is taken. */
function parseSelector(r: NftReader): NftExpression | undefined {
  const word = r.peek().text
  const next = r.peek(1)
  if (word === 'meta' && next.kind === 'word') {
    r.take()
    if (metaType(next.text) === undefined) throw r.unreadable('a meta key')
    r.take()
    return { kind: 'meta', key: next.text }
  }
  if (isBareMeta(word)) {
    r.take()
    return { kind: 'meta', key: word }
  }
  if (word === 'ct' && next.kind === 'word') return parseCt(r)
  if (word === 'fib' && next.kind === 'word') return parseFib(r)
  if (word === 'numgen') return parseNumgen(r)
  if (word === 'jhash') return parseJhash(r)
  if (isPayload(word) && next.kind === 'word' && payloadType(word, next.text) !== undefined) {
    r.take()
    r.take()
    return { kind: 'payload', protocol: word, field: next.text }
  }
  return undefined
}

function parseCt(r: NftReader): NftExpression {
  r.take()
  const direction = r.is('original') ? 'original' : r.is('reply') ? 'reply' : undefined
  if (direction !== undefined) r.take()
  let key = r.word('a conntrack key')
  if (key === 'ip') key = `ip ${r.word('saddr or daddr')}`
  else if (key === 'saddr' || key === 'daddr') key = `ip ${key}`
  if (ctType(key) === undefined) throw r.unreadable('a conntrack key')
  return { kind: 'ct', key, ...(direction === undefined ? {} : { direction }) }
}

const FIB_FLAGS = new Set(['saddr', 'daddr', 'mark', 'iif', 'oif'])

function parseFib(r: NftReader): NftExpression {
  r.take()
  const flags: string[] = []
  do {
    const flag = r.word('saddr, daddr, mark, iif or oif')
    if (!FIB_FLAGS.has(flag)) throw r.unreadable('saddr, daddr, mark, iif or oif')
    flags.push(flag)
  } while (r.accept('.'))
  const result = r.word('type, oif or oifname')
  if (result !== 'type' && result !== 'oif' && result !== 'oifname') throw r.unreadable('type, oif or oifname')
  return { kind: 'fib', flags, result }
}

function parseNumgen(r: NftReader): NftExpression {
  r.take()
  const mode = r.word('random or inc')
  if (mode !== 'random' && mode !== 'inc') throw r.unreadable('random or inc')
  r.expect('mod')
  const modulus = r.number('a modulus')
  const offset = r.accept('offset') ? r.number('an offset') : 0
  return { kind: 'numgen', mode, modulus, offset }
}

/** Types of which it is known how their values lie in a register. */
const LAID_OUT: ReadonlySet<NftType> = new Set(['ipv4_addr', 'ipv6_addr', 'ether_addr', 'inet_service', 'inet_proto', 'mark'])

function parseJhash(r: NftReader): NftExpression {
  r.take()
  const key = parseExpression(r)
  r.expect('mod')
  const modulus = r.number('a modulus')
  const seed = r.accept('seed') ? r.number('a seed') : undefined
  const offset = r.accept('offset') ? r.number('an offset') : 0
  const types = typeOf(key)
  return {
    kind: 'jhash',
    key,
    ...(types.every((t) => LAID_OUT.has(t)) ? { layout: types.map(layoutOf) } : {}),
    modulus,
    ...(seed === undefined ? {} : { seed }),
    offset,
  }
}

const TERMINAL = new Set(['accept', 'drop', 'continue', 'return'])

export function parseVerdict(r: NftReader): NftVerdict {
  const word = r.word('a verdict')
  if (word === 'jump' || word === 'goto') return { kind: word, chain: r.name('a chain') }
  if (!TERMINAL.has(word)) throw r.unreadable('a verdict')
  return { kind: word as 'accept' | 'drop' | 'continue' | 'return' }
}

/** One constant of a type; bits of a bitmask may be joined by `|`. */
export function parseConstant(r: NftReader, type: NftType): NftValue {
  const t = r.peek()
  if (t.kind === 'sign' && t.text === '*') r.take()
  else if (t.kind === 'word' || t.kind === 'string') {
    const value = parseValue(t.text, type, t.kind === 'string')
    if (value !== undefined) {
      r.take()
      if (value.kind !== 'number' || !isBitmask(type) || !(r.is('|') || r.is('or'))) return value
      let bits = value.value
      while (r.accept('|') || r.accept('or')) {
        const more = parseConstant(r, type)
        if (more.kind === 'number') bits |= more.value
      }
      return { kind: 'number', value: bits }
    }
    throw r.unreadable(isName(type) ? 'a name' : `a value of type ${type}`)
  } else if (r.accept('(')) {
    const value = parseConstant(r, type)
    r.expect(')')
    return value
  } else throw r.unreadable(`a value of type ${type}`)
  return { kind: 'any' }
}

/** `10.0.0.1 . tcp . 80`: a field a type. */
export function parseFields(r: NftReader, types: readonly NftType[]): readonly NftValue[] {
  const fields: NftValue[] = []
  types.forEach((type, i) => {
    if (i > 0) {
      if (fields.length === 1 && fields[0]?.kind === 'any') return
      r.expect('.')
    }
    fields.push(parseConstant(r, type))
  })
  return fields
}

/** What elements are of: a set's key type, and a map's data type. */
export interface ElementTypes {
  readonly key: readonly NftType[]
  /** `verdict`, or a type a field; undefined for a set. */
  readonly data?: readonly NftType[]
}

/** `{ … }`. `now` turns `expires` into a time. */
export function parseElements(r: NftReader, types: ElementTypes): NftElement[] {
  r.expect('{')
  const out: NftElement[] = []
  for (;;) {
    r.skipNewlines()
    if (r.accept('}')) return out
    out.push(parseElement(r, types))
    r.skipNewlines()
    if (!r.accept(',')) {
      r.expect('}')
      return out
    }
  }
}

function parseElement(r: NftReader, types: ElementTypes): NftElement {
  const key = parseFields(r, types.key)
  let element: NftElement = { key }
  for (;;) {
    if (r.accept('timeout')) element = { ...element, ...nonZero('timeout', time(r)) }
    else if (r.accept('expires')) element = { ...element, ...nonZero('expires', time(r)) }
    else if (r.accept('comment')) element = { ...element, comment: r.string() }
    else if (r.is('counter') || r.is('limit') || r.is('quota')) element = { ...element, stateful: statefulText(r) }
    else break
  }
  if (types.data === undefined) return element
  r.expect(':')
  if (types.data[0] === 'verdict') return { ...element, verdict: parseVerdict(r) }
  return { ...element, data: parseFields(r, types.data) }
}

/** To the next word that an element may go on with. */
function statefulText(r: NftReader): string {
  const start = r.peek().start
  const ends = (text: string) => r.is(text)
  while (!r.atStop && ![',', '}', ':', 'comment', 'timeout', 'expires'].some(ends)) r.take()
  return r.source.slice(start, r.consumed)
}

const nonZero = (key: 'timeout' | 'expires', ns: number) => (ns === 0 ? {} : { [key]: ns })

export function time(r: NftReader): number {
  const ns = parseTime(r.peek().text)
  if (ns === undefined || r.peek().kind !== 'word') throw r.unreadable('a time')
  r.take()
  return ns
}

/** `@name` or `{ … }`. */
export function parseSetRef(r: NftReader, types: ElementTypes): NftSetRef {
  if (r.accept('@')) return { kind: 'named', name: r.name('a set') }
  return { kind: 'anonymous', elements: parseElements(r, types) }
}
