/** Numbers by group: group g is items[start[g] … start[g+1]-1]. */
export interface Groups {
  readonly start: Int32Array
  readonly items: Int32Array
}

/** Counting sort: positions of `keys` grouped by key (0 … groups-1), order kept. Negative keys are in no group. */
export function groupBy(keys: Int32Array, groups: number): Groups {
  const start = new Int32Array(groups + 1)
  for (let i = 0; i < keys.length; i++) {
    const g = keys[i] as number
    if (g >= 0) start[g + 1] = (start[g + 1] as number) + 1
  }
  for (let g = 0; g < groups; g++) start[g + 1] = (start[g + 1] as number) + (start[g] as number)
  const at = start.slice()
  const items = new Int32Array(start[groups] ?? 0)
  for (let i = 0; i < keys.length; i++) {
    const g = keys[i] as number
    if (g < 0) continue
    items[at[g] as number] = i
    at[g] = (at[g] as number) + 1
  }
  return { start, items }
}
