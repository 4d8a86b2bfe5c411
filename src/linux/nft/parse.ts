import { ok } from '../../base/result.ts'
import type { NftFamily } from '../../world/nft.ts'
import { type TextResult, textError } from '../text.ts'
import { chainBody, ensureChain, readFamily, readRule, tableBlock, tableBody } from './parse-block.ts'
import { parseElements } from './parse-expression.ts'
import { elementTypes, setBody } from './parse-set.ts'
import { NftReader, Unreadable } from './reader.ts'
import { elementKey, type NftChain, NftRuleset, type NftSet, type NftTable } from './ruleset.ts'

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
  const family = readFamily(r) ?? 'ip'
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
