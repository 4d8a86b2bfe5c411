import { ok } from '../../base/result.ts'
import type { NftChainType, NftFamily, NftHook, NftStatement, NftType } from '../../world/nft.ts'
import { type TextResult, textError } from '../text.ts'
import { type ElementTypes, parseElements, parseExpression, time } from './parse-expression.ts'
import { parseRule } from './parse-statement.ts'
import { NftReader, Unreadable } from './reader.ts'
import {
  anonymousSets,
  elementKey,
  type NftBase,
  type NftChain,
  type NftRule,
  NftRuleset,
  type NftSet,
  type NftSetSpec,
  type NftTable,
} from './ruleset.ts'
import { typeOf } from './selectors.ts'

/**
 * Reads what `nft list ruleset` prints and what `nft -f` takes: blocks (`table ip t { … }`) and commands (`add rule ip t c …`),
 * applied in order to `onto`. Handles are those of the listing, else as the kernel would give them. Rules that use what is not
 * known are kept (`unknown`); a text that is no ruleset, or a command on what does not exist, is an error that names the line.
 */
export function parseNft(text: string, onto: NftRuleset = new NftRuleset()): TextResult<NftRuleset> {
  const r = new NftReader(text)
  try {
    for (r.skipStops(); r.peek().kind !== 'end'; r.skipStops()) {
      if (r.handle() !== undefined) continue
      command(r, onto)
    }
    return ok(onto)
  } catch (e) {
    if (!(e instanceof Unreadable)) throw e
    return textError('nft', e.token.line, e.token.kind === 'newline' ? '' : e.token.text, e.expected)
  }
}

const FAMILIES: readonly NftFamily[] = ['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev']
const isFamily = (word: string): word is NftFamily => (FAMILIES as readonly string[]).includes(word)
const VERBS = new Set(['add', 'create', 'insert', 'delete', 'destroy', 'flush', 'replace'])

function command(r: NftReader, set: NftRuleset): void {
  if (r.is('table')) {
    r.take()
    tableBlock(r, set)
    return
  }
  const verb = r.peek().text
  if (r.peek().kind !== 'word' || !VERBS.has(verb)) throw r.unreadable('table, add, flush or delete')
  r.take()
  const what = r.word('an object')
  if (what === 'ruleset') {
    for (const [key, t] of set.tables) {
      if (r.peek().kind === 'word' && t.family !== r.peek().text) continue
      set.tables.delete(key)
    }
    if (!r.atStop) r.take()
    return
  }
  const family = isFamily(r.peek().text) ? (r.take().text as NftFamily) : 'ip'
  if (verb === 'add' || verb === 'create' || verb === 'insert') add(r, set, { what, family, first: verb === 'insert' })
  else remove(r, set, { what, family, verb })
}

interface What {
  readonly what: string
  readonly family: NftFamily
}

function tableOf(r: NftReader, set: NftRuleset, family: NftFamily): NftTable {
  const at = r.peek()
  const name = r.name('a table')
  const table = set.table(family, name)
  if (table === undefined) throw new Unreadable(at, 'a table that exists')
  return table
}

function chainOf(r: NftReader, table: NftTable): NftChain {
  const at = r.peek()
  const chain = table.chains.get(r.name('a chain'))
  if (chain === undefined) throw new Unreadable(at, 'a chain that exists')
  return chain
}

function setOf(r: NftReader, table: NftTable): NftSet {
  const at = r.peek()
  const found = table.sets.get(r.name('a set'))
  if (found === undefined) throw new Unreadable(at, 'a set or map that exists')
  return found
}

function add(r: NftReader, set: NftRuleset, { what, family, first }: What & { readonly first: boolean }): void {
  if (what === 'table') {
    const table = set.ensure(family, r.name('a table'))
    if (r.is('{')) tableBody(r, table)
    return
  }
  const table = tableOf(r, set, family)
  switch (what) {
    case 'chain': {
      const name = r.name('a chain')
      const chain = ensureChain(table, name, r)
      if (r.accept('{')) chainBody(r, table, chain)
      return
    }
    case 'rule': {
      const chain = chainOf(r, table)
      if (r.is('handle') || r.is('position') || r.is('index')) {
        r.take()
        r.take()
      }
      const rule = readRule(r, table)
      if (first) chain.rules.unshift(rule)
      else chain.rules.push(rule)
      return
    }
    case 'set':
    case 'map': {
      const line = r.peek().line
      const name = r.name('a name')
      r.expect('{')
      setBody(r, table, { name, map: what === 'map', handle: undefined, line })
      return
    }
    case 'element': {
      const into = setOf(r, table)
      for (const e of parseElements(r, elementTypes(into.spec))) into.elements.set(elementKey(e), e)
      return
    }
    default:
      throw r.unreadable('table, chain, rule, set, map or element')
  }
}

function remove(r: NftReader, set: NftRuleset, { what, family, verb }: What & { readonly verb: string }): void {
  if (what === 'table') {
    const at = r.peek()
    const name = r.name('a table')
    const table = set.table(family, name)
    if (table === undefined) {
      if (verb === 'destroy') return
      throw new Unreadable(at, 'a table that exists')
    }
    if (verb === 'flush') for (const c of table.chains.values()) c.rules = []
    else set.tables.delete(`${family} ${name}`)
    return
  }
  const table = tableOf(r, set, family)
  switch (what) {
    case 'chain': {
      const chain = chainOf(r, table)
      if (verb === 'flush') chain.rules = []
      else table.chains.delete(chain.name)
      return
    }
    case 'rule': {
      const chain = chainOf(r, table)
      r.expect('handle')
      const handle = r.number('a handle')
      chain.rules = chain.rules.filter((rule) => rule.handle !== handle)
      return
    }
    case 'set':
    case 'map': {
      const found = setOf(r, table)
      if (verb === 'flush') found.elements.clear()
      else table.sets.delete(found.name)
      return
    }
    case 'element': {
      const from = setOf(r, table)
      for (const e of parseElements(r, { key: from.spec.type })) from.elements.delete(elementKey(e))
      return
    }
    default:
      throw r.unreadable('table, chain, rule, set, map or element')
  }
}

// --- blocks ----------------------------------------------------------------------------------------------------------

function tableBlock(r: NftReader, set: NftRuleset): void {
  const family = isFamily(r.peek().text) && r.peek(1).kind !== 'sign' ? (r.take().text as NftFamily) : 'ip'
  const line = r.peek().line
  const name = r.name('a table')
  const at = r.position
  r.expect('{')
  const handle = r.handle()
  r.back(at)
  const table = set.ensure(family, name, handle)
  table.line ??= line
  tableBody(r, table)
}

function tableBody(r: NftReader, table: NftTable): void {
  r.expect('{')
  r.handle()
  // nft makes all chains and sets of a block before the rules in it.
  const begin = r.position
  declare(r, table)
  r.back(begin)
  for (r.skipStops(); !r.accept('}'); r.skipStops()) {
    const word = r.peek().text
    if (word === 'chain') {
      r.take()
      const chain = ensureChain(table, r.name('a chain'), r)
      r.expect('{')
      r.handle()
      chainBody(r, table, chain)
    } else if (word === 'set' || word === 'map') {
      r.take()
      const line = r.peek().line
      const name = r.name('a name')
      r.expect('{')
      const handle = r.handle()
      setBody(r, table, { name, map: word === 'map', handle, line })
    } else if (word === 'comment') {
      r.take()
      table.comment = r.string()
    } else if (word === 'flags') {
      r.take()
      table.flags = commaWords(r)
    } else if (r.peek().kind === 'word') keepObject(r)
    else throw r.unreadable('a chain, set or map')
  }
}

/** Gives every chain of a block its place and handle, as they stand in it; then the objects that are only kept. */
function declare(r: NftReader, table: NftTable): void {
  const others: string[] = []
  let depth = 0
  while (r.peek().kind !== 'end' && depth >= 0) {
    if (depth === 0 && r.is('chain') && (r.peek(1).kind === 'word' || r.peek(1).kind === 'string') && r.is('{', 2)) {
      r.take()
      const line = r.peek().line
      const name = r.name('a chain')
      r.take()
      const chain = ensureChain(table, name, r, r.handle())
      chain.line = line
      depth++
      continue
    }
    if (depth === 0 && r.peek().kind === 'word' && !KNOWN.has(r.peek().text)) {
      others.push(keepObject(r))
      continue
    }
    if (depth === 0 && (r.is('comment') || r.is('flags'))) while (!r.atStop) r.take()
    if (depth === 0 && (r.is('set') || r.is('map'))) r.take()
    const t = r.take()
    if (t.kind === 'sign' && t.text === '{') depth++
    if (t.kind === 'sign' && t.text === '}') depth--
  }
  for (const text of others) {
    if (table.others.includes(text)) continue
    table.others.push(text)
    table.allocate()
  }
}

const KNOWN = new Set(['chain', 'set', 'map', 'comment', 'flags'])

function ensureChain(table: NftTable, name: string, r: NftReader, handle?: number): NftChain {
  const known = table.chains.get(name)
  if (known !== undefined) return known
  const chain: NftChain = { name, handle: table.allocate(handle), rules: [], line: r.peek().line }
  table.chains.set(name, chain)
  return chain
}

function chainBody(r: NftReader, table: NftTable, chain: NftChain): void {
  for (r.skipStops(); !r.accept('}'); r.skipStops()) {
    if (r.is('type') && r.peek(1).kind === 'word') chain.base = baseOf(r)
    else if (r.is('policy') && (r.is('accept', 1) || r.is('drop', 1))) {
      r.take()
      const policy = r.take().text === 'drop' ? 'drop' : 'accept'
      if (chain.base !== undefined) chain.base = { ...chain.base, policy }
    } else if (r.is('comment') && r.peek(1).kind === 'string') {
      r.take()
      chain.comment = r.string()
    } else if (r.peek().kind === 'end') throw r.unreadable('}')
    else chain.rules.push(readRule(r, table))
  }
}

function readRule(r: NftReader, table: NftTable): NftRule {
  const { line } = r.peek()
  const { statements, comment } = parseRule(r, table.family, (map) => table.sets.get(map)?.spec.data)
  if (statements.length === 0 && !r.atStop) throw r.unreadable('a rule')
  const given = r.handle()
  // Sets inside a rule are objects of the table as well, made just before it.
  if (given === undefined) for (let n = anonymousCount(statements); n > 0; n--) table.allocate()
  return { handle: table.allocate(given), statements, line, ...(comment === undefined ? {} : { comment }) }
}

/** How many sets a rule holds itself; of what is not understood, as many as it has braces that name no set. */
function anonymousCount(statements: readonly NftStatement[]): number {
  const unread = statements.flatMap((s) => (s.kind === 'unknown' ? [...s.text.matchAll(/(?:@\S+ )?\{/g)] : []))
  return anonymousSets(statements).length + unread.filter((m) => m[0] === '{').length
}

const HOOKS: readonly NftHook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress', 'egress']
const TYPES: readonly NftChainType[] = ['filter', 'nat', 'route']

/** std_prio_lookup(): what a priority may be called, and where. */
export const PRIORITIES: readonly (readonly [name: string, value: number, hooks?: readonly NftHook[]])[] = [
  ['raw', -300],
  ['mangle', -150],
  ['dstnat', -100, ['prerouting']],
  ['filter', 0],
  ['security', 50],
  ['srcnat', 100, ['postrouting']],
]

function baseOf(r: NftReader): NftBase {
  r.take()
  const type = TYPES.find((t) => t === r.peek().text)
  if (type === undefined) throw r.unreadable('filter, nat or route')
  r.take()
  r.expect('hook')
  const hook = HOOKS.find((h) => h === r.peek().text)
  if (hook === undefined) throw r.unreadable('a hook')
  r.take()
  const device = r.accept('device') || r.accept('devices') ? deviceOf(r) : undefined
  r.expect('priority')
  const named = PRIORITIES.find(([name]) => name === r.peek().text)
  let priority: number
  if (named !== undefined) {
    r.take()
    priority = named[1]
    if (r.is('+') || r.is('-')) priority += r.take().text === '-' ? -r.number('a number') : r.number('a number')
  } else {
    const word = r.word('a priority')
    priority = Number(word === '-' ? -r.number('a number') : word)
    if (!Number.isInteger(priority)) throw r.unreadable('a priority')
  }
  return { type, hook, priority, policy: 'accept', ...(device === undefined ? {} : { device }) }
}

function deviceOf(r: NftReader): string {
  if (r.accept('=')) void 0
  if (!r.accept('{')) return r.name('a device')
  const names: string[] = []
  while (!r.accept('}')) {
    names.push(r.name('a device'))
    r.accept(',')
  }
  return names.join(',')
}

function commaWords(r: NftReader): string[] {
  const out = [r.word('a flag')]
  while (r.accept(',')) out.push(r.word('a flag'))
  return out
}

interface SetHead {
  readonly name: string
  readonly map: boolean
  readonly handle: number | undefined
  readonly line: number
}

function setBody(r: NftReader, table: NftTable, head: SetHead): void {
  let spec: NftSetSpec = { type: [], flags: [] }
  const elements = new Map<string, ReturnType<typeof parseElements>[number]>()
  for (r.skipStops(); !r.accept('}'); r.skipStops()) {
    const word = r.word('type, flags, elements …')
    if (word === 'elements') {
      r.expect('=')
      for (const e of parseElements(r, elementTypes(spec))) elements.set(elementKey(e), e)
    } else spec = { ...spec, ...setProperty(r, word, { map: head.map, flags: spec.flags }) }
  }
  const known = table.sets.get(head.name)
  if (known !== undefined) {
    for (const [key, e] of elements) known.elements.set(key, e)
    return
  }
  table.sets.set(head.name, { name: head.name, spec, handle: table.allocate(head.handle), elements, line: head.line })
}

const withFlag = (flags: readonly string[], flag: string): readonly string[] => (flags.includes(flag) ? flags : [...flags, flag])

function setProperty(
  r: NftReader,
  word: string,
  { map, flags }: { map: boolean; flags: readonly string[] },
): Partial<NftSetSpec> {
  switch (word) {
    case 'type': {
      const type = dottedTypes(r)
      return map && r.accept(':') ? { type, data: dottedTypes(r) } : { type }
    }
    case 'typeof': {
      const start = r.peek().start
      const type = typeOf(parseExpression(r))
      const data = !map || !r.accept(':') ? undefined : r.accept('verdict') ? ['verdict'] : typeOf(parseExpression(r))
      return { type, typeOf: r.source.slice(start, r.consumed), ...(data === undefined ? {} : { data }) }
    }
    case 'flags':
      return { flags: commaWords(r).reduce(withFlag, flags) }
    case 'timeout':
      return { timeout: time(r), flags: withFlag(flags, 'timeout') }
    case 'gc-interval':
      return { gcInterval: time(r) }
    case 'size':
      return { size: r.number('a size') }
    case 'policy':
      return { policy: r.word('a policy') }
    case 'auto-merge':
      return { autoMerge: true }
    case 'comment':
      return { comment: r.string() }
    default: {
      const start = r.peek().start
      while (!r.atStop) r.take()
      const rest = r.source.slice(start, r.consumed)
      return { stateful: start >= r.consumed ? word : `${word} ${rest}` }
    }
  }
}

function dottedTypes(r: NftReader): NftType[] {
  const out = [r.word('a datatype')]
  while (r.accept('.')) out.push(r.word('a datatype'))
  return out
}

export const elementTypes = (spec: Pick<NftSetSpec, 'type' | 'data'>): ElementTypes => ({
  key: spec.type,
  ...(spec.data === undefined ? {} : { data: spec.data }),
})

/** An object that is not modelled, from its keyword to its closing brace. */
function keepObject(r: NftReader): string {
  const start = r.peek().start
  let depth = 0
  for (;;) {
    const t = r.take()
    if (t.kind === 'end') throw r.unreadable('}')
    if (t.kind === 'sign' && t.text === '{') depth++
    if (t.kind === 'sign' && t.text === '}' && --depth === 0) break
    if (depth === 0 && r.atStop) break
  }
  return r.source.slice(start, r.consumed)
}
