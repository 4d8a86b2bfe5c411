// npm run kernel: every scenario on this machine's real kernel, compared with the engine.
//   --record   keeps what the kernel did in recordings/, for machines without root
//   --only ID  one scenario (may be given more than once)
//   --library  the built-in scenarios, without the test cases
//   --report FILE  the totals as JSON
//   --legacy   iptables-legacy instead of iptables-nft; which rules acted on a packet is then not compared
//   --qemu     in a stock Debian kernel under QEMU, for what this machine's kernel lacks (slower)
//   --ipvs      records what the tools print of kube-proxy's IPVS feed, in QEMU; a test compares it
//   --summary   runs nothing; writes src/library/fidelity.json and the README's block from the recordings, as --record does
//   --all      every difference, not only the first ten of a scenario
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { release, type } from 'node:os'
import { parseArgs } from 'node:util'
import { type Difference, formatDifference } from '../../src/lab/compare/difference.ts'
import { printRecording } from '../../src/lab/compare/recording.ts'
import { type ComparableRun, compareRuns, type RunComparison } from '../../src/lab/compare/runs.ts'
import { steadyDifferences } from '../../src/lab/compare/steady.ts'
import { fidelity, printFidelity, withFidelity } from '../../src/lab/testing/fidelity.ts'
import { RECORDINGS } from '../../src/lab/testing/recordings.ts'
import { SCENARIO_IDS, type ScenarioRun, scenarioRun } from '../../src/lab/testing/scenarios.ts'
import { LIBRARY } from '../../src/library/index.ts'
import { recordIpvs } from './ipvs/run.ts'
import { canRunLive, qemuRun, runLive } from './live.ts'

const { values } = parseArgs({
  options: {
    record: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    all: { type: 'boolean', default: false },
    legacy: { type: 'boolean', default: false },
    library: { type: 'boolean', default: false },
    report: { type: 'string' },
    ipvs: { type: 'boolean', default: false },
    summary: { type: 'boolean', default: false },
    qemu: { type: 'boolean', default: false },
  },
})
const SHOWN = 10

if (values.summary) {
  writeSummary()
  process.exit()
}
if (values.ipvs) {
  const program = qemuRun()
  const why = program === undefined ? 'there is no qemu-run; set HOPSCOPE_QEMU_RUN to one' : recordIpvs(program)
  console.log(why === '' ? 'kernel: e2e/kernel/ipvs/recording.txt is written' : `kernel: ${why}`)
  process.exit(why === '' ? 0 : 1)
}
const BUILT_IN = new Set(LIBRARY.map((e) => e.id))
const ids = values.only.length > 0 ? values.only : values.library ? SCENARIO_IDS.filter((id) => BUILT_IN.has(id)) : SCENARIO_IDS
const qemu = values.qemu ? qemuRun() : undefined
const problem = values.qemu ? (qemu === undefined ? 'there is no qemu-run; set HOPSCOPE_QEMU_RUN to one' : '') : lacking()
if (problem !== '') {
  console.error(`kernel: ${problem}`)
  process.exit(2)
}

/** How often a scenario may differ before what stays counts. */
const RUNS = 3
/** How often a lab is run again for the sake of its ports alone. */
const DRAWS = 40

/**
 * NAT drew a port with more or fewer digits than the engine's: where a server tells its peer's port, the answer has another length,
 * and all segments after it other numbers. Such a run says nothing; the next one draws anew.
 */
const drewOtherWidths = ({ ports }: ComparableRun, drawn: ComparableRun): boolean =>
  ports.some((p, i) => String(p).length !== String(drawn.ports[i] ?? p).length)

type Outcome =
  | { readonly kind: 'compared'; readonly run: ComparableRun; readonly compared: RunComparison; readonly runs: number }
  | { readonly kind: 'unable'; readonly why: string }
  | { readonly kind: 'failed'; readonly message: string }

/** A scenario's lab, again while it differs: a difference is what every run shows. */
function outcome(scenario: ScenarioRun): Outcome {
  const seen: (readonly Difference[])[] = []
  for (let draws = 0; ; ) {
    const live = runLive(scenario, {
      legacy: values.legacy,
      ...(qemu === undefined ? {} : { qemu }),
    })
    if (live.kind !== 'ran') return live
    const compared = compareRuns(scenario.engine, live.run)
    if (compared.differences.length > 0 && drewOtherWidths(scenario.engine, live.run) && draws++ < DRAWS) continue
    seen.push(compared.differences)
    const runs = seen.length
    if (compared.differences.length === 0) return { kind: 'compared', run: live.run, compared, runs }
    if (runs < RUNS) continue
    const differences = steadyDifferences(seen)
    if (differences.length > 0) return { kind: 'compared', run: live.run, compared: { ...compared, differences }, runs }
    return { kind: 'unable', why: `${runs} runs differed, each otherwise: this machine is too busy` }
  }
}

function lacking(): string {
  const check = canRunLive(scenarioRun(ids[0] ?? ''), { legacy: values.legacy })
  return check.able ? '' : check.why
}

function writeSummary(): void {
  const root = new URL('../../', import.meta.url)
  const summary = fidelity()
  writeFileSync(new URL('src/library/fidelity.json', root), printFidelity(summary))
  const readme = new URL('README.md', root)
  if (!existsSync(readme)) return
  const text = readFileSync(readme, 'utf8')
  const written = withFidelity(text, summary)
  if (written !== text) writeFileSync(readme, written)
}

const total = { passed: 0, failed: 0, unable: 0, frames: 0, rules: 0, hits: 0, walks: 0, entries: 0, differences: 0 }
for (const id of ids) {
  const scenario = scenarioRun(id)
  const began = performance.now()
  const o = outcome(scenario)
  if (o.kind === 'unable') {
    total.unable++
    console.log(`--   ${id}: could not be run here: ${o.why}`)
    continue
  }
  if (o.kind === 'failed') {
    total.failed++
    console.log(`FAIL ${id}: the lab did not run: ${o.message}`)
    continue
  }
  const c = o.compared
  const good = c.differences.length === 0
  total[good ? 'passed' : 'failed']++
  total.frames += c.frames
  total.rules += c.rules
  total.hits += c.hits
  total.walks += c.walks
  total.entries += c.entries
  total.differences += c.differences.length
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const compared = `${c.frames} frames, ${c.rules} rules (${c.hits} hit), ${c.walks} walks, ${c.entries} table entries`
  const runs = o.runs === 1 ? '' : `, ${o.runs} runs`
  console.log(`${good ? 'ok  ' : 'FAIL'} ${id}: ${compared}, ${c.differences.length} differences (${seconds} s${runs})`)
  for (const d of values.all ? c.differences : c.differences.slice(0, SHOWN)) console.log(`  ${formatDifference(d)}`)
  if (values.record) writeFileSync(new URL(`${id}.txt`, RECORDINGS), printRecording(o.run))
}
if (values.record) writeSummary()
console.log(
  `${total.frames} frames, ${total.rules} rules (${total.hits} hit), ${total.walks} walks, ${total.entries} table entries, ${total.differences} differences`,
)
console.log(
  `${total.passed} passed, ${total.failed} failed${total.unable === 0 ? '' : `, ${total.unable} could not be run here`}`,
)
if (values.report !== undefined) writeFileSync(values.report, JSON.stringify({ ...total, kernel: `${type()} ${release()}` }))
process.exitCode = total.failed === 0 && total.unable === 0 ? 0 : 1
