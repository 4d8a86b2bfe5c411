import type { NftFamily, NftStatement } from '../../world/nft.ts'
import { baseOf } from './parse-base.ts'
import { commaWords, setBody } from './parse-set.ts'
import { parseRule } from './parse-statement.ts'
import type { NftReader } from './reader.ts'
import { anonymousSets, type NftChain, type NftRule, type NftRuleset, type NftTable } from './ruleset.ts'

// Blocks as `nft list ruleset` prints them: a table with its chains, sets and whatever else it holds.

const FAMILIES: readonly NftFamily[] = ['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev']
const isFamily = (word: string): word is NftFamily => (FAMILIES as readonly string[]).includes(word)

/** The family that is named next, if one is. */
export function readFamily(r: NftReader): NftFamily | undefined {
  const word = r.peek().text
  if (!isFamily(word)) return undefined
  r.take()
  return word
}

export function tableBlock(r: NftReader, set: NftRuleset): void {
  // `table inet { … }`: a table may be called as a family is.
  const family = (r.peek(1).kind === 'sign' ? undefined : readFamily(r)) ?? 'ip'
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

export function tableBody(r: NftReader, table: NftTable): void {
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

export function ensureChain(table: NftTable, name: string, r: NftReader, handle?: number): NftChain {
  const known = table.chains.get(name)
  if (known !== undefined) return known
  const chain: NftChain = { name, handle: table.allocate(handle), rules: [], line: r.peek().line }
  table.chains.set(name, chain)
  return chain
}

export function chainBody(r: NftReader, table: NftTable, chain: NftChain): void {
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

export function readRule(r: NftReader, table: NftTable): NftRule {
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
