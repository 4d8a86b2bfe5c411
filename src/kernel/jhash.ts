const rol = (x: number, k: number): number => (x << k) | (x >>> (32 - k))

/** jhash() of Bob Jenkins' lookup3 (include/linux/jhash.h) over the first `length` bytes, as a little-endian machine reads them. */
export function jhash(bytes: Uint8Array, length: number, seed: number): number {
  let a = (0xdeadbeef + length + seed) | 0
  let b = a
  let c = a
  const byte = (i: number) => (i < length ? (bytes[i] as number) : 0)
  const word = (i: number) => byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24)
  let at = 0
  for (; length - at > 12; at += 12) {
    a = (a + word(at)) | 0
    b = (b + word(at + 4)) | 0
    c = (c + word(at + 8)) | 0
    // __jhash_mix
    a = (a - c) ^ rol(c, 4)
    c = (c + b) | 0
    b = (b - a) ^ rol(a, 6)
    a = (a + c) | 0
    c = (c - b) ^ rol(b, 8)
    b = (b + a) | 0
    a = (a - c) ^ rol(c, 16)
    c = (c + b) | 0
    b = (b - a) ^ rol(a, 19)
    a = (a + c) | 0
    c = (c - b) ^ rol(b, 4)
    b = (b + a) | 0
  }
  if (length === at) return c >>> 0
  a = (a + word(at)) | 0
  b = (b + word(at + 4)) | 0
  c = (c + word(at + 8)) | 0
  // __jhash_final
  c = ((c ^ b) - rol(b, 14)) | 0
  a = ((a ^ c) - rol(c, 11)) | 0
  b = ((b ^ a) - rol(a, 25)) | 0
  c = ((c ^ b) - rol(b, 16)) | 0
  a = ((a ^ c) - rol(c, 4)) | 0
  b = ((b ^ a) - rol(a, 14)) | 0
  c = ((c ^ b) - rol(b, 24)) | 0
  return c >>> 0
}
