import type { CheckId, Finding } from '../explain/service-check.ts'
import type { JourneySpec } from '../scenario/document.ts'

// What debugging a Service found. Plain data: it crosses the worker border as it is.

/** `not-needed`: the check does not apply to this Service. `unknown`: the engine does not model what it would take. */
export type CheckStatus = 'ok' | 'failed' | 'not-needed' | 'unknown'

/** One command, where it was run, what it printed. */
export interface CheckRun {
  /** A namespace as users write it; undefined where it does not matter (kubectl). */
  readonly from?: string
  readonly command: string
  readonly output: string
  /** Index among the report's journeys, for a command that sent packets. */
  readonly journey?: number
}

export interface Check {
  readonly id: CheckId
  readonly status: CheckStatus
  readonly findings: readonly Finding[]
  readonly runs: readonly CheckRun[]
  /** The step that proves what was found, in the trace of the report's journeys. */
  readonly step?: number
  /** It fails, and nobody who was asked from notices: all the rest passes, and it matters to this pod alone. */
  readonly onlyFor?: string
}

export interface ServiceReport {
  readonly service: { readonly namespace: string; readonly name: string }
  readonly from: string
  readonly checks: readonly Check[]
  /** What the engine ran for it, one after the other: the same document with these journeys gives the trace that `step` counts in. */
  readonly journeys: readonly JourneySpec[]
}

/** Which Service, and from where. Without a place: a pod that is not one of its own, in its namespace if there is one. */
export interface ServiceQuestion {
  readonly namespace: string
  readonly name: string
  readonly from?: string
}
