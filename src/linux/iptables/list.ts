import { formatIpv4 } from '../../net/address.ts'
import type { AddressMatch, InterfaceMatch, TableName } from '../../world/netfilter.ts'
import type { ChainRecord, RuleRecord } from '../../world/records.ts'
import type { WorldView } from '../../world/world.ts'
import { BASE_CHAINS } from './names.ts'
import { listMatch, listTarget, targetName } from './print-match.ts'
import { formatBaseAndMatches, formatInterface, formatSpec, maskSuffix, saveTarget } from './print-rule.ts'
import { countersAt, rulesOf, tablesOf } from './save.ts'

export interface ListOptions {
  /** -n */
  readonly numeric?: boolean
  /** -v: counters and interfaces. */
  readonly verbose?: boolean
  /** -x: counters without K, M and G. */
  readonly exact?: boolean
  readonly lineNumbers?: boolean
  /** One chain instead of all. */
  readonly chain?: string
  /** One rule of that chain, from 1: printed without any heading. */
  readonly rule?: number
}

/** The chains of a table; base chains that accept when the namespace never used the table, as the first look at it makes it. */
export function chainsOf(view: WorldView, netns: string, table: TableName): readonly ChainRecord[] {
  const chains = tablesOf(view, netns).get(table) ?? []
  const missing = BASE_CHAINS[table].filter((h) => !chains.some((c) => c.name === h))
  const made = missing.map((hook): ChainRecord => {
    return {
      kind: 'chain',
      id: `chain:${netns.slice('netns:'.length)}/${table}/${hook}` as ChainRecord['id'],
      netns: netns as ChainRecord['netns'],
      table,
      name: hook,
      hook,
      policy: 'ACCEPT',
      counters: { packets: 0, bytes: 0 },
      rules: [],
      origin: { component: 'kernel' },
    }
  })
  const base = BASE_CHAINS[table].flatMap((h) => [...chains, ...made].filter((c) => c.name === h))
  return [...base, ...chains.filter((c) => !BASE_CHAINS[table].some((h) => h === c.name))]
}

/** `iptables -t TABLE -L [CHAIN [RULE]] [-n] [-v] [-x] [--line-numbers]` (iptables 1.8.9 legacy). Undefined: no such chain. */
export function printIptablesList(view: WorldView, netns: string, table: TableName, o: ListOptions = {}): string | undefined {
  const all = chainsOf(view, netns, table)
  const chains = o.chain === undefined ? all : all.filter((c) => c.name === o.chain)
  if (chains.length === 0) return undefined
  if (o.rule !== undefined) {
    const rule = chains[0] && rulesOf(view, chains[0])[o.rule - 1]
    return rule ? ruleLine(view, rule, o.rule, o) : ''
  }
  const references = countReferences(view, all)
  return chains
    .map((c) => {
      const rules = rulesOf(view, c)
      return `${chainHeading(view, c, references.get(c.name) ?? 0, o)}${columnHeading(o)}${rules.map((r, i) => ruleLine(view, r, i + 1, o)).join('')}`
    })
    .join('\n')
}

function countReferences(view: WorldView, chains: readonly ChainRecord[]): Map<string, number> {
  const out = new Map<string, number>()
  for (const chain of chains) {
    for (const { spec } of rulesOf(view, chain)) {
      if (spec.target.kind === 'jump' || spec.target.kind === 'goto')
        out.set(spec.target.chain, (out.get(spec.target.chain) ?? 0) + 1)
    }
  }
  return out
}

function chainHeading(view: WorldView, c: ChainRecord, references: number, o: ListOptions): string {
  if (c.policy === undefined) return `Chain ${c.name} (${references} references)\n`
  const { packets, bytes } = countersAt(view, c)
  const counted = o.verbose ? ` ${amount(packets, o)} packets, ${amount(bytes, o)} bytes` : ''
  return `Chain ${c.name} (policy ${c.policy}${counted})\n`
}

function columnHeading(o: ListOptions): string {
  const number = o.lineNumbers ? 'num  ' : ''
  const counters = o.verbose ? (o.exact ? '    pkts      bytes ' : ' pkts bytes ') : ''
  const via = o.verbose ? ' in     out    ' : ''
  return `${number}${counters}target     prot opt${via} source               destination         \n`
}

/** xtables_print_num(): beyond 99,999 in thousands, rounded, and so on. */
function amount(n: number, o: ListOptions): string {
  if (o.exact || n <= 99_999) return String(n)
  let value = n
  for (const unit of ['K', 'M', 'G']) {
    value = Math.floor((value + 500) / 1000)
    if (value <= 9999) return `${value}${unit}`
  }
  return `${Math.floor((value + 500) / 1000)}T`
}

function ruleLine(view: WorldView, rule: RuleRecord, number: number, o: ListOptions): string {
  const { spec } = rule
  const numeric = o.numeric ?? false
  const counters = countersAt(view, rule)
  const column = (n: number, exactWidth: number) => `${amount(n, o).padStart(o.exact ? exactWidth : 5)} `
  let out = o.lineNumbers ? `${String(number).padEnd(4)} ` : ''
  if (o.verbose) out += column(counters.packets, 8) + column(counters.bytes, 10)
  out += `${targetName(spec.target).padEnd(9)} `
  const protocol = numeric ? String(spec.protocol?.number ?? 0) : (spec.protocol?.name ?? 'all')
  out += `${spec.protocol?.invert ? '!' : ' '}${protocol.padEnd(4)} `
  out += spec.fragment ? `${spec.fragment.invert ? '!' : '-'}f ` : '-- '
  if (o.verbose) out += ` ${interfaceColumn(spec.inIface, numeric)} ${interfaceColumn(spec.outIface, numeric)} `
  out += `${addressColumn(spec.src, numeric)} ${addressColumn(spec.dst, numeric)} `
  if (spec.target.kind === 'goto') out += '[goto] '
  return `${out}${spec.matches.map((m) => listMatch(m, numeric)).join('')}${listTarget(spec.target, numeric)}\n`
}

const interfaceColumn = (i: InterfaceMatch | undefined, numeric: boolean): string =>
  `${i?.invert ? '!' : ''}${i ? formatInterface(i) : numeric ? '*' : 'any'}`.padEnd(6)

function addressColumn(a: AddressMatch | undefined, numeric: boolean): string {
  const any = a === undefined || a.mask === 0
  const text = any
    ? numeric
      ? '0.0.0.0/0'
      : 'anywhere'
    : `${formatIpv4(a.address)}${a.mask === 0xffffffff ? '' : maskSuffix(a.mask)}`
  return `${a?.invert ? '!' : ' '}${text.padEnd(19)}`
}

/** `iptables -t TABLE -S [CHAIN [RULE]] [-v]`. Undefined: no such chain. */
export function printIptablesRules(view: WorldView, netns: string, table: TableName, o: ListOptions = {}): string | undefined {
  const all = chainsOf(view, netns, table)
  const chains = o.chain === undefined ? all : all.filter((c) => c.name === o.chain)
  if (chains.length === 0) return undefined
  const counted = (r: ChainRecord | RuleRecord) => {
    const { packets, bytes } = countersAt(view, r)
    return o.verbose ? ` -c ${packets} ${bytes}` : ''
  }
  let out = ''
  if (o.rule === undefined) {
    for (const c of chains) out += c.policy === undefined ? `-N ${c.name}\n` : `-P ${c.name} ${c.policy}${counted(c)}\n`
  }
  for (const c of chains) {
    rulesOf(view, c).forEach((r, i) => {
      if (o.rule !== undefined && o.rule !== i + 1) return
      const text = o.verbose ? `${formatBaseAndMatches(r.spec)}${counted(r)}${saveTarget(r.spec.target)}` : formatSpec(r.spec)
      out += `-A ${c.name}${text}\n`
    })
  }
  return out
}
