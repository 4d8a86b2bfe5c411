import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { ExercisedCounts } from '../compare/exercised.ts'
import { parseRecording } from '../compare/recording.ts'
import type { ComparableRun } from '../compare/runs.ts'

// What a real kernel did, kept by `npm run kernel -- --record`.

export const RECORDINGS = new URL('../../../e2e/kernel/recordings/', import.meta.url)

/** Ids of the scenarios of which there is a recording, sorted. */
export const recordedIds = (): string[] =>
  readdirSync(RECORDINGS)
    .filter((f) => f.endsWith('.txt'))
    .map((f) => f.slice(0, -'.txt'.length))
    .toSorted()

/** Throws with the file and line where a recording cannot be read. */
export function recording(id: string): ComparableRun {
  const parsed = parseRecording(readFileSync(new URL(`${id}.txt`, RECORDINGS), 'utf8'))
  if (!parsed.ok) throw new Error(`${id}, line ${parsed.error.line}: ${parsed.error.message}`)
  return parsed.value
}

/** One `npm run kernel:fuzz`: cases `seed` to `seed + cases - 1`. */
export interface FuzzRun {
  readonly kernel: string
  readonly seed: number
  readonly cases: number
  readonly alike: number
  /** Of them those that differed at first, beside other cases, and agreed when they ran alone. Unknown of older runs. */
  readonly again?: number
  readonly different: number
  /** Those where runs of the kernel differ from each other as much as from the engine's. Unknown of older runs. */
  readonly unsteady?: number
  /** The cases that differed, and what each came to as far as it was looked into. */
  readonly found?: readonly { readonly seed: number; readonly what: string }[]
  readonly undetermined: number
  readonly frames: number
  readonly rules: number
  readonly hits: number
  readonly entries: number
  /** What the cases that agreed had used. Unknown of older runs. */
  readonly exercised?: ExercisedCounts
}

export const FUZZ_SUMMARY = new URL('fuzz-summary.json', RECORDINGS)

export const fuzzRuns = (): readonly FuzzRun[] =>
  existsSync(FUZZ_SUMMARY) ? (JSON.parse(readFileSync(FUZZ_SUMMARY, 'utf8')) as { readonly runs: readonly FuzzRun[] }).runs : []

/**
 * The runs with one more, in the order of their seeds. A run that shares a seed with the new one goes: every case counts
 * once, as it was last seen.
 */
export function withFuzzRun(runs: readonly FuzzRun[], run: FuzzRun): FuzzRun[] {
  const apart = (r: FuzzRun) => r.seed + r.cases <= run.seed || run.seed + run.cases <= r.seed
  return [...runs.filter(apart), run].toSorted((a, b) => a.seed - b.seed)
}
