// npm run kernel: every scenario on this machine's real kernel, compared with the engine.
//   --record   keeps what the kernel did in recordings/, for machines without root
//   --only ID  one scenario (may be given more than once)
//   --legacy   iptables-legacy instead of iptables-nft; which rules acted on a packet is then not compared
//   --qemu     in a stock Debian kernel under QEMU, for what this machine's kernel lacks (slower)
//   --summary   runs nothing; writes src/library/fidelity.json and the README's block from the recordings, as --record does
//   --all      every difference, not only the first ten of a scenario
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { formatDifference } from '../../src/lab/compare/difference.ts'
import { printRecording } from '../../src/lab/compare/recording.ts'
import { compareRuns } from '../../src/lab/compare/runs.ts'
import { fidelity, printFidelity, withFidelity } from '../../src/lab/testing/fidelity.ts'
import { RECORDINGS } from '../../src/lab/testing/recordings.ts'
import { SCENARIO_IDS, type ScenarioRun, scenarioRun } from '../../src/lab/testing/scenarios.ts'
import { canRunLive, qemuRun, runLive } from './live.ts'

const { values } = parseArgs({
  options: {
    record: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    all: { type: 'boolean', default: false },
    legacy: { type: 'boolean', default: false },
    summary: { type: 'boolean', default: false },
    qemu: { type: 'boolean', default: false },
  },
})
const SHOWN = 10

if (values.summary) {
  writeSummary()
  process.exit()
}
const ids = values.only.length > 0 ? values.only : SCENARIO_IDS
const qemu = values.qemu ? qemuRun() : undefined
const problem = values.qemu ? (qemu === undefined ? 'there is no qemu-run; set HOPSCOPE_QEMU_RUN to one' : '') : lacking()
if (problem !== '') {
  console.error(`kernel: ${problem}`)
  process.exit(2)
}

function attempt(scenario: ScenarioRun) {
  const live = runLive(scenario, { legacy: values.legacy, ...(qemu === undefined ? {} : { qemu }) })
  return { live, compared: live.kind === 'ran' ? compareRuns(scenario.engine, live.run) : undefined }
}

function lacking(): string {
  const check = canRunLive(scenarioRun(ids[0] ?? ''))
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

const total = { passed: 0, failed: 0, frames: 0, rules: 0, hits: 0, walks: 0, entries: 0, differences: 0 }
for (const id of ids) {
  const scenario = scenarioRun(id)
  const began = performance.now()
  let { live, compared: c } = attempt(scenario)
  // What a busy machine does late (a neighbour probed, a timer) is not there the second time; a mistake is.
  const again = c !== undefined && c.differences.length > 0
  if (again) ({ live, compared: c } = attempt(scenario))
  if (live.kind === 'failed' || c === undefined) {
    total.failed++
    console.log(`FAIL ${id}: the lab did not run: ${live.kind === 'failed' ? live.message : ''}`)
    continue
  }
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
  console.log(
    `${good ? 'ok  ' : 'FAIL'} ${id}: ${compared}, ${c.differences.length} differences (${seconds} s${again ? ', second run' : ''})`,
  )
  for (const d of values.all ? c.differences : c.differences.slice(0, SHOWN)) console.log(`  ${formatDifference(d)}`)
  if (values.record) {
    mkdirSync(RECORDINGS, { recursive: true })
    writeFileSync(new URL(`${id}.txt`, RECORDINGS), printRecording(live.run))
  }
}
if (values.record) writeSummary()
console.log(
  `${total.frames} frames, ${total.rules} rules (${total.hits} hit), ${total.walks} walks, ${total.entries} table entries, ${total.differences} differences`,
)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 ? 0 : 1
