// `npm test`: every test, the browser's too, in one run with one closing line.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { browserPath } from './browser.mjs'

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

try {
  const unit = join(out, 'unit.json')
  const unitOk = run('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${unit}`])
  count(unitOk, () => {
    const r = JSON.parse(readFileSync(unit, 'utf8'))
    return { passed: r.numPassedTests, failed: r.numFailedTests, skipped: r.numPendingTests }
  })

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
