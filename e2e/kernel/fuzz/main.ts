// npm run kernel:fuzz: random small networks on this machine's real kernel, compared with the engine. Needs root.
//   --cases N    how many (100)         --seed S    the first case's seed (1); case i has seed S + i
//   --seeds A,B  these cases instead
//   --slots N    cases at one time (16) --show N    differences shown of a case (6)
//   --out DIR    writes every failing case there as JSON
//   --record     keeps the totals in recordings/fuzz-summary.json (then: npm run kernel -- --summary)
//   --only FILE  runs the case in FILE; with --keep NAME, where both sides agree, it is kept as a regression with its recording
//   --coverage   plays the cases in the engine alone and says how many of them met each target, match, route …; needs no root
// What differs while cases share the machine is tried again with nothing beside it, --retries N times more (2) at most: a
// delay is no difference. How many agreed only then is said, and recorded. Where no difference is in every run of the kernel,
// the kernel differs from itself: such a case is counted apart, as neither alike nor different.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { release, type } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Difference, formatDifference } from '../../../src/lab/compare/difference.ts'
import { ExercisedTally } from '../../../src/lab/compare/exercised.ts'
import type { FuzzCase } from '../../../src/lab/fuzz/case.ts'
import { Coverage } from '../../../src/lab/fuzz/coverage.ts'
import { featuresOf } from '../../../src/lab/fuzz/features.ts'
import { generateCase } from '../../../src/lab/fuzz/generate.ts'
import { playCase } from '../../../src/lab/fuzz/play.ts'
import { FUZZ_SUMMARY, fuzzRuns, withFuzzRun } from '../../../src/lab/testing/recordings.ts'
import { keep } from './keep.ts'
import { Slot } from './slot.ts'
import { type Tried, tryCase } from './try.ts'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
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
const first = Number(values.seed)
const count = Number(values.cases)
const seeds = values.seeds?.split(',').map(Number) ?? Array.from({ length: count }, (_, i) => first + i)
const cases: (() => FuzzCase)[] =
  values.only === undefined
    ? seeds.map((seed) => () => generateCase(seed))
    : [() => JSON.parse(readFileSync(values.only ?? '', 'utf8')) as FuzzCase]

if (values.coverage) {
  printCoverage()
  process.exit()
}

function printCoverage(): void {
  const coverage = new Coverage()
  for (const make of cases) coverage.add(featuresOf(playCase(make()).reader))
  console.log(`${coverage.table()}\nof ${coverage.cases} cases, by the engine alone`)
}

const total = {
  same: 0,
  again: 0,
  different: 0,
  unsteady: 0,
  undetermined: 0,
  broken: 0,
  unbuilt: 0,
  frames: 0,
  hits: 0,
  rules: 0,
  entries: 0,
}
const used = new ExercisedTally()
const began = performance.now()

function report(c: FuzzCase, tried: Tried): void {
  total[tried.kind]++
  switch (tried.kind) {
    case 'same':
      if (tried.again > 0) total.again++
      if (values.keep !== undefined) keep(values.keep, c, tried.kernel)
      add(tried.compared)
      used.add(tried.used)
      return
    case 'different':
      add(tried.compared)
      console.log(`FAIL seed ${c.seed}: ${tried.differences.length} differences`)
      show(tried.differences)
      break
    case 'unsteady':
      console.log(`~    seed ${c.seed}: ${tried.differences.length} differences, none of them in every run of the kernel`)
      show(tried.differences)
      break
    case 'undetermined':
      console.log(`--   seed ${c.seed}: undetermined: ${tried.what}`)
      return
    default:
      console.log(`${tried.kind.toUpperCase()} seed ${c.seed}: ${tried.message}`)
  }
  if (values.out === undefined) return
  mkdirSync(values.out, { recursive: true })
  writeFileSync(join(values.out, `${tried.kind}-${c.seed}.json`), `${JSON.stringify(c, undefined, 1)}\n`)
}

function show(differences: readonly Difference[]): void {
  for (const d of differences.slice(0, Number(values.show))) console.log(`  ${formatDifference(d).trimEnd()}`)
}

function add(c: { frames: number; hits: number; rules: number; entries: number }): void {
  total.frames += c.frames
  total.hits += c.hits
  total.rules += c.rules
  total.entries += c.entries
}

/** What differed while many cases shared the machine. */
const suspects: FuzzCase[] = []

async function work(
  slot: Slot,
  from: Iterator<FuzzCase>,
  done: (c: FuzzCase, tried: Tried) => void,
  retries: number,
): Promise<void> {
  for (let n = from.next(); n.done !== true; n = from.next()) done(n.value, await tryCase(n.value, slot, retries))
}

const slots = Array.from({ length: Math.min(Number(values.slots), cases.length) }, () => new Slot())
const closeAll = () => {
  for (const s of slots) s.close()
}
process.on('SIGINT', () => {
  closeAll()
  process.exit(130)
})
process.on('SIGTERM', () => {
  closeAll()
  process.exit(143)
})
const all = (function* () {
  for (const make of cases) yield make()
})()
const suspect = (c: FuzzCase, tried: Tried) =>
  tried.kind === 'different' || tried.kind === 'unbuilt' ? void suspects.push(c) : report(c, tried)
await Promise.all(slots.map((slot) => work(slot, all, suspect, 0)))
console.log(`${suspects.length} of ${cases.length} cases to be tried again, alone`)
const alone = (c: FuzzCase, t: Tried) => report(c, t.kind === 'same' ? { ...t, again: t.again + 1 } : t)
for (const slot of slots.slice(0, 1)) await work(slot, suspects.values(), alone, Number(values.retries))
closeAll()

const seconds = (performance.now() - began) / 1000
console.log(
  `${cases.length} cases in ${seconds.toFixed(0)} s (${(cases.length / seconds).toFixed(2)} a second): ` +
    `${total.same} alike (${total.again} of them only when tried again alone), ${total.different} different, ${total.unsteady} where the kernel differs from itself, ${total.undetermined} undetermined, ` +
    `${total.broken} broken, ${total.unbuilt} could not be built`,
)
console.log(`${total.frames} frames, ${total.rules} rules (${total.hits} hit), ${total.entries} table entries compared`)
if (values.record && values.only === undefined && values.seeds === undefined) {
  const run = {
    // Without the distributor's suffix: the version is what behaviour goes by.
    kernel: `${type()} ${release().replace(/-.*/, '')}`,
    seed: first,
    cases: cases.length,
    alike: total.same,
    again: total.again,
    different: total.different + total.broken + total.unbuilt,
    unsteady: total.unsteady,
    undetermined: total.undetermined,
    frames: total.frames,
    rules: total.rules,
    hits: total.hits,
    entries: total.entries,
    exercised: used.counts(),
  }
  writeFileSync(FUZZ_SUMMARY, `${JSON.stringify({ runs: withFuzzRun(fuzzRuns(), run) }, undefined, 2)}\n`)
}
process.exitCode = total.different + total.broken + total.unbuilt === 0 ? 0 : 1
