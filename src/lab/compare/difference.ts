/** What one side has and the other has not, or has otherwise. */
export interface Difference {
  /** `frames`, `counters`, `trace`, `journey`, or the command that prints the table. */
  readonly what: string
  /** `node1/cbr0`, `node1 nat KUBE-SERVICES 3`. */
  readonly where: string
  readonly engine: string | undefined
  readonly kernel: string | undefined
  /** The engine's step, where one stands behind it. */
  readonly seq?: number
}

/** Both sides under each other, for a terminal. */
export function formatDifference(d: Difference): string {
  const step = d.seq === undefined ? '' : `, step ${d.seq}`
  return `${d.what} ${d.where}${step}\n    engine: ${d.engine ?? '-'}\n    kernel: ${d.kernel ?? '-'}\n`
}
