// npm run kernel:fuzz: random small networks on this machine's real kernel, compared with the engine. Needs root.
//   --cases N     how many (100)         --seed S    the first case's seed (1); case i has seed S + i
//   --ranges A,B  as many cases from each of these seeds, one range after the other
//   --seeds A,B   these cases instead
//   --slots N     cases at one time (16) --show N    differences shown of a case (6)
//   --out DIR     writes every failing case there as JSON
//   --record      keeps the totals of each whole range in recordings/fuzz-summary.json, in place of any that shares a seed with
//                 it, as soon as it is through (then: npm run kernel -- --summary)
//   --only FILE   runs the case in FILE; with --keep NAME, where both sides agree, it is kept as a regression with its recording
//   --coverage    plays the cases in the engine alone and says how many of them met each target, match, route …; needs no root
// What differs while cases share the machine is tried again with nothing beside it, --retries N times more (2) at most: a
// delay is no difference. How many agreed only then is said, and recorded. Where no difference is in every run of the kernel,
// the kernel differs from itself: such a case is counted apart, as neither alike nor different.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Difference, formatDifference } from '../../../src/lab/compare/difference.ts'
import type { FuzzCase } from '../../../src/lab/fuzz/case.ts'
import { Coverage } from '../../../src/lab/fuzz/coverage.ts'
import { featuresOf } from '../../../src/lab/fuzz/features.ts'
import { generateCase } from '../../../src/lab/fuzz/generate.ts'
import { playCase } from '../../../src/lab/fuzz/play.ts'
import { FUZZ_SUMMARY, fuzzRuns, withFuzzRun } from '../../../src/lab/testing/recordings.ts'
import { type BatchCase, runBatch } from './batch.ts'
import { keep } from './keep.ts'
import { Slot } from './slot.ts'
import type { Totals } from './totals.ts'
import type { Tried } from './try.ts'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    ranges: { type: 'string' },
    seeds: { type: 'string' },
    slots: { type: 'string', default: '16' },
    show: { type: 'string', default: '6' },
    retries: { type: 'string', default: '2' },
    out: { type: 'string' },
    record: { type: 'boolean', default: false },
    only: { type: 'string' },
    keep: { type: 'string' },
    coverage: { type: 'boolean', default: false },
  },
})

/** Cases that run one after the other; `first` where they are a whole range. */
interface Batch {
  readonly first?: number
  readonly cases: readonly BatchCase[]
}

const numbers = (list: string): number[] => list.split(',').map(Number)
const drawn = (seed: number): BatchCase => ({ seed, make: () => generateCase(seed) })

function batches(): Batch[] {
  if (values.only !== undefined) {
    const c = JSON.parse(readFileSync(values.only, 'utf8')) as FuzzCase
    return [{ cases: [{ seed: c.seed, make: () => c }] }]
  }
  if (values.seeds !== undefined) return [{ cases: numbers(values.seeds).map(drawn) }]
  return numbers(values.ranges ?? values.seed).map((first) => ({
    first,
    cases: Array.from({ length: Number(values.cases) }, (_, i) => drawn(first + i)),
  }))
}

function report(seed: number, tried: Tried, c: FuzzCase | undefined): void {
  switch (tried.kind) {
    case 'same':
      if (values.keep !== undefined && c !== undefined) keep(values.keep, c, tried.kernel)
      return
    case 'different':
      console.log(`FAIL seed ${seed}: ${tried.differences.length} differences`)
      show(tried.differences)
      break
    case 'unsteady':
      console.log(`~    seed ${seed}: ${tried.differences.length} differences, none of them in every run of the kernel`)
      show(tried.differences)
      break
    case 'undetermined':
      console.log(`--   seed ${seed}: undetermined: ${tried.what}`)
      return
    case 'refused':
      console.log(`--   seed ${seed}: refused: ${tried.why}`)
      return
    default:
      console.log(`${tried.kind.toUpperCase()} seed ${seed}: ${tried.message}`)
  }
  if (values.out === undefined || c === undefined) return
  mkdirSync(values.out, { recursive: true })
  writeFileSync(join(values.out, `${tried.kind}-${seed}.json`), `${JSON.stringify(c, undefined, 1)}\n`)
}

function show(differences: readonly Difference[]): void {
  for (const d of differences.slice(0, Number(values.show))) console.log(`  ${formatDifference(d).trimEnd()}`)
}

function record(first: number, totals: Totals): void {
  writeFileSync(FUZZ_SUMMARY, `${JSON.stringify({ runs: withFuzzRun(fuzzRuns(), totals.run(first)) }, undefined, 2)}\n`)
}

function printCoverage(cases: readonly BatchCase[]): void {
  const coverage = new Coverage()
  for (const { make } of cases) coverage.add(featuresOf(playCase(make()).reader))
  console.log(`${coverage.table()}\nof ${coverage.cases} cases, by the engine alone`)
}

async function compareAll(): Promise<number> {
  let failures = 0
  for (const { first, cases } of batches()) {
    const slots = Array.from({ length: Math.min(Number(values.slots), cases.length) }, () => new Slot())
    const closeAll = () => {
      for (const s of slots) s.close()
    }
    const stop = () => {
      closeAll()
      process.exit(130)
    }
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    const began = performance.now()
    const name = first === undefined ? '' : `${first}: `
    const progress = (text: string) => console.error(`${name}${text}`)
    const totals = await runBatch(cases, { slots, retries: Number(values.retries), report, progress })
    closeAll()
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    for (const line of totals.lines((performance.now() - began) / 1000)) console.log(`${name}${line}`)
    if (values.record && first !== undefined) record(first, totals)
    failures += totals.failures
  }
  return failures
}

if (values.record && (values.seeds ?? values.only) !== undefined) {
  console.error('--record keeps whole ranges: a choice of seeds says nothing about the others')
  process.exitCode = 2
} else if (values.coverage) printCoverage(batches().flatMap((b) => b.cases))
else process.exitCode = (await compareAll()) === 0 ? 0 : 1
