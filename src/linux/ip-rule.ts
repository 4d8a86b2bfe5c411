import { ok } from '../base/result.ts'
import { formatIpv4, type Ipv4, ipv4 } from '../net/address.ts'
import type { PolicyRuleRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { formatTable, integer, looksIpv6, parseDestination, parseTable } from './names.ts'
import { numberedLines, type TextResult, textError, wordsOf } from './text.ts'

const selector = (s: { readonly address: Ipv4; readonly length: number } | undefined): string | undefined =>
  s === undefined ? undefined : s.length === 32 ? formatIpv4(s.address) : `${formatIpv4(s.address)}/${s.length}`

/** `ip rule` (iproute2 6.1, ip/iprule.c print_rule), by priority. */
export function printIpRule(view: WorldView, netns: string, priority?: number): string {
  return [...view.list('policy-rule', netns)]
    .sort((a, b) => a.priority - b.priority)
    .filter((r) => priority === undefined || r.priority === priority)
    .map((r) => `${r.priority}:\t${formatPolicyRule(r)}\n`)
    .join('')
}

/** A rule without its priority: `from all fwmark 0x4000/0x4000 lookup 100`. */
export function formatPolicyRule(r: PolicyRuleRecord): string {
  const words = [`${r.invert ? 'not ' : ''}from ${selector(r.from) ?? 'all'}`]
  const to = selector(r.to)
  if (to !== undefined) words.push(`to ${to}`)
  if (r.fwmark) {
    const mask = r.fwmark.mask === 0xffffffff ? '' : `/0x${r.fwmark.mask.toString(16)}`
    words.push(`fwmark 0x${r.fwmark.value.toString(16)}${mask}`)
  }
  if (r.iif !== undefined) words.push(`iif ${r.iif}`)
  if (r.oif !== undefined) words.push(`oif ${r.oif}`)
  words.push(r.action.kind === 'lookup' ? `lookup ${formatTable(r.action.table)}` : r.action.kind)
  if (r.suppressPrefixLength !== undefined) words.push(`suppress_prefixlength ${r.suppressPrefixLength}`)
  return words.join(' ')
}

export type ParsedPolicyRule = Omit<PolicyRuleRecord, 'kind' | 'id' | 'netns' | 'origin'> & { readonly line: number }

export interface ParsedPolicyRules {
  readonly rules: readonly ParsedPolicyRule[]
  readonly ipv6: number
  readonly namedTables: ReadonlyMap<string, number>
  readonly unmodelled: readonly { readonly line: number; readonly what: string }[]
}

const UNMODELLED = new Set([
  'tos',
  'dsfield',
  'ipproto',
  'sport',
  'dport',
  'uidrange',
  'suppress_ifgroup',
  'realms',
  'tun_id',
  'priority',
  'pref',
  'map-to',
  'goto',
])

/** Reads what `ip rule` prints. */
export function parseIpRule(text: string): TextResult<ParsedPolicyRules> {
  const rules: ParsedPolicyRule[] = []
  const namedTables = new Map<string, number>()
  const unmodelled: { line: number; what: string }[] = []
  let ipv6 = 0
  for (const { line, text: t } of numberedLines(text)) {
    if (t.startsWith('#')) continue
    const refuse = (found: string, expected: string) => textError('ip rule', line, found, expected)
    const colon = t.indexOf(':')
    const priority = integer(t.slice(0, Math.max(colon, 0)).trim())
    if (priority === undefined) return refuse(t, 'a priority, a colon and a rule')
    const words = wordsOf(t.slice(colon + 1))
    if (words.some(looksIpv6)) {
      ipv6++
      continue
    }
    const rule: { -readonly [K in keyof ParsedPolicyRule]: ParsedPolicyRule[K] } = {
      line,
      priority,
      invert: false,
      action: { kind: 'unreachable' },
    }
    let acted = false
    for (let i = 0; i < words.length; i++) {
      const key = words[i] ?? ''
      if (key === 'not') {
        rule.invert = true
        continue
      }
      if (key === 'blackhole' || key === 'unreachable' || key === 'prohibit') {
        rule.action = { kind: key }
        acted = true
        continue
      }
      if (key === '[detached]' || key === 'nop' || key === 'l3mdev' || key === 'proto' || key === 'protocol') {
        if (key.startsWith('proto')) i++
        else unmodelled.push({ line, what: key })
        if (key === 'nop' || key === 'l3mdev') acted = true
        continue
      }
      const value = words[++i]
      if (value === undefined) return refuse(key, 'a selector with its argument, or an action')
      switch (key) {
        case 'from':
        case 'to': {
          if (value === 'all') break
          const p = parseDestination(value)
          if (p === undefined) return refuse(value, `an IPv4 prefix after ${key}`)
          rule[key] = { address: ipv4(p.address), length: p.length }
          break
        }
        case 'iif':
        case 'oif':
          rule[key] = value
          break
        case 'fwmark': {
          const [mark = '', mask] = value.split('/')
          const numbers = [mark, mask ?? '0xffffffff'].map(Number)
          if (numbers.some((n) => !Number.isInteger(n) || n < 0 || n > 0xffffffff)) return refuse(value, 'a mark after fwmark')
          rule.fwmark = { value: numbers[0] ?? 0, mask: numbers[1] ?? 0 }
          break
        }
        case 'lookup':
        case 'table': {
          const { table, invented } = parseTable(value)
          if (invented) namedTables.set(value, table)
          rule.action = { kind: 'lookup', table }
          acted = true
          break
        }
        case 'suppress_prefixlength': {
          const length = integer(value)
          if (length === undefined) return refuse(value, 'a prefix length after suppress_prefixlength')
          rule.suppressPrefixLength = length
          break
        }
        default:
          if (!UNMODELLED.has(key)) return refuse(key, 'a selector or an action of ip rule')
          unmodelled.push({ line, what: `${key} ${value}` })
          if (key === 'goto' || key === 'map-to') acted = true
      }
    }
    if (!acted) return refuse(t, 'an action such as "lookup main"')
    rules.push(rule)
  }
  return ok({ rules, ipv6, namedTables, unmodelled })
}
