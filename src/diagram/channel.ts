// Cables between two rows of boxes: each that has to move sideways gets a height of its own, unless another's stretch does
// not meet it. Left-edge algorithm (Hashimoto and Stevens, 1971).

export interface Stretch {
  readonly from: number
  readonly to: number
}

/** Track of each stretch, from 0, so that stretches on one track keep at least `clearance` between them; straight ones get -1. */
export function assignTracks(
  stretches: readonly Stretch[],
  clearance: number,
): { readonly tracks: readonly number[]; readonly count: number } {
  const spans = stretches.map((s, i) => ({ i, from: Math.min(s.from, s.to), to: Math.max(s.from, s.to) }))
  const tracks: number[] = new Array(stretches.length).fill(-1)
  const ends: number[] = []
  for (const s of spans.filter((x) => x.to - x.from > 0.5).sort((a, b) => a.from - b.from || a.i - b.i)) {
    let t = ends.findIndex((end) => end + clearance <= s.from)
    if (t < 0) t = ends.push(0) - 1
    ends[t] = s.to
    tracks[s.i] = t
  }
  return { tracks, count: ends.length }
}
