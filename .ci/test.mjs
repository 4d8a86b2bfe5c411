// `npm test`: every test, the browser's too, in one run with one closing line.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { browserPath } from './browser.mjs'

// Half a minute: a bridge and its FDB, a Service, masquerade, bridged frames past NAT.
const FEW = ['pod-to-pod-same-node', 'pod-to-service-remote', 'pod-to-internet', 'broken-bridge-nf']
// Each mechanism once, with HOPSCOPE_LABS=many. `npm run kernel` takes the time for all of them.
const MANY = [
  ...FEW,
  'two-containers',
  'pod-to-pod-host-routes',
  'pod-to-pod-cloud-router',
  'service-picks-backends',
  'broken-ip-forward',
  'broken-no-endpoints',
  'broken-endpoint-gone',
  'service-nftables',
  'service-hairpin',
  'service-userspace',
  'ingress-l7',
  'host-port',
  'resolve-a-service',
]

const out = mkdtempSync(join(tmpdir(), 'hopscope-test-'))
const total = { passed: 0, failed: 0, skipped: 0 }
const bin = (name) => join('node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name)

function run(name, args, env = {}) {
  const { status, error } = spawnSync(bin(name), args, { stdio: 'inherit', env: { ...process.env, ...env }, shell: process.platform === 'win32' })
  if (error) console.error(`${name}: ${error.message}`)
  return status === 0
}

/** A suite that ended badly without a failed test (a crash, no report) counts as one failure: it must never look green. */
function count(ok, read) {
  let n = { passed: 0, failed: 0, skipped: 0 }
  try {
    n = read()
  } catch {
    ok = false
  }
  if (n.passed + n.failed === 0) ok = false
  if (!ok && n.failed === 0) n.failed = 1
  for (const k of Object.keys(total)) total[k] += n[k]
}

/** The labs on this machine's kernel, where it can; one line, and everything where it is not as it should be. */
function liveLabs(report) {
  const many = process.env.HOPSCOPE_LABS === 'many'
  const which = (many ? MANY : FEW).flatMap((id) => ['--only', id])
  const args = ['--import', 'tsx', 'e2e/kernel/run.ts', ...which, '--report', report]
  const live = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  if (live.status === 2) {
    console.log(`kernel: only recordings were compared: ${live.stderr.trim().replace(/^kernel: /, '')}`)
    return
  }
  let n = { passed: 0, failed: 1, unable: 0 }
  try {
    n = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    console.error('kernel: the labs ended without a report')
  }
  if (many || n.failed + n.unable > 0) process.stdout.write(`${live.stdout}${live.stderr}`)
  console.log(
    `kernel: ${n.passed} scenarios ran live on ${n.kernel ?? 'this machine'}: ${n.frames ?? 0} frames, ${n.walks ?? 0} walks through ` +
      `rules, ${n.entries ?? 0} table entries, ${n.differences ?? 0} differences; the others were compared from their recordings`,
  )
  total.passed += n.passed
  total.failed += n.failed
  total.skipped += n.unable
}

try {
  const unit = join(out, 'unit.json')
  const unitOk = run('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${unit}`])
  count(unitOk, () => {
    const r = JSON.parse(readFileSync(unit, 'utf8'))
    return { passed: r.numPassedTests, failed: r.numFailedTests, skipped: r.numPendingTests }
  })

  liveLabs(join(out, 'labs.json'))

  const page = join(out, 'page.json')
  let browser
  try {
    browser = browserPath()
    console.log(`browser: ${browser}`)
  } catch (e) {
    console.error(e.message)
  }
  const pageOk =
    browser !== undefined &&
    run('vite', ['build', '--logLevel', 'warn']) &&
    run('playwright', ['test', '--config', 'e2e/playwright.config.ts'], { HOPSCOPE_BROWSER: browser, PLAYWRIGHT_JSON_OUTPUT_NAME: page })
  count(pageOk, () => {
    const { stats } = JSON.parse(readFileSync(page, 'utf8'))
    return { passed: stats.expected + stats.flaky, failed: stats.unexpected, skipped: stats.skipped }
  })
} finally {
  rmSync(out, { recursive: true, force: true })
}

console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
process.exitCode = total.failed > 0 ? 1 : 0
