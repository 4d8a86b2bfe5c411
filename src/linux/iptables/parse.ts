import { ok } from '../../base/result.ts'
import type { RuleSpec, TableName } from '../../world/netfilter.ts'
import type { Counters } from '../../world/records.ts'
import { type TextResult, textError } from '../text.ts'
import {
  danglingJump,
  deleteChain,
  deleteRules,
  type MutableChain,
  type MutableTable,
  type Refusal,
  renameChain,
  thaw,
  zero,
} from './edit.ts'
import { isTableName } from './names.ts'
import { decimal } from './reader.ts'
import { decimalBig, isKnownTarget, RuleParser } from './rule.ts'
import { baseHook, NO_COUNTERS, type ParsedIptables, type ParsedRule } from './ruleset.ts'
import { splitWords } from './words.ts'

export interface ParseOptions {
  /** The table of text that names none, as `iptables -S` prints it. */
  readonly table?: TableName
  /** What the text is applied to. Without `noflush` every table that the text names starts empty. */
  readonly base?: ParsedIptables
  /** iptables-restore --noflush: tables keep what they have; a `:CHAIN` line empties a user chain of that name. */
  readonly noflush?: boolean
}

/**
 * Reads what iptables-save prints, what iptables-restore takes (`-N -X -F -P -I -D -R -E -Z` included, as kube-proxy writes
 * it), and what `iptables -S` prints. IPv4 only. Unknown matches and targets are kept as they are written.
 * Fails at the first line that iptables-restore would refuse, with its number. Source: iptables/iptables-restore.c.
 */
export function parseIptablesSave(text: string, options: ParseOptions = {}): TextResult<ParsedIptables> {
  return new Restore(options).run(text)
}

class Restore {
  readonly #options: ParseOptions
  readonly #tables = new Map<TableName, MutableTable>()
  readonly #parser = new RuleParser((name) => this.#table?.chains.get(name)?.name)
  readonly #words: string[] = []
  #table: MutableTable | undefined
  /** Rules whose -j named neither a chain nor a target that was known by then. */
  #pending: { rules: ParsedRule[]; rule: ParsedRule; name: string }[] = []
  #deletedChains = false
  #line = 0
  #error: ReturnType<typeof textError> | undefined

  constructor(options: ParseOptions) {
    this.#options = options
    for (const table of options.base?.tables.values() ?? []) this.#tables.set(table.name, thaw(table))
  }

  run(text: string): TextResult<ParsedIptables> {
    let p = 0
    const length = text.length
    while (p < length && this.#error === undefined) {
      let e = text.indexOf('\n', p)
      if (e < 0) e = length
      this.#line++
      this.#readLine(text, p, e)
      p = e + 1
    }
    this.#endTable()
    if (this.#error) return this.#error
    return ok({ tables: this.#tables })
  }

  #fail(found: string, expected: string): undefined {
    this.#error ??= textError('iptables-save', this.#line, found, expected)
  }

  #readLine(text: string, from: number, to: number): undefined {
    while (from < to && text.charCodeAt(from) <= 32) from++
    while (to > from && text.charCodeAt(to - 1) <= 32) to--
    if (from === to) return
    switch (text.charCodeAt(from)) {
      case 35: // #
        return
      case 42: // *
        return this.#beginTable(text.slice(from + 1, to))
      case 58: // :
        return this.#chainLine(text, from + 1, to)
      case 91: // [
        return this.#countedLine(text, from, to)
      case 45: // -
        return this.#command(text, from, to, NO_COUNTERS)
    }
    const line = text.slice(from, to)
    if (line === 'COMMIT') this.#endTable()
    else this.#fail(line, 'a *table, a :CHAIN, a command such as -A, COMMIT or a # comment')
  }

  #beginTable(name: string): undefined {
    this.#endTable()
    if (!isTableName(name)) return this.#fail(name, 'one of the tables raw, mangle, nat, filter and security')
    let table = this.#tables.get(name)
    if (table === undefined || !this.#options.noflush) {
      table = { name, chains: new Map() }
      this.#tables.set(name, table)
    }
    this.#table = table
  }

  /** COMMIT: names that were not known when they were jumped to have to be by now. */
  #endTable(): undefined {
    const table = this.#table
    this.#table = undefined
    if (table === undefined) return
    for (const { rules, rule, name } of this.#pending) {
      const chain = table.chains.get(name)?.name
      if (chain === undefined) {
        this.#line = rule.line
        this.#fail(name, `a target, or a chain of table ${table.name}`)
      } else {
        const i = rules.indexOf(rule)
        if (i >= 0) rules[i] = { ...rule, spec: { ...rule.spec, target: { kind: 'jump', chain } } }
      }
    }
    this.#pending = []
    if (this.#deletedChains) this.#checkJumps(table)
    this.#deletedChains = false
  }

  #checkJumps(table: MutableTable): undefined {
    const found = danglingJump(table)
    if (found === undefined) return
    this.#line = found.line
    this.#fail(`-X ${found.to}`, `a chain that no rule jumps to (${found.from} does)`)
  }

  /** Text from `iptables -S` has no table line: it is one table's. */
  #currentTable(): MutableTable {
    if (this.#table) return this.#table
    const name = this.#options.table ?? 'filter'
    let table = this.#tables.get(name)
    if (table === undefined) {
      table = { name, chains: new Map() }
      this.#tables.set(name, table)
    }
    this.#table = table
    return table
  }

  #chain(name: string): MutableChain | undefined {
    const table = this.#currentTable()
    const known = table.chains.get(name)
    if (known) return known
    const hook = baseHook(table.name, name)
    if (hook === undefined) {
      this.#fail(name, `a chain of table ${table.name}`)
      return undefined
    }
    const chain: MutableChain = { name, hook, policy: 'ACCEPT', counters: NO_COUNTERS, rules: [] }
    table.chains.set(name, chain)
    return chain
  }

  /** `:NAME POLICY [packets:bytes]`, policy `-` for a user chain. */
  #chainLine(text: string, from: number, to: number): undefined {
    const words = this.#words
    const n = splitWords(text, from, to, words)
    const name = words[0] ?? ''
    const policy = words[1] ?? ''
    if (n < 2) return this.#fail(text.slice(from - 1, to), ':CHAIN POLICY [packets:bytes]')
    const counters = n > 2 ? bracketed(words[2] as string) : NO_COUNTERS
    if (counters === undefined) return this.#fail(words[2] as string, 'counters such as [0:0]')
    this.#declare(name, policy, counters)
  }

  #declare(name: string, policy: string, counters: Counters): undefined {
    const table = this.#currentTable()
    const hook = baseHook(table.name, name)
    if (name.length > 28) return this.#fail(name, 'a chain name of at most 28 characters')
    if (hook === undefined) {
      if (policy !== '-') return this.#fail(policy, '- as the policy of a user-defined chain')
      table.chains.set(name, { name, counters: NO_COUNTERS, rules: [] })
      return
    }
    const old = table.chains.get(name)
    if (policy === '-') {
      if (!old) this.#chain(name)
    } else if (policy !== 'ACCEPT' && policy !== 'DROP') this.#fail(policy, 'ACCEPT or DROP as the policy')
    else table.chains.set(name, { name, hook, policy, counters, rules: old?.rules ?? [] })
  }

  /** `[packets:bytes] -A …`, as iptables-save -c prints rules. */
  #countedLine(text: string, from: number, to: number): undefined {
    const close = text.indexOf(']', from)
    const counters = close < 0 || close >= to ? undefined : bracketed(text.slice(from, close + 1))
    if (counters === undefined) return this.#fail(text.slice(from, to), 'counters such as [0:0] before the command')
    let at = close + 1
    while (at < to && text.charCodeAt(at) <= 32) at++
    this.#command(text, at, to, counters)
  }

  #command(text: string, from: number, to: number, counters: Counters): undefined {
    const words = this.#words
    const n = splitWords(text, from, to, words)
    if (n < 0) return this.#fail(text.slice(from, to), 'a closing double quote')
    const command = words[0] as string
    if (command === '-A' || command === '--append') {
      const chain = n > 1 ? this.#chain(words[1] as string) : undefined
      if (chain) this.#rules(chain, n, 2, counters, (r) => chain.rules.push(r))
      else this.#fail(command, 'a chain after -A')
      return
    }
    this.#otherCommand(command, n, counters)
  }

  #otherCommand(command: string, n: number, counters: Counters): undefined {
    const words = this.#words
    const name = n > 1 ? (words[1] as string) : undefined
    const table = this.#currentTable()
    switch (command) {
      case '-I':
      case '--insert': {
        const chain = name === undefined ? undefined : this.#chain(name)
        if (!chain) return this.#fail('', 'a chain after -I')
        const position = n > 2 ? decimal(words[2] as string) : -1
        let at = position > 0 ? position - 1 : 0
        if (at > chain.rules.length) return this.#fail(words[2] as string, `a rule number up to ${chain.rules.length + 1}`)
        return this.#rules(chain, n, position > 0 ? 3 : 2, counters, (r) => chain.rules.splice(at++, 0, r))
      }
      case '-D':
      case '--delete': {
        const chain = name === undefined ? undefined : this.#chain(name)
        return chain ? this.#delete(chain, n) : this.#fail('', 'a chain after -D')
      }
      case '-R':
      case '--replace': {
        const chain = name === undefined ? undefined : this.#chain(name)
        const at = decimal(words[2] ?? '') - 1
        if (!chain?.rules[at]) return this.#fail(words[2] ?? '', 'the number of a rule of that chain')
        return this.#rules(chain, n, 3, counters, (r) => chain.rules.splice(at, 1, r))
      }
      case '-N':
      case '--new-chain':
        if (name === undefined || table.chains.has(name)) return this.#fail(name ?? '', 'the name of a new chain')
        return this.#declare(name, '-', NO_COUNTERS)
      case '-F':
      case '--flush': {
        const chain = name === undefined ? undefined : this.#chain(name)
        for (const c of chain ? [chain] : name === undefined ? table.chains.values() : []) c.rules = []
        return
      }
      case '-X':
      case '--delete-chain':
        this.#deletedChains = true
        return this.#refuse(deleteChain(table, name))
      case '-P':
      case '--policy': {
        const at = words.indexOf('-c', 3)
        const [packets, bytes] =
          at > 0 && at + 2 < n ? [decimalBig(words[at + 1] ?? ''), decimalBig(words[at + 2] ?? '')] : [0, 0]
        return this.#declare(name ?? '', n > 2 ? (words[2] as string) : '', { packets, bytes })
      }
      case '-Z':
      case '--zero': {
        const chain = name === undefined ? undefined : this.#chain(name)
        for (const c of chain ? [chain] : name === undefined ? table.chains.values() : []) zero(c)
        return
      }
      case '-E':
      case '--rename-chain':
        return this.#refuse(renameChain(table, name, n > 2 ? words[2] : undefined))
    }
    this.#fail(command, 'one of the commands -A -I -D -R -N -X -F -P -Z -E')
  }

  #refuse(refusal: Refusal | undefined): undefined {
    if (refusal !== undefined) this.#fail(refusal.found, refusal.expected)
  }

  #delete(chain: MutableChain, n: number): undefined {
    const number = n === 3 ? decimal(this.#words[2] as string) : -1
    if (number > 0) {
      if (number > chain.rules.length) return this.#fail(String(number), `a rule number up to ${chain.rules.length}`)
      chain.rules.splice(number - 1, 1)
      return
    }
    const given: ParsedRule[] = []
    this.#rules(chain, n, 2, NO_COUNTERS, (r) => given.push(r))
    this.#refuse(deleteRules(chain, given))
  }

  #rules(chain: MutableChain, n: number, at: number, counters: Counters, put: (rule: ParsedRule) => void): undefined {
    const parser = this.#parser
    const text = parser.rule(this.#words, n, at)
    if (parser.expected !== undefined) return this.#fail(parser.found, parser.expected)
    for (const spec of text.specs) {
      const rule: ParsedRule = { spec, counters: text.counters ?? counters, line: this.#line }
      put(rule)
      if (isUndeclared(spec)) this.#pending.push({ rules: chain.rules, rule, name: (spec.target as { name: string }).name })
    }
  }
}

const isUndeclared = ({ target }: RuleSpec): boolean =>
  target.kind === 'unknown' && target.arguments.length === 0 && !isKnownTarget(target.name)

/** `[packets:bytes]`. */
function bracketed(w: string): Counters | undefined {
  if (w === '[0:0]') return NO_COUNTERS
  const colon = w.indexOf(':')
  if (!w.startsWith('[') || !w.endsWith(']') || colon < 0) return undefined
  const packets = decimalBig(w.slice(1, colon))
  const bytes = decimalBig(w.slice(colon + 1, -1))
  return packets < 0 || bytes < 0 ? undefined : { packets, bytes }
}
