import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { playOf } from '../cluster/play.ts'
import { largeDocument } from '../cluster/testing-large.ts'
import { LIBRARY } from '../library/index.ts'
import type { WorldRecord } from '../world/records.ts'
import { RecordPacker } from './pack-records.ts'
import { recordUnpacker } from './unpack-records.ts'

/** Packed in parts of so many, sent and unpacked. */
function sent(records: readonly WorldRecord[], size: number): { readonly back: WorldRecord[]; readonly words: number } {
  const packer = new RecordPacker()
  const unpack = recordUnpacker()
  const back: WorldRecord[] = []
  let words = 0
  for (let i = 0; i < records.length; i += size) {
    const part = structuredClone(packer.pack(records.slice(i, i + size)))
    words += part.objects.length + part.atoms.length
    back.push(...unpack(part))
  }
  return { back, words }
}

describe('records that are packed for the page', () => {
  it('are the same records on the other side, their keys in the same order, for every built-in scenario', () => {
    for (const { document } of LIBRARY) {
      const play = playOf(document)
      if (!play.ok) throw new Error(JSON.stringify(play.error))
      const records = [...play.value.world.values()]
      expect(JSON.stringify(sent(records, 100).back)).toBe(JSON.stringify(records))
    }
  })

  it('may hold whatever a manifest says', () => {
    const manifest = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }))
    fc.assert(
      fc.property(fc.array(fc.tuple(manifest, fc.option(manifest))), fc.integer({ min: 1, max: 4 }), (given, size) => {
        const records = given.map(([m, origin], i) => ({
          kind: 'object',
          id: `obj:${i % 3}`,
          m,
          again: m,
          origin,
          n: i - 2 ** 29,
        }))
        const { back } = sent(records as unknown as WorldRecord[], size)
        expect(back).toEqual(records)
        expect(JSON.stringify(back)).toBe(JSON.stringify(records))
      }),
      {
        examples: [
          [[[JSON.parse('{"__proto__":{"a":1}}'), null]], 1],
          [
            [
              [
                { a: 0, b: -0 },
                { a: -0, b: 0 },
              ],
            ],
            1,
          ],
          [[[JSON.parse('{"__proto__":{"__proto__":1}}'), null]], 1],
        ],
      },
    )
  })

  it('share what they shared, across parts: a spec that three nodes have travels once', () => {
    const play = playOf(largeDocument(60))
    if (!play.ok) throw new Error(JSON.stringify(play.error))
    const specs = (list: Iterable<WorldRecord>) => {
      const rules = [...list].flatMap((r) => (r.kind === 'rule' ? [r.spec] : []))
      return { all: rules.length, distinct: new Set(rules).size }
    }
    const records = [...play.value.world.values()]
    const { back } = sent(records, 500)
    expect(specs(back)).toEqual(specs(records))
    expect(specs(back).distinct).toBeLessThan(specs(back).all / 5)
  })
})
