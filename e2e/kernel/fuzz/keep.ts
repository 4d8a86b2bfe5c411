import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { printRecording } from '../../../src/lab/compare/recording.ts'
import type { FuzzCase } from '../../../src/lab/fuzz/case.ts'
import type { KernelResult } from './slot.ts'

const RECORDINGS = join(dirname(fileURLToPath(import.meta.url)), '../recordings/fuzz')

/** Keeps a case as a regression: itself with what its commands came to, and what the kernel did. */
export function keep(name: string, c: FuzzCase, kernel: Extract<KernelResult, { kind: 'ran' }>): void {
  mkdirSync(RECORDINGS, { recursive: true })
  writeFileSync(join(RECORDINGS, `${name}.json`), `${JSON.stringify({ ...c, ends: kernel.journeys }, undefined, 1)}\n`)
  writeFileSync(join(RECORDINGS, `${name}.txt`), printRecording(kernel.run))
}
