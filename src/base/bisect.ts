/** Number of leading elements of the ascending `list` that are <= `key`, looking at [0, length). */
export function upperBound(list: ArrayLike<number>, key: number, from = 0, to = list.length): number {
  let lo = from
  let hi = to
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    if ((list[mid] as number) <= key) lo = mid + 1
    else hi = mid
  }
  return lo
}
