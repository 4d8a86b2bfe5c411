// SHA-256 (FIPS 180-4) in plain integers: chain names need it synchronously, and crypto.subtle only answers later.

/** The first 32 bits of the fractional parts of the `root`-th roots of the first `count` primes (FIPS 180-4, 4.2.2 and 5.3.3). */
function primeRootBits(count: number, root: 2 | 3): Int32Array {
  const out = new Int32Array(count)
  let n = 0
  for (let candidate = 2; n < count; candidate++) {
    let isPrime = true
    for (let d = 2; d * d <= candidate; d++) if (candidate % d === 0) isPrime = false
    if (isPrime) out[n++] = Number(integerRoot(BigInt(candidate) << BigInt(32 * root), root) & 0xffffffffn) | 0
  }
  return out
}

/** floor(value^(1/root)) by bisection: exact, where Math.cbrt may differ between engines in the last bit. */
function integerRoot(value: bigint, root: number): bigint {
  let low = 0n
  let high = 1n << 40n
  while (high - low > 1n) {
    const middle = (low + high) >> 1n
    if (middle ** BigInt(root) <= value) low = middle
    else high = middle
  }
  return low
}

const K = primeRootBits(64, 3)
const H0 = primeRootBits(8, 2)
const encoder = new TextEncoder()
const rotr = (x: number, n: number) => (x >>> n) | (x << (32 - n))
/** The message schedule: every digest's in its turn. */
const w = new Int32Array(64)

/** The 32-byte digest of a text's UTF-8 bytes. */
export function sha256(text: string): Uint8Array {
  const padded = paddedBytes(text)
  const h = H0.slice()
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) w[i] = word(padded, block + 4 * i)
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15] as number
      const b = w[i - 2] as number
      const s0 = rotr(a, 7) ^ rotr(a, 18) ^ (a >>> 3)
      const s1 = rotr(b, 17) ^ rotr(b, 19) ^ (b >>> 10)
      w[i] = ((w[i - 16] as number) + s0 + (w[i - 7] as number) + s1) | 0
    }
    compress(h)
  }
  const digest = new Uint8Array(32)
  for (let i = 0; i < 32; i++) digest[i] = (h[i >> 2] as number) >>> (24 - 8 * (i & 3))
  return digest
}

const word = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)

/** The bytes, a one bit, zeros, and the length in bits as 64 of them (FIPS 180-4, 5.1.1). */
function paddedBytes(text: string): Uint8Array {
  // Three bytes a UTF-16 unit at most.
  const room = new Uint8Array((((text.length * 3 + 8) >> 6) + 1) << 6)
  const length = encoder.encodeInto(text, room).written
  room[length] = 0x80
  const padded = room.subarray(0, (((length + 8) >> 6) + 1) << 6)
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 4, length << 3)
  view.setUint32(padded.length - 8, Math.floor(length / 0x2000_0000))
  return padded
}

function compress(h: Int32Array): void {
  let a = h[0] as number
  let b = h[1] as number
  let c = h[2] as number
  let d = h[3] as number
  let e = h[4] as number
  let f = h[5] as number
  let g = h[6] as number
  let hh = h[7] as number
  for (let i = 0; i < 64; i++) {
    const S1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)
    const t1 = (hh + S1 + ((e & f) ^ (~e & g)) + (K[i] as number) + (w[i] as number)) | 0
    const S0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)
    const t2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    hh = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  h[0] = (h[0] as number) + a
  h[1] = (h[1] as number) + b
  h[2] = (h[2] as number) + c
  h[3] = (h[3] as number) + d
  h[4] = (h[4] as number) + e
  h[5] = (h[5] as number) + f
  h[6] = (h[6] as number) + g
  h[7] = (h[7] as number) + hh
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648 base32 of the leading `characters` × 5 bits. */
export function base32(bytes: Uint8Array, characters: number): string {
  let out = ''
  for (let i = 0; i < characters; i++) {
    const bit = i * 5
    const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0)
    out += BASE32.charAt((pair >>> (11 - (bit & 7))) & 31)
  }
  return out
}
