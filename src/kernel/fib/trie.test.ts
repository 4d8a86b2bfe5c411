import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contains, type Ipv4 } from '../../net/address.ts'
import { NONE, PrefixTrie } from './trie.ts'

interface Entry {
  readonly address: number
  readonly length: number
}
// Few distinct high bits, so that prefixes nest and part ways often.
const address = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.tuple(fc.constantFrom(0x0af4, 0x0af5, 0xc0a8), fc.integer({ min: 0, max: 0xffff })).map(([hi, lo]) => hi * 0x10000 + lo),
)
const entry: fc.Arbitrary<Entry> = fc.record({ address, length: fc.integer({ min: 0, max: 32 }) })
const covers = (e: Entry, a: number) => contains({ address: e.address as Ipv4, length: e.length }, a)

/** Lengths of the prefixes that contain `a`, longest first. */
function walk(trie: PrefixTrie<Entry>, a: number): number[] {
  const lengths: number[] = []
  for (let n = trie.longest(a); n !== NONE; n = trie.shorter(n)) lengths.push(trie.at(n)[0]?.length ?? -1)
  return lengths
}

describe('longest-prefix match', () => {
  it('finds, longest first, exactly the prefixes that a scan of all of them finds', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), fc.array(address, { maxLength: 20 }), (entries, asked) => {
        const trie = new PrefixTrie<Entry>()
        for (const e of entries) trie.update(e.address, e.length, (list) => [...list, e])
        for (const a of [...asked, ...entries.map((e) => e.address)]) {
          const naive = [...new Set(entries.filter((e) => covers(e, a)).map((e) => e.length))].sort((x, y) => y - x)
          expect(walk(trie, a)).toEqual(naive)
        }
      }),
    )
  })

  it('forgets a prefix that was taken out, and only that', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 40 }), fc.nat(), (entries, pick) => {
        const trie = new PrefixTrie<Entry>()
        for (const e of entries) trie.update(e.address, e.length, (list) => [...list, e])
        const gone = entries[pick % entries.length] as Entry
        trie.update(gone.address, gone.length, () => [])
        const same = (e: Entry) => e.length === gone.length && covers(gone, e.address)
        for (const { address: a } of entries) {
          const naive = [...new Set(entries.filter((e) => covers(e, a) && !same(e)).map((e) => e.length))].sort((x, y) => y - x)
          expect(walk(trie, a)).toEqual(naive)
        }
      }),
    )
  })

  it('grows past its first arrays', () => {
    const trie = new PrefixTrie<number>()
    for (let i = 0; i < 5000; i++) trie.update(0x0a000000 + i * 256, 24, () => [i])
    expect(trie.at(trie.longest(0x0a000000 + 4321 * 256 + 7))).toEqual([4321])
    expect(trie.longest(0x0b800000)).toBe(NONE)
  })
})
