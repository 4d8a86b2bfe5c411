import type { NftElement, NftValue } from '../../world/nft.ts'

/** What a selector loaded: an unsigned integer, a device's name, or an IPv6 address in 32 hexadecimal digits. */
export type Loaded = number | string

/** A key with a range, prefix or wildcard in it. */
interface Ranged {
  readonly fields: readonly ((value: Loaded) => boolean)[]
  readonly element: NftElement
}

type Level = Map<Loaded, Level | NftElement>

/**
 * The elements of a set, made ready for lookups: exact keys by nested maps, ranges of one field by bisection, what mixes both one
 * after the other (nft_set_pipapo finds the first of them as well).
 */
export class SetIndex {
  readonly #width: number
  readonly #exact: Level = new Map()
  readonly #ranged: Ranged[] = []
  /** Of sets with one field: sorted starts of disjoint ranges, with their ends. */
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #spans: NftElement[] = []
  #any: NftElement | undefined

  constructor(elements: readonly NftElement[], width: number) {
    this.#width = width
    const spans: { readonly from: number; readonly to: number; readonly element: NftElement }[] = []
    for (const element of elements) {
      const [first] = element.key
      if (element.key.length === 1 && first?.kind === 'any') this.#any = element
      else if (element.key.every(isExact)) this.put(element.key.map(exactOf), element)
      else {
        const span = width === 1 && first !== undefined ? spanOf(first) : undefined
        if (span !== undefined) spans.push({ ...span, element })
        else this.#ranged.push({ fields: element.key.map(tester), element })
      }
    }
    spans.sort((a, b) => a.from - b.from)
    for (const s of spans) {
      this.#starts.push(s.from)
      this.#ends.push(s.to)
      this.#spans.push(s.element)
    }
  }

  /** The element that holds the key and whose time (`now`, ns) is not over. */
  find(key: readonly Loaded[], now: number): NftElement | undefined {
    const exact = this.#lookup(key)
    if (exact !== undefined && lives(exact, now)) return exact
    const [first] = key
    if (typeof first === 'number' && this.#starts.length > 0) {
      const i = lastAtMost(this.#starts, first)
      if (i >= 0 && first <= (this.#ends[i] as number)) return this.#spans[i]
    }
    for (const r of this.#ranged)
      if (r.fields.every((test, i) => test(key[i] as Loaded)) && lives(r.element, now)) return r.element
    return this.#any
  }

  put(key: readonly Loaded[], element: NftElement): void {
    let level = this.#exact
    for (let i = 0; i < this.#width - 1; i++) {
      const field = key[i] as Loaded
      let next = level.get(field)
      if (!(next instanceof Map)) {
        next = new Map()
        level.set(field, next)
      }
      level = next
    }
    level.set(key[this.#width - 1] as Loaded, element)
  }

  delete(key: readonly Loaded[]): void {
    let level: Level | NftElement | undefined = this.#exact
    for (let i = 0; i < this.#width - 1 && level instanceof Map; i++) level = level.get(key[i] as Loaded)
    if (level instanceof Map) level.delete(key[this.#width - 1] as Loaded)
  }

  #lookup(key: readonly Loaded[]): NftElement | undefined {
    let at: Level | NftElement | undefined = this.#exact
    for (let i = 0; i < this.#width; i++) {
      if (!(at instanceof Map)) return undefined
      at = at.get(key[i] as Loaded)
    }
    return at instanceof Map ? undefined : at
  }
}

const lives = (e: NftElement, now: number): boolean => e.expires === undefined || e.expires > now

function lastAtMost(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const mid = (low + high) >>> 1
    if ((sorted[mid] as number) <= value) low = mid + 1
    else high = mid
  }
  return low - 1
}

const isExact = (v: NftValue): boolean =>
  v.kind === 'number' || (v.kind === 'text' && v.wildcard !== true && (v.ip6 === undefined || v.ip6.from === v.ip6.to))
const exactOf = (v: NftValue): Loaded => (v.kind === 'number' ? v.value : v.kind === 'text' ? (v.ip6?.from ?? v.text) : -1)

/** The digits of a single IPv6 address; undefined for anything else. */
export const ip6Of = (v: NftValue): string | undefined =>
  v.kind === 'text' && v.ip6 !== undefined && v.ip6.from === v.ip6.to ? v.ip6.from : undefined

export function spanOf(v: NftValue): { readonly from: number; readonly to: number } | undefined {
  if (v.kind === 'range') return v
  return v.kind === 'prefix' ? { from: v.address, to: v.address + 2 ** (32 - v.length) - 1 } : undefined
}

/** Whether what was loaded is this constant. */
export function tester(v: NftValue): (value: Loaded) => boolean {
  switch (v.kind) {
    case 'number':
      // The index of a device that is not there is 0; here it has no name.
      return (x) => x === v.value || (v.value === 0 && x === '')
    case 'text':
      if (v.ip6 !== undefined) {
        const { from, to } = v.ip6
        return (x) => typeof x === 'string' && x >= from && x <= to
      }
      return v.wildcard ? (x) => typeof x === 'string' && x.startsWith(v.text) : (x) => x === v.text
    case 'prefix':
    case 'range': {
      const { from, to } = spanOf(v) ?? { from: 0, to: -1 }
      return (x) => typeof x === 'number' && x >= from && x <= to
    }
    case 'any':
      return () => true
  }
}
