import type { NetnsRecord } from '../../world/records.ts'

// What is still to come in a document's run, and when.

export const MS = 1_000_000
export const SECOND = 1_000_000_000

/** `1500ms`, `2s`, `1.5m` in ns. */
export function durationOf(text: string): number {
  const [, number = '0', unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? []
  return Math.round(Number(number) * (unit === 'ms' ? MS : unit === 's' ? SECOND : 60 * SECOND))
}

export interface When {
  /** Index of the journey. */
  readonly journey: number
  /** ns since the journey began. */
  readonly at: number
}

/** What is due, and when. */
export interface Moment extends When {
  readonly due:
    | { readonly kind: 'scheduled'; readonly index: number }
    /** The pod's grace period is over. `id` is the object's. */
    | { readonly kind: 'kill'; readonly id: string }
    /** The sandbox of a killed pod goes; the object too, where it is still there. */
    | { readonly kind: 'detach'; readonly netns: NetnsRecord; readonly id?: string }
    /** The kubelet lets go of a pod that had no sandbox network of its own. */
    | { readonly kind: 'forget'; readonly id: string }
    | { readonly kind: 'sync' }
    /** The workload controllers look at what there is. */
    | { readonly kind: 'control' }
    /** A pod's readiness probe has had its answer. */
    | { readonly kind: 'ready'; readonly id: string }
    /** What does not depend on the API server notices that a node is gone: MetalLB's speakers. */
    | { readonly kind: 'unheard'; readonly node: string }
    /** The node lifecycle controller has waited long enough for a node's heartbeat. */
    | { readonly kind: 'not-ready'; readonly node: string }
    /** Load balancers ask the nodes for their health. */
    | { readonly kind: 'probe' }
}

export class Agenda {
  readonly #moments: Moment[] = []

  add(moment: Moment): void {
    this.#moments.push(moment)
  }

  /** Takes the earliest moment out. What is due at one moment keeps the order in which it came up. */
  next(): Moment | undefined {
    this.#moments.sort((a, b) => a.journey - b.journey || a.at - b.at)
    return this.#moments.shift()
  }

  /** Something of this kind is still to come in the journey; with `at`, at that very moment. */
  has(kind: Moment['due']['kind'], { journey, at }: { readonly journey: number; readonly at?: number }): boolean {
    return this.#moments.some((m) => m.due.kind === kind && m.journey === journey && (at === undefined || m.at === at))
  }
}
