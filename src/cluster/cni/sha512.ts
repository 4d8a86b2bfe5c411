// SHA-512 (FIPS 180-4), for names that CNI plugins derive from it. The engine runs where no crypto module is, so it has its own.

const MASK = (1n << 64n) - 1n

/** The first `count` primes. */
function primes(count: number): number[] {
  const found: number[] = []
  for (let n = 2; found.length < count; n++) if (found.every((p) => n % p !== 0)) found.push(n)
  return found
}

/** Floor of the root, by Newton's method. */
function integerRoot(value: bigint, degree: 2n | 3n): bigint {
  let x = 1n << (BigInt(value.toString(2).length) / degree + 1n)
  for (;;) {
    const next = ((degree - 1n) * x + value / x ** (degree - 1n)) / degree
    if (next >= x) return x
    x = next
  }
}

/** The first 64 bits of the fractional part of a prime's root: section 4.2.3 (cube roots) and 5.3.5 (square roots). */
const fraction = (prime: number, degree: 2n | 3n): bigint => integerRoot(BigInt(prime) << (64n * degree), degree) & MASK

const K = primes(80).map((p) => fraction(p, 3n))
const INITIAL = primes(8).map((p) => fraction(p, 2n))

const rotate = (x: bigint, n: bigint): bigint => ((x >> n) | (x << (64n - n))) & MASK

/** The digest of a text (UTF-8) in hexadecimal. */
export function sha512(text: string): string {
  const data = new TextEncoder().encode(text)
  const padded = new Uint8Array(Math.ceil((data.length + 17) / 128) * 128)
  padded.set(data)
  padded[data.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setBigUint64(padded.length - 8, BigInt(data.length) * 8n)
  let state = INITIAL
  for (let at = 0; at < padded.length; at += 128) state = compress(state, view, at)
  return state.map((word) => word.toString(16).padStart(16, '0')).join('')
}

/** Section 6.4.2. */
function compress(state: readonly bigint[], view: DataView, at: number): bigint[] {
  const w = new BigUint64Array(80)
  const word = (t: number): bigint => w[t] ?? 0n
  for (let t = 0; t < 16; t++) w[t] = view.getBigUint64(at + 8 * t)
  for (let t = 16; t < 80; t++) {
    const s0 = rotate(word(t - 15), 1n) ^ rotate(word(t - 15), 8n) ^ (word(t - 15) >> 7n)
    const s1 = rotate(word(t - 2), 19n) ^ rotate(word(t - 2), 61n) ^ (word(t - 2) >> 6n)
    w[t] = (s1 + word(t - 7) + s0 + word(t - 16)) & MASK
  }
  let [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n, g = 0n, h = 0n] = state
  for (let t = 0; t < 80; t++) {
    const big1 = rotate(e, 14n) ^ rotate(e, 18n) ^ rotate(e, 41n)
    const t1 = (h + big1 + ((e & f) ^ (~e & g & MASK)) + (K[t] ?? 0n) + word(t)) & MASK
    const big0 = rotate(a, 28n) ^ rotate(a, 34n) ^ rotate(a, 39n)
    const t2 = (big0 + ((a & b) ^ (a & c) ^ (b & c))) & MASK
    h = g
    g = f
    f = e
    e = (d + t1) & MASK
    d = c
    c = b
    b = a
    a = (t1 + t2) & MASK
  }
  return [a, b, c, d, e, f, g, h].map((x, i) => (x + (state[i] ?? 0n)) & MASK)
}
