/** A seeded source of 32-bit random integers. Everything random in a run takes one of these as an argument. */
export interface Prng {
  /** The next integer in [0, 2^32). */
  next(): number
  /** An integer in [0, bound). `bound` is at most 2^32. */
  below(bound: number): number
  /** An independent stream, derived from this one's seed and the label, not from its position. */
  fork(label: string): Prng
}

/** FNV-1a over UTF-16 code units: small, stable, good enough to spread seeds and make device names. */
export function hash32(text: string, basis = 0x811c9dc5): number {
  let h = basis
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  }
  return h >>> 0
}

/** splitmix32 as published by Steele, Lea and Flood (2014), in 32 bits: passes through every state once. */
export function prng(seed: number): Prng {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  return {
    next,
    below: (bound) => Math.floor((next() / 0x1_0000_0000) * bound),
    fork: (label) => prng(hash32(label, (seed ^ 0x811c9dc5) >>> 0)),
  }
}
