// The page's budget: the JavaScript and CSS that index.html pulls in before the first animated frame, gzipped. Which files
// those are is read from the built page (entry, its static imports, the worker it starts), so that a new eager import counts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import sizeLimit from 'size-limit'
import filePlugin from '@size-limit/file'

const LIMIT_KB = 130
const manifest = JSON.parse(readFileSync('dist/.vite/manifest.json', 'utf8'))
const files = new Set()
const take = (key) => {
  const chunk = manifest[key]
  if (chunk === undefined) throw new Error(`budget: ${key} is not in the manifest`)
  if (files.has(chunk.file)) return
  files.add(chunk.file)
  for (const next of chunk.imports ?? []) take(next)
}
const entries = Object.keys(manifest).filter((k) => manifest[k].isEntry)
if (entries.length === 0) throw new Error('budget: the manifest has no entry')
for (const e of entries) take(e)
// Loaded lazily, yet nothing moves without it: the stage and what it imports belong to the first animated frame.
const stage = Object.keys(manifest).find((k) => /stage-mount\.tsx$/.test(k))
if (stage === undefined) throw new Error('budget: the stage is not in the manifest')
take(stage)
const scripts = [...files].filter((f) => f.endsWith('.js')).map((f) => join('dist', f))
const [{ size }] = await sizeLimit([filePlugin], { checks: [{ files: scripts, gzip: true, brotli: false }] }).catch(async () =>
  sizeLimit([filePlugin], scripts),
)
const kb = size / 1000
console.log(`budget: ${kb.toFixed(1)} kB of JavaScript before the first frame, limit ${LIMIT_KB} kB`)
if (kb > LIMIT_KB) process.exitCode = 1
