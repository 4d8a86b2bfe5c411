// npm run kernel:fuzz:shrink -- FILE…: each failing case (JSON, as `kernel:fuzz --out` writes it) made as small as it goes.
//   --keep NAME  also keeps it as a regression: recordings/fuzz/NAME.json and what the kernel did, NAME.txt
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { formatDifference } from '../../../src/lab/compare/difference.ts'
import type { FuzzCase } from '../../../src/lab/fuzz/case.ts'
import { shrink } from '../../../src/lab/fuzz/shrink.ts'
import { keep } from './keep.ts'
import { Slot } from './slot.ts'
import { type Tried, tryCase } from './try.ts'

const { values, positionals } = parseArgs({
  options: {
    keep: { type: 'string' },
    /** Differences have to be in this (`journey`, `frames`, `ss` …): a case may fail in more than one way. */
    what: { type: 'string' },
    most: { type: 'string', default: '400' },
    slots: { type: 'string', default: '16' },
  },
  allowPositionals: true,
})
const slots = Array.from({ length: Number(values.slots) }, () => new Slot())
const slotAt = (i: number): Slot => slots[i % slots.length] ?? new Slot()

const failed = (t: Tried): boolean =>
  t.kind === 'broken' ||
  (t.kind === 'different' && (values.what === undefined || t.differences.some((d) => d.what === values.what)))

for (const file of positionals) {
  const c = JSON.parse(readFileSync(file, 'utf8')) as FuzzCase
  const before = await tryCase(c, slotAt(0), 1)
  if (!failed(before)) {
    console.log(`${file}: does not fail any more (${before.kind})`)
    continue
  }
  const small = await shrink(
    c,
    async (smaller, lane) => {
      const t = await tryCase(smaller, slotAt(lane), 1)
      return t.kind === before.kind && failed(t)
    },
    { most: Number(values.most), width: slots.length },
  )
  const after = await tryCase(small, slotAt(0), 2)
  const text = `${JSON.stringify(small, undefined, 1)}\n`
  writeFileSync(file.replace(/\.json$/, '.small.json'), text)
  console.log(`${file}:\n${compact(small)}`)
  if (after.kind === 'broken') console.log(`  ${after.message}`)
  if (after.kind !== 'different') continue
  for (const d of after.differences.slice(0, 8)) console.log(`  ${formatDifference(d).trimEnd()}`)
  if (values.keep === undefined) continue
  keep(values.keep, small, after.kernel)
}
for (const s of slots) s.close()

/** For reading: only what is there. */
function compact(c: FuzzCase): string {
  const hosts = c.hosts.flatMap((h) => {
    const sysctls = Object.entries(h.sysctls).filter(([k]) => !k.startsWith('net.ipv4.neigh.'))
    return [
      `  ${h.name}: ${h.bridges.map((b) => `bridge ${b}, `).join('')}${h.addresses.map((a) => `${a.device} ${a.cidr}`).join(', ')}`,
      ...[...h.routes, ...h.rules, ...h.sets, ...h.servers].map((l) => `    ${l}`),
      ...sysctls.map(([k, v]) => `    ${k}=${v}`),
      ...h.tables.flatMap((t) => [
        `    *${t.table} ${Object.entries(t.policies).join(' ')} ${t.chains.join(' ')}`,
        ...t.rules.map((r) => `    ${r}`),
      ]),
    ]
  })
  const cables = c.cables.map((k) => {
    const end = (e: typeof k.a) => `${e.host}/${e.device}${e.master ? `@${e.master}` : ''}${e.hairpin ? ' hairpin' : ''}`
    return `  ${end(k.a)} -- ${end(k.b)}${k.mtu === 1500 ? '' : ` mtu ${k.mtu}`}`
  })
  return [...hosts, ...cables, ...c.journeys.map((j) => `  ${j.from}$ ${j.run}`)].join('\n')
}
