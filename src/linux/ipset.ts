import { ok } from '../base/result.ts'
import type { IpsetRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { numberedLines, type TextResult, textError, wordsOf } from './text.ts'

/** Newest revision of each type in Linux 6.x (net/netfilter/ipset/ip_set_*.c IPSET_TYPE_REV_MAX). */
const REVISIONS: Readonly<Record<string, number>> = {
  'bitmap:ip': 3,
  'bitmap:ip,mac': 3,
  'bitmap:port': 3,
  'hash:ip': 6,
  'hash:ip,mac': 1,
  'hash:ip,mark': 3,
  'hash:ip,port': 7,
  'hash:ip,port,ip': 7,
  'hash:ip,port,net': 8,
  'hash:mac': 1,
  'hash:net': 7,
  'hash:net,iface': 8,
  'hash:net,net': 4,
  'hash:net,port': 8,
  'hash:net,port,net': 3,
  'list:set': 3,
}

/** Bytes of an empty set, and of each entry that has a bucket of its own: as Linux 6.1 on 64 bits says. */
const MEMORY: Readonly<Record<string, readonly [empty: number, entry: number]>> = {
  'bitmap:port': [8264, 0],
  'hash:ip': [200, 40],
  'hash:ip,port': [200, 48],
  'hash:ip,port,ip': [208, 56],
  'hash:ip,port,net': [464, 56],
  'hash:net': [456, 48],
  'hash:net,port': [456, 48],
  'list:set': [80, 48],
}

function memoryOf(type: string, entries: number): number {
  const [empty, entry] = MEMORY[type] ?? [200, 48]
  return empty + entry * entries
}

/** Rules of the namespace that match the set: what the kernel counts as references. */
function references(view: WorldView, netns: string, name: string): number {
  return view.list('rule', netns).filter((r) => r.spec.matches.some((m) => m.kind === 'set' && m.set === name)).length
}

/** `ipset list [NAME] [-n | -t]`. Entries that share a bucket of the kernel's hash, by a seed drawn at random, take less memory. */
export function printIpsetList(
  view: WorldView,
  netns: string,
  o: { readonly name?: string; readonly namesOnly?: boolean; readonly terse?: boolean } = {},
): string {
  const sets = view.list('ipset', netns).filter((s) => o.name === undefined || s.name === o.name)
  if (o.namesOnly) return sets.map((s) => `${s.name}\n`).join('')
  return sets
    .map((s) => {
      const lines = [
        `Name: ${s.name}`,
        `Type: ${s.type}`,
        `Revision: ${REVISIONS[s.type] ?? 0}`,
        `Header: ${s.options.join(' ')}`,
        `Size in memory: ${memoryOf(s.type, s.entries.length)}`,
        `References: ${references(view, netns, s.name)}`,
        `Number of entries: ${s.entries.length}`,
        ...(o.terse ? [] : ['Members:', ...s.entries]),
      ]
      return lines.map((l) => `${l}\n`).join('')
    })
    .join('\n')
}

/** `ipset save [NAME]`. */
export function printIpsetSave(view: WorldView, netns: string, name?: string): string {
  return view
    .list('ipset', netns)
    .filter((s) => name === undefined || s.name === name)
    .map((s) => `${['create', s.name, s.type, ...s.options].join(' ')}\n${s.entries.map((e) => `add ${s.name} ${e}\n`).join('')}`)
    .join('')
}

export type ParsedIpset = Pick<IpsetRecord, 'name' | 'type' | 'options' | 'entries'>

/** Reads `ipset list` and `ipset save` (what `ipset restore` takes). */
export function parseIpset(text: string): TextResult<ParsedIpset[]> {
  const sets: { name: string; type: string; options: string[]; entries: string[] }[] = []
  let members = false
  for (const { line, text: t } of numberedLines(text)) {
    const refuse = (expected: string) => textError('ipset', line, t, expected)
    const words = wordsOf(t)
    const last = sets[sets.length - 1]
    if (words[0] === 'create' || words[0] === 'add') {
      if (words.length < 3) return refuse('create NAME TYPE … or add NAME ENTRY …')
      const [, name = '', third = '', ...rest] = words
      if (words[0] === 'create') sets.push({ name, type: third, options: rest.filter((w) => w !== '-exist'), entries: [] })
      else {
        const set = sets.find((s) => s.name === name)
        if (set === undefined) return refuse('a set that was created before')
        set.entries.push([third, ...rest.filter((w) => w !== '-exist')].join(' '))
      }
      continue
    }
    const colon = /^([A-Z][A-Za-z ]*):\s*(.*)$/.exec(t)
    if (colon?.[1] === 'Name') {
      sets.push({ name: colon[2] ?? '', type: '', options: [], entries: [] })
      members = false
    } else if (last === undefined) return refuse('Name: or create first')
    else if (colon?.[1] === 'Type') last.type = colon[2] ?? ''
    else if (colon?.[1] === 'Header') last.options = wordsOf(colon[2] ?? '')
    else if (colon?.[1] === 'Members') members = true
    else if (members) last.entries.push(t.trim())
  }
  return ok(sets)
}
