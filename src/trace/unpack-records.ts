import type { WorldRecord } from '../world/records.ts'

/** A part of a world. Parts refer to earlier ones: they are decoded in their order. */
export interface PackedRecords {
  /** Texts, numbers and truth values that have not come before, in the order of their numbers. */
  readonly atoms: readonly unknown[]
  /** Keys of objects that have not come before; a number is the length of an array. */
  readonly shapes: readonly (readonly string[] | number)[]
  /** Objects, each after those that it holds: its shape's number, then a word for each field. The lowest two bits say what of: TAG. */
  readonly objects: Int32Array
  /** Numbers of those objects that are the records. */
  readonly records: Int32Array
}

/** The lowest two bits of a word: what its other bits are the number of, or that they are an integer themselves. */
export const TAG = { atom: 0, object: 1, integer: 2 } as const

/** Makes records again of what one packer packed, part by part. */
export function recordUnpacker(): (packed: PackedRecords) => WorldRecord[] {
  const atoms: unknown[] = []
  const shapes: (readonly string[] | number)[] = []
  const known: object[] = []
  const meant = (word: number): unknown => {
    const tag = word & 3
    const n = word >> 2
    return tag === TAG.atom ? atoms[n] : tag === TAG.object ? known[n] : n
  }
  return ({ objects: words, records, ...more }) => {
    for (const a of more.atoms) atoms.push(a)
    for (const s of more.shapes) shapes.push(s)
    for (let at = 0; at < words.length; ) {
      const shape = shapes[words[at++] as number] as readonly string[] | number
      if (typeof shape === 'number') {
        known.push(Array.from(words.subarray(at, at + shape), meant))
        at += shape
      } else {
        const value: Record<string, unknown> = {}
        for (const key of shape) {
          const held = meant(words[at++] as number)
          // A manifest may have a key of this name; writing to it would set the object's prototype.
          if (key === '__proto__')
            Object.defineProperty(value, key, { value: held, enumerable: true, configurable: true, writable: true })
          else value[key] = held
        }
        known.push(value)
      }
    }
    return Array.from(records, (n) => known[n] as WorldRecord)
  }
}
