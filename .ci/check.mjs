// `npm run check`: everything that must hold before a change lands, in the order of what fails fastest.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const bin = (name) => join('node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name)
const steps = [
  ['types', bin('tsc'), ['--noEmit', '-p', '.']],
  ['style and lint', bin('biome'), ['check', '--error-on-warnings']],
  ['layers', process.execPath, ['.ci/layers.mjs']],
  ['unused code', bin('knip'), []],
  ['unit tests', bin('vitest'), ['run']],
  ['build', bin('vite'), ['build', '--logLevel', 'warn']],
  ['bundle budget', process.execPath, ['.ci/budget.mjs']],
]

let failed = 0
for (const [name, command, args] of steps) {
  const began = performance.now()
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' })
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`)
  if (status !== 0) failed++
}
console.log(failed === 0 ? 'check: all good' : `check: ${failed} of ${steps.length} failed`)
process.exitCode = failed === 0 ? 0 : 1
