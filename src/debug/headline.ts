import type { JourneySpec } from '../scenario/document.ts'
import type { Check, ServiceReport } from './report.ts'

/** What a report comes to. `at` is an index among its checks. */
export type Headline = { readonly kind: 'ok' } | { readonly kind: 'failed' | 'caution'; readonly at: number }

/** A failure that is worth a word and no alarm: a pod that never calls itself does not meet it. */
export const isCaution = ({ onlyFor }: Check, journeys: readonly JourneySpec[]): boolean =>
  onlyFor !== undefined && !journeys.some((j) => j.from === onlyFor)

/** The first failure, else the first caution. `journeys` are what the open scenario does: a pod that calls in them is no mere caution. */
export function headlineOf(report: ServiceReport, journeys: readonly JourneySpec[]): Headline {
  const failed = report.checks.findIndex((c) => c.status === 'failed' && !isCaution(c, journeys))
  if (failed >= 0) return { kind: 'failed', at: failed }
  const caution = report.checks.findIndex((c) => isCaution(c, journeys))
  return caution < 0 ? { kind: 'ok' } : { kind: 'caution', at: caution }
}
