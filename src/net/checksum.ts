// The Internet checksum: RFC 1071, and its incremental update, RFC 1624 equation 3.
// A `sum` is an unfolded one's complement sum of 16-bit words; a `checksum` is what a header carries.

/** Adds bytes [from, to) to a sum. An odd last byte counts as the high half of a word. At most 64 KiB a call. */
export function addBytes(sum: number, bytes: Uint8Array, from = 0, to = bytes.length): number {
  let i = from
  for (; i + 1 < to; i += 2) sum += ((bytes[i] as number) << 8) | (bytes[i + 1] as number)
  if (i < to) sum += (bytes[i] as number) << 8
  return sum
}

/** The IPv4 pseudo header of RFC 793 and RFC 768. `length` is that of the layer 4 header and its data, in bytes. */
export const pseudoHeaderSum = (src: number, dst: number, protocol: number, length: number): number =>
  (src >>> 16) + (src & 0xffff) + (dst >>> 16) + (dst & 0xffff) + protocol + length

/** Folds the carries. */
export function fold(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return sum
}

export const finish = (sum: number): number => ~fold(sum) & 0xffff

/** Checksum of bytes [from, to), whose own checksum field must be zero. */
export const checksum = (bytes: Uint8Array, from = 0, to = bytes.length): number => finish(addBytes(0, bytes, from, to))

/** The checksum after a 16-bit word changed: HC' = ~(~HC + ~m + m'). */
export const updateChecksum16 = (check: number, from: number, to: number): number =>
  finish((~check & 0xffff) + (~from & 0xffff) + (to & 0xffff))

/** The checksum after a 32-bit field (an address) changed. */
export const updateChecksum32 = (check: number, from: number, to: number): number =>
  finish((~check & 0xffff) + (~(from >>> 16) & 0xffff) + (~from & 0xffff) + (to >>> 16) + (to & 0xffff))
