import { execFileSync } from 'node:child_process'
import { release } from 'node:os'
import type { Difference } from '../../../src/lab/compare/difference.ts'
import { type Exercised, exercised } from '../../../src/lab/compare/exercised.ts'
import type { RunComparison } from '../../../src/lab/compare/runs.ts'
import { steadyDifferences } from '../../../src/lab/compare/steady.ts'
import type { FuzzCase } from '../../../src/lab/fuzz/case.ts'
import { compareCase } from '../../../src/lab/fuzz/compare.ts'
import { type DriverPlan, driverPlan } from '../../../src/lab/fuzz/plan.ts'
import { type PlayedCase, playCase } from '../../../src/lab/fuzz/play.ts'
import type { KernelResult, Slot } from './slot.ts'

type Ran = Extract<KernelResult, { kind: 'ran' }>

export type Tried =
  /** `again`: a first run differed, and a later one did not: the clock decided, not the engine. */
  | {
      readonly kind: 'same'
      readonly compared: RunComparison
      readonly again: number
      readonly kernel: Ran
      readonly used: Exercised
    }
  | {
      readonly kind: 'different'
      readonly compared: RunComparison
      readonly differences: readonly Difference[]
      readonly kernel: Ran
    }
  | { readonly kind: 'undetermined'; readonly what: string }
  /** Every run of the kernel differs from the engine's, but no difference is in all of them: the kernel differs from itself. */
  | { readonly kind: 'unsteady'; readonly differences: readonly Difference[] }
  /** More than the machine has room for: no such case is put to the kernel. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The engine broke: an exception or a trace against its grammar. */
  | { readonly kind: 'broken'; readonly message: string }
  /** The kernel's side could not be built. */
  | { readonly kind: 'unbuilt'; readonly message: string }

const iptablesVersion = (): string => execFileSync('iptables', ['-V'], { encoding: 'utf8' }).trim()
const VERSIONS = [`Linux ${release()}`, iptablesVersion()]

/**
 * Runs a case both ways; where they differ, the kernel runs it again up to `retries` times. Differences are those that every
 * one of these runs shows.
 */
export async function tryCase(c: FuzzCase, slot: Slot, retries: number): Promise<Tried> {
  let engine: PlayedCase
  try {
    engine = playCase(c)
  } catch (e) {
    return {
      kind: 'broken',
      message: e instanceof Error ? `${e.message}\n${e.stack?.split('\n').slice(1, 5).join('\n')}` : String(e),
    }
  }
  if (engine.undetermined !== undefined) return { kind: 'undetermined', what: engine.undetermined }
  if (engine.refused !== undefined) return { kind: 'refused', why: engine.refused }
  const plan = driverPlan(c, engine)
  const runs: (readonly Difference[])[] = []
  let last: Extract<Tried, { kind: 'different' }> | undefined
  for (let again = 0; again <= retries; again++) {
    // Who is first, a process or the kernel's own work, is the scheduler's: every other run is an ordinary one.
    const kernel = await withRoom({ ...plan, urgent: again % 2 === 0 }, (p) => slot.run(p, engine.run.ports, VERSIONS))
    if (kernel.kind === 'failed') {
      return kernel.small ? { kind: 'refused', why: kernel.message } : { kind: 'unbuilt', message: kernel.message }
    }
    const compared = compareCase(c, engine, kernel)
    if (compared.differences.length === 0) return { kind: 'same', compared, again, kernel, used: exercised(engine.reader) }
    runs.push(compared.differences)
    last = { kind: 'different', compared, differences: compared.differences, kernel }
  }
  if (last === undefined) return { kind: 'unbuilt', message: 'no run' }
  const differences = steadyDifferences(runs)
  return differences.length === 0 ? { kind: 'unsteady', differences: last.differences } : { ...last, differences }
}

/** A storm may be longer on the kernel than in the engine: captures of 64 MB a namespace are tried, and then of 512 MB. */
const ROOM = [16_384, 131_072]

async function withRoom(plan: DriverPlan, run: (p: DriverPlan) => Promise<KernelResult>): Promise<KernelResult> {
  let result = await run(plan)
  for (const frames of ROOM) {
    if (result.kind === 'ran' || !result.small) break
    result = await run({ ...plan, namespaces: plan.namespaces.map((n) => ({ ...n, frames: Math.max(n.frames, frames) })) })
  }
  return result
}
