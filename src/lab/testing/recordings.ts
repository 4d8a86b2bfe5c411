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
  /** Those that are not put to a kernel, as it would take more than the machine has (a storm longer than any capture). */
  readonly refused?: number
  /** Which cases were not alike. Unknown of older runs. */
  readonly seeds?: FuzzSeeds
  /** The cases that differed, and what each came to as far as it was looked into. */
  readonly found?: readonly { readonly seed: number; readonly what: string }[]
  readonly undetermined: number
  readonly frames: number
  readonly rules: number
  readonly hits: number
  readonly entries: number
  /** Base chains that packets walked, compared rule by rule, in so many of the cases. Unknown of older runs. */
  readonly walks?: number
  readonly traced?: number
  /** What the cases that agreed had used. Unknown of older runs. */
  readonly exercised?: ExercisedCounts
}

/** Seeds by what became of them, ascending; those alike are all others. */
export interface FuzzSeeds {
  readonly different: readonly number[]
  /** Where the kernel differs from itself. */
  readonly unsteady: readonly number[]
  readonly undetermined: readonly number[]
  /** The engine failed. */
  readonly broken: readonly number[]
  /** The kernel's side failed. */
  readonly unbuilt: readonly number[]
  readonly refused: readonly number[]
}

export const FUZZ_SUMMARY = new URL('fuzz-summary.json', RECORDINGS)

export const fuzzRuns = (): readonly FuzzRun[] =>
  existsSync(FUZZ_SUMMARY) ? (JSON.parse(readFileSync(FUZZ_SUMMARY, 'utf8')) as { readonly runs: readonly FuzzRun[] }).runs : []

/**
 * The runs with one more, in the order of their seeds. A run that shares a seed with the new one goes: every case counts
 * once, as it was last seen. What was found out about a case that is still not alike stays with it.
 */
export function withFuzzRun(runs: readonly FuzzRun[], run: FuzzRun): FuzzRun[] {
  const apart = (r: FuzzRun) => r.seed + r.cases <= run.seed || run.seed + run.cases <= r.seed
  const seen = runs.filter((r) => !apart(r)).flatMap((r) => r.found ?? [])
  const open = new Set(Object.values(run.seeds ?? {}).flat())
  const found = seen.filter((f) => open.has(f.seed))
  const kept = found.length === 0 ? run : { ...run, found }
  return [...runs.filter(apart), kept].toSorted((a, b) => a.seed - b.seed)
}
