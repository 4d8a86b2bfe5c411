/** Median of `runs` timings, after one run that warms up. `work` returns a count; the answer is counts per second. */
export function perSecond(runs: number, work: () => number): number {
  work()
  const rates: number[] = []
  for (let i = 0; i < runs; i++) {
    const began = performance.now()
    const count = work()
    rates.push((count / (performance.now() - began)) * 1000)
  }
  return median(rates)
}

/** Median milliseconds of `work`. */
export function milliseconds(runs: number, work: () => unknown): number {
  work()
  const times: number[] = []
  for (let i = 0; i < runs; i++) {
    const began = performance.now()
    work()
    times.push(performance.now() - began)
  }
  return median(times)
}

export function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}

export interface Line {
  readonly what: string
  readonly value: string
  /** The goal, or what it stands beside. */
  readonly beside?: string
}

export function print(title: string, lines: readonly Line[]): void {
  console.log(`\n${title}`)
  const width = Math.max(...lines.map((l) => l.what.length))
  const values = Math.max(...lines.map((l) => l.value.length))
  for (const l of lines)
    console.log(`  ${l.what.padEnd(width)}  ${l.value.padStart(values)}${l.beside === undefined ? '' : `   ${l.beside}`}`)
}

export const millions = (n: number): string => `${(n / 1e6).toFixed(2)} M/s`
