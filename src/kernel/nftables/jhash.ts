import type { NftExpression } from '../../world/nft.ts'
import { compileKey, type ExpressionDeps, type Loader, type Unmodelled } from './expression.ts'
import type { Loaded } from './set.ts'

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

type Jhash = Extract<NftExpression, { kind: 'jhash' }>

/** nft_jhash_eval(): registers hold a field each, from their first byte on; only what stands between two fields is padded. */
export function compileJhash(e: Jhash, deps: ExpressionDeps): Loader | Unmodelled {
  const key = compileKey(e.key, deps)
  if ('unmodelled' in key) return key
  const { layout, modulus, offset } = e
  if (layout === undefined || layout.length !== key.width) return { unmodelled: 'jhash of a field whose bytes are not known' }
  // nft_jhash_init(): without a seed the rule gets one of its own.
  const seed = e.seed ?? deps.rng.next()
  const starts = layout.map((_, i) => layout.slice(0, i).reduce((sum, f) => sum + Math.ceil(f.bytes / 4) * 4, 0))
  const [only] = layout
  const length =
    layout.length === 1 && only !== undefined ? only.bytes : (starts.at(-1) ?? 0) + Math.ceil((layout.at(-1)?.bytes ?? 0) / 4) * 4
  const scratch: Loaded[] = []
  const bytes = new Uint8Array(length)
  return {
    // Which seed the rule drew, nobody can tell afterwards.
    pure: key.pure && e.seed !== undefined,
    load(skb, at) {
      if (!key.load(skb, at, scratch)) return -1
      layout.forEach((f, i) => void put(bytes, starts[i] as number, scratch[i] as Loaded, f))
      return scale(jhash(bytes, length, seed), modulus) + offset
    },
  }
}

/** reciprocal_scale() */
const scale = (hash: number, modulus: number): number =>
  modulus <= 0x1fffff ? Math.floor((hash * modulus) / 0x1_0000_0000) : Number((BigInt(hash) * BigInt(modulus)) >> 32n)

function put(into: Uint8Array, at: number, value: Loaded, { bytes, network }: { bytes: number; network: boolean }): void {
  for (let i = 0; i < bytes; i++) {
    const place = network ? bytes - 1 - i : i
    into[at + i] =
      typeof value === 'number' ? Math.floor(value / 256 ** place) & 255 : Number.parseInt(value.slice(2 * i, 2 * i + 2), 16)
  }
}
