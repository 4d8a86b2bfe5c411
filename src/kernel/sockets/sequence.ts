// Sequence numbers are unsigned 32-bit integers that wrap (RFC 9293 section 3.4).

export const seqAdd = (a: number, n: number): number => (a + n) >>> 0
/** How far `a` is ahead of `b`, negative when behind. */
export const seqDiff = (a: number, b: number): number => (a - b) | 0
export const before = (a: number, b: number): boolean => seqDiff(a, b) < 0
export const after = (a: number, b: number): boolean => seqDiff(a, b) > 0
/** low <= s <= high */
export const between = (s: number, low: number, high: number): boolean => (high - low) >>> 0 >= (s - low) >>> 0
