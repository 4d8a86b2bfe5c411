import type { WorldRecord } from '../world/records.ts'
import { type PackedRecords, TAG } from './unpack-records.ts'

// Records on their way from the worker to the page. Those of a large cluster say the same things again and again: each node's rules
// have the same specs, each pod's devices the same addresses' lengths. What is the same object here is sent once and is one object
// there; so is every text. Structured clone knows neither across messages, and takes three times as long.

/** Integers that fit into a word beside their tag. */
const LARGEST = 2 ** 29 - 1

/** Grows by doubling. */
class Words {
  #words = new Int32Array(1 << 14)
  length = 0

  push(word: number): void {
    if (this.length === this.#words.length) {
      const more = new Int32Array(this.length * 2)
      more.set(this.#words)
      this.#words = more
    }
    this.#words[this.length++] = word
  }

  /** What was pushed since the last time, in a buffer of its own. */
  take(): Int32Array {
    const taken = this.#words.slice(0, this.length)
    this.length = 0
    return taken
  }
}

interface Shape {
  readonly number: number
  readonly keys: readonly string[]
  /** Of the object before of this shape: neighbours have much in common. */
  readonly values: unknown[]
  readonly words: number[]
}

const NEVER = Symbol()

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Ids that other records hold many times. Others are as good as never found again. */
const REFERRED: ReadonlySet<WorldRecord['kind']> = new Set(['netns', 'device'])

const isShared = (v: unknown): v is object =>
  typeof v === 'object' && v !== null && !Array.isArray(v) && !Object.hasOwn(v, '__proto__')

/** Packs the records of one world, part by part. */
export class RecordPacker {
  #atoms: unknown[] = []
  #shapes: (readonly string[] | number)[] = []
  readonly #objects = new Words()
  readonly #records = new Words()
  readonly #atomNumbers = new Map<unknown, number>()
  #atomCount = 0
  readonly #byLastKey = new Map<string, Shape[]>()
  readonly #arrays: number[] = []
  #shapeCount = 0
  /** What records hold: a spec, an origin, counters. What is inside of those is shared with them. */
  readonly #known = new Map<object, number>()
  #count = 0
  /** Words of the objects that are being packed, one inside another. */
  readonly #stack: number[] = []
  /** Ids that the last chain lists: its rules come next. */
  #listed: readonly unknown[] = []
  #listedAt = 0
  #nextListed = 0

  pack(records: Iterable<WorldRecord>): PackedRecords {
    for (const record of records) this.#records.push(this.#record(record))
    const packed = { atoms: this.#atoms, shapes: this.#shapes, objects: this.#objects.take(), records: this.#records.take() }
    this.#atoms = []
    this.#shapes = []
    return packed
  }

  #record(record: WorldRecord): number {
    const { number, keys, values, words } = this.#shapeOf(record)
    const stack = this.#stack
    const from = stack.length
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string
      const v = (record as unknown as Readonly<Record<string, unknown>>)[key]
      if (key === 'id') words[i] = this.#id(record)
      else if (key === 'rules' && Array.isArray(v)) words[i] = this.#list(v)
      else if (!Object.is(v, values[i])) {
        words[i] = isShared(v) ? this.#shared(v) : this.#value(v)
        values[i] = v
      }
      stack.push(words[i] as number)
    }
    return this.#defined(number, from)
  }

  #id({ kind, id }: WorldRecord): number {
    if (REFERRED.has(kind)) return this.#value(id)
    if (id === this.#listed[this.#nextListed]) return ((this.#listedAt + this.#nextListed++) << 2) | TAG.atom
    return this.#atom(id)
  }

  #list(ids: readonly unknown[]): number {
    const from = this.#stack.length
    this.#listed = ids
    this.#listedAt = this.#atomCount
    this.#nextListed = 0
    for (const id of ids) this.#stack.push(this.#atom(id))
    return (this.#defined(this.#arrayShape(ids.length), from) << 2) | TAG.object
  }

  #shared(value: object): number {
    let n = this.#known.get(value)
    if (n === undefined) {
      n = this.#object(value)
      this.#known.set(value, n)
    }
    return (n << 2) | TAG.object
  }

  #value(value: unknown): number {
    if (typeof value === 'object' && value !== null) {
      // To set this key of an object is to do something else.
      if (Object.hasOwn(value, '__proto__')) return this.#atom(value)
      return (this.#object(value) << 2) | TAG.object
    }
    if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= LARGEST && !Object.is(value, -0))
      return (value << 2) | TAG.integer
    const n = this.#atomNumbers.get(value)
    if (n !== undefined) return (n << 2) | TAG.atom
    this.#atomNumbers.set(value, this.#atomCount)
    return this.#atom(value)
  }

  #atom(value: unknown): number {
    this.#atoms.push(value)
    return (this.#atomCount++ << 2) | TAG.atom
  }

  #object(value: object): number {
    const stack = this.#stack
    const from = stack.length
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) stack.push(this.#value(value[i]))
      return this.#defined(this.#arrayShape(value.length), from)
    }
    const { number, keys, values, words } = this.#shapeOf(value)
    for (let i = 0; i < keys.length; i++) {
      const v = (value as Readonly<Record<string, unknown>>)[keys[i] as string]
      if (!Object.is(v, values[i])) {
        const word = this.#value(v)
        values[i] = v
        words[i] = word
      }
      stack.push(words[i] as number)
    }
    return this.#defined(number, from)
  }

  /** Writes the object whose fields are the words of the stack from there on. */
  #defined(shape: number, from: number): number {
    const stack = this.#stack
    this.#objects.push(shape)
    for (let i = from; i < stack.length; i++) this.#objects.push(stack[i] as number)
    stack.length = from
    return this.#count++
  }

  #shapeOf(value: object): Shape {
    const keys = Object.keys(value)
    const last = keys.length === 0 ? '' : (keys[keys.length - 1] as string)
    let alike = this.#byLastKey.get(last)
    if (alike === undefined) {
      alike = []
      this.#byLastKey.set(last, alike)
    }
    for (let i = 0; i < alike.length; i++) {
      const shape = alike[i] as Shape
      if (sameKeys(shape.keys, keys)) return shape
    }
    const shape: Shape = { number: this.#shapeCount++, keys, values: keys.map(() => NEVER), words: keys.map(() => 0) }
    alike.push(shape)
    this.#shapes.push(keys)
    return shape
  }

  #arrayShape(length: number): number {
    const known = this.#arrays[length]
    if (known !== undefined) return known
    this.#arrays[length] = this.#shapeCount
    this.#shapes.push(length)
    return this.#shapeCount++
  }
}
