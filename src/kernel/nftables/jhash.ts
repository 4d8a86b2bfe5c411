import type { NftExpression } from '../../world/nft.ts'
import { jhash } from '../jhash.ts'
import { compileKey, type ExpressionDeps, type Loader, type Unmodelled } from './expression.ts'
import type { Loaded } from './set.ts'

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
