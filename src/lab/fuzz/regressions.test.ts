import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatDifference } from '../compare/difference.ts'
import { parseRecording } from '../compare/recording.ts'
import type { FuzzCase } from './case.ts'
import { compareCase } from './compare.ts'
import { generateCase } from './generate.ts'
import { type JourneyEnd, playCase } from './play.ts'
import { smallerCases } from './shrink.ts'

const RECORDINGS = join(import.meta.dirname, '../../../e2e/kernel/recordings/fuzz')
const names = existsSync(RECORDINGS) ? readdirSync(RECORDINGS).filter((f) => f.endsWith('.json')) : []

interface Kept extends FuzzCase {
  /** What the kernel's commands came to. */
  readonly ends: readonly JourneyEnd[]
}

// Each was found by `npm run kernel:fuzz` where the engine was wrong; beside it lies what the kernel did.
describe('cases that the engine once got wrong', () => {
  it('are there', () => expect(names.length).toBeGreaterThan(0))

  it.each(names)('%s runs as the kernel was recorded to', { timeout: 30_000 }, (file) => {
    const kept = JSON.parse(readFileSync(join(RECORDINGS, file), 'utf8')) as Kept
    const recorded = parseRecording(readFileSync(join(RECORDINGS, file.replace(/json$/, 'txt')), 'utf8'))
    if (!recorded.ok) throw new Error(`${file}, line ${recorded.error.line}: ${recorded.error.message}`)
    const { differences } = compareCase(kept, playCase(kept), { run: recorded.value, journeys: kept.ends })
    expect(differences.map(formatDifference)).toEqual([])
  })
})

describe('generateCase', () => {
  it('makes the same case of the same seed', () => expect(generateCase(7)).toEqual(generateCase(7)))

  it('makes cases that the engine can run, with a trace that keeps its grammar', { timeout: 60_000 }, () => {
    for (let seed = 1; seed <= 10; seed++) expect(playCase(generateCase(seed)).undetermined).toBeUndefined()
  })

  it('makes cases that can only become smaller', () => {
    const c = generateCase(3)
    const size = JSON.stringify(c).length
    const all = [...smallerCases(c)]
    expect(all.length).toBeGreaterThan(10)
    // A cable's MTU is the one thing that is set back to the usual value rather than left out.
    for (const s of all) expect(JSON.stringify(s).length).toBeLessThanOrEqual(size + 1)
  })
})
