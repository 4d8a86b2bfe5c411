/** Virtual nanoseconds as people read them: three digits that matter, the unit that fits. */
export function formatTime(ns: number): string {
  const n = Math.max(0, ns)
  if (n < 1e3) return `${Math.round(n)} ns`
  if (n < 1e6) return `${trim(n / 1e3)} µs`
  if (n < 1e9) return `${trim(n / 1e6)} ms`
  return `${trim(n / 1e9)} s`
}

const trim = (x: number): string => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(3).replace(/0$/, ''))

/** A duration in whole seconds, as the kernel's tools print what is left of a timeout. */
export const formatSeconds = (ns: number): string => `${Math.max(0, Math.round(ns / 1e9))} s`

/** Not toLocaleString: its first call loads the locale's data, 20 ms in the middle of opening a run. */
export const formatCount = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',')
