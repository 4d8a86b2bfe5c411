import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { netnsId, type RecordId } from '../../world/ids.ts'
import type { WorldRecord } from '../../world/records.ts'
import { viewOf } from '../../world/world.ts'
import { printIptablesList, printIptablesRules } from './list.ts'
import { parseIptablesSave } from './parse.ts'
import { printIptablesSave, toRecords } from './save.ts'

// What iptables-legacy 1.8.9 printed of one namespace in which every modelled match and target has a rule.
const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures', name), 'utf8')
const TABLES = ['filter', 'nat', 'mangle', 'raw'] as const
const netns = netnsId('node1')

const parsed = parseIptablesSave(fixture('iptables-save-c.txt'))
const records = parsed.ok ? toRecords('node1', parsed.value, { component: 'import' }) : []
const view = viewOf(new Map<RecordId, WorldRecord>(records.map((r) => [r.id, r])))

/** Extensions that are kept and not modelled are listed in words of our own; service names beyond the usual ones as numbers. */
const modelled = (text: string) =>
  text
    .split('\n')
    .filter((l) => !/PKTTYPE|pkttype|TCPMSS|53-60\/100|cisco-sccp|tcpmux|spts:!1:|dports +!http,https,1000/.test(l))
    .join('\n')
const listed = (o: { numeric?: boolean; verbose?: boolean; lineNumbers?: boolean }) =>
  modelled(TABLES.map((t) => printIptablesList(view, netns, t, o)).join(''))

describe('iptables-legacy 1.8.9', () => {
  it('reads every match and target, and prints iptables-save -c back to the byte', () => {
    const withoutComments = fixture('iptables-save-c.txt').replace(/^#.*\n/gm, '')
    expect(parsed.ok || parsed.error).toBe(true)
    expect(printIptablesSave(view, netns, { counters: true, header: false })).toBe(withoutComments)
  })
  it('lists rules as -L -n -v --line-numbers does, but any interface for a lone +', () => {
    const real = modelled(fixture('iptables-Lnv-line-numbers.txt'))
      .replace(/ (\+|\*) {6}(\+|\*) {6} 0/g, ' *      *       0')
      .replace('lo     + ', 'lo     * ')
    expect(listed({ numeric: true, verbose: true, lineNumbers: true }).replace(/-- {2}\+ /g, '--  * ')).toBe(real)
  })
  it('lists rules with names where -n is not given', () => {
    expect(listed({})).toBe(modelled(fixture('iptables-L.txt')))
  })
  it('prints -S -v with the counters before the target', () => {
    expect(printIptablesRules(view, netns, 'filter', { verbose: true })).toBe(fixture('iptables-S-v.txt'))
  })
  it('abbreviates counters beyond 99,999 as -v does, and not with -x', () => {
    const text = '*filter\n:INPUT DROP [123456:9876543210]\n[99999:100000] -A INPUT -j ACCEPT\nCOMMIT\n'
    const p = parseIptablesSave(text)
    if (!p.ok) throw new Error(p.error.expected)
    const v = viewOf(new Map<RecordId, WorldRecord>(toRecords('node1', p.value, { component: 'user' }).map((r) => [r.id, r])))
    const input = printIptablesList(v, netns, 'filter', { numeric: true, verbose: true, chain: 'INPUT' })
    expect(input).toContain('Chain INPUT (policy DROP 123K packets, 9877M bytes)')
    expect(input).toContain('99999  100K ACCEPT     0    --  *      *       0.0.0.0/0            0.0.0.0/0           \n')
    expect(printIptablesList(v, netns, 'filter', { numeric: true, verbose: true, exact: true, chain: 'INPUT' })).toContain(
      '   99999     100000 ACCEPT',
    )
  })
  it('knows no chain that is not there', () => {
    expect(printIptablesList(view, netns, 'filter', { chain: 'KUBE-NOWHERE' })).toBeUndefined()
  })
})
