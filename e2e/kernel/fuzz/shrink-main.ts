// npm run kernel:fuzz:shrink -- FILE…: each failing case (JSON, as `kernel:fuzz --out` writes it) made as small as it goes.
//   --keep NAME  also keeps it as a regression: recordings/fuzz/NAME.json and what the kernel did, NAME.txt
//   --what KIND  differences have to be in this (`journey`, `frames`, `ss` …): a case may fail in more than one way
//   --wrong DIR  the fault is mended already: a checkout of the last commit that has it (git worktree add DIR COMMIT). Then what
//                that engine does otherwise than the one of --right DIR (the first commit without the fault; this checkout) is the
//                failure; with --keep the kernel is asked, once and in the end, whether it agrees with this engine.
//   --meets A,B  packets of the smaller case still meet these of FEATURES (src/lab/fuzz/coverage.ts): what the fault is about
//   --most N     trials at most (400; 6000 where the kernel takes no part in them)
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Difference, formatDifference } from '../../../src/lab/compare/difference.ts'
import type { FuzzCase } from '../../../src/lab/fuzz/case.ts'
import { compareCase } from '../../../src/lab/fuzz/compare.ts'
import { featuresOf } from '../../../src/lab/fuzz/features.ts'
import type { PlayedCase } from '../../../src/lab/fuzz/play.ts'
import { shrink } from '../../../src/lab/fuzz/shrink.ts'
import { caseText } from './case-text.ts'
import { keep } from './keep.ts'
import { engineDifferences, engineOf, mainKind } from './old-engine.ts'
import { Slot } from './slot.ts'
import { type Tried, tryCase } from './try.ts'

const { values, positionals } = parseArgs({
  options: {
    keep: { type: 'string' },
    what: { type: 'string' },
    wrong: { type: 'string' },
    right: { type: 'string' },
    meets: { type: 'string', default: '' },
    most: { type: 'string' },
    slots: { type: 'string', default: '16' },
  },
  allowPositionals: true,
})
const HERE = join(import.meta.dirname, '../../..')
const slots = Array.from({ length: Number(values.slots) }, () => new Slot())
const slotAt = (i: number): Slot => slots[i % slots.length] ?? new Slot()
const read = (file: string): FuzzCase => {
  const { ends: _, ...c } = JSON.parse(readFileSync(file, 'utf8')) as FuzzCase & { ends?: unknown }
  return c
}

function write(file: string, small: FuzzCase, differences: readonly Difference[]): void {
  writeFileSync(file.replace(/\.json$/, '.small.json'), `${JSON.stringify(small, undefined, 1)}\n`)
  console.log(`${file}:\n${caseText(small)}`)
  for (const d of differences.slice(0, 8)) console.log(`  ${formatDifference(d).trimEnd()}`)
}

/** Engine against kernel. */
async function shrinkFailing(file: string): Promise<void> {
  const failed = (t: Tried): boolean =>
    t.kind === 'broken' ||
    (t.kind === 'different' && (values.what === undefined || t.differences.some((d) => d.what === values.what)))
  const c = read(file)
  const before = await tryCase(c, slotAt(0), 1)
  if (!failed(before)) {
    console.log(`${file}: does not fail any more (${before.kind})`)
    return
  }
  const fails = async (smaller: FuzzCase, lane: number) => {
    const t = await tryCase(smaller, slotAt(lane), 1)
    return t.kind === before.kind && failed(t)
  }
  const small = await shrink(c, fails, { most: Number(values.most ?? 400), width: slots.length })
  const after = await tryCase(small, slotAt(0), 2)
  write(file, small, after.kind === 'different' ? after.differences : [])
  if (after.kind === 'broken') console.log(`  ${after.message}`)
  if (after.kind === 'different' && values.keep !== undefined) keep(values.keep, small, after.kernel)
}

/** An engine that has the fault against one that has not. */
async function shrinkMended(file: string, wrongAt: string): Promise<void> {
  const wrong = await engineOf(wrongAt)
  const right = await engineOf(values.right ?? HERE)
  const c = read(file)
  const before = engineDifferences(c, wrong, right)
  const kind = values.what ?? mainKind(before)
  if (kind === undefined) {
    console.log(`${file}: both engines do the same`)
    return
  }
  const wanted = values.meets.split(',').filter((name) => name !== '')
  const meets = (played: PlayedCase | string) => {
    const met = typeof played === 'string' || wanted.length === 0 ? new Set<string>() : featuresOf(played.reader)
    return wanted.every((name) => met.has(name))
  }
  const here = await engineOf(HERE)
  const fails = async (smaller: FuzzCase) =>
    engineDifferences(smaller, wrong, right).some((d) => d.what === kind) && meets(here(smaller))
  const small = await shrink(c, fails, { most: Number(values.most ?? 6000), width: 1 })
  write(file, small, engineDifferences(small, wrong, right))
  if (values.keep === undefined) return
  const kernel = await tryCase(small, slotAt(0), 3)
  if (kernel.kind !== 'same') {
    console.log(`${file}: not kept: this engine and the kernel: ${kernel.kind}`)
    if (kernel.kind === 'different')
      for (const d of kernel.differences.slice(0, 8)) console.log(`  ${formatDifference(d).trimEnd()}`)
    else if ('message' in kernel) console.log(`  ${kernel.message}`)
    return
  }
  const { run, journeys } = kernel.kernel
  const faulty = wrong(small)
  const told =
    typeof faulty === 'string' || compareCase(small, faulty, { run, journeys }).differences.some((d) => d.what === kind)
  if (!told) console.log(`${file}: not kept: the kernel does not tell the faulty engine from this one`)
  else keep(values.keep, small, kernel.kernel)
}

for (const file of positionals) await (values.wrong === undefined ? shrinkFailing(file) : shrinkMended(file, values.wrong))
for (const s of slots) s.close()
