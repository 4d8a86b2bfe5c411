import type {
  NftChainType,
  NftElement,
  NftExpression,
  NftFamily,
  NftHook,
  NftSetRef,
  NftStatement,
  NftType,
  NftValue,
} from '../../world/nft.ts'
import { layoutOf } from './datatypes.ts'

// A ruleset under construction: what a listing says, or what transactions have left so far.

export interface NftRule {
  handle: number
  statements: readonly NftStatement[]
  comment?: string
  /** In the text that it came from, from 1. */
  line?: number
}

export interface NftBase {
  readonly type: NftChainType
  readonly hook: NftHook
  readonly priority: number
  readonly policy: 'accept' | 'drop'
  readonly device?: string
}

export interface NftChain {
  readonly name: string
  base?: NftBase
  comment?: string
  handle: number
  rules: NftRule[]
  line?: number
}

export interface NftSetSpec {
  readonly type: readonly NftType[]
  readonly data?: readonly NftType[]
  readonly typeOf?: string
  readonly flags: readonly string[]
  readonly timeout?: number
  readonly gcInterval?: number
  readonly size?: number
  readonly policy?: string
  readonly autoMerge?: true
  readonly comment?: string
  readonly stateful?: string
}

export interface NftSet {
  readonly name: string
  spec: NftSetSpec
  handle: number
  /** By `elementKey`. */
  elements: Map<string, NftElement>
  line?: number
}

export class NftTable {
  readonly family: NftFamily
  readonly name: string
  comment: string | undefined = undefined
  flags: readonly string[] = []
  handle: number
  readonly chains = new Map<string, NftChain>()
  readonly sets = new Map<string, NftSet>()
  others: string[] = []
  line: number | undefined = undefined
  /** hgenerator of struct nft_table: the last handle given away. */
  #handles = 0

  constructor(family: NftFamily, name: string, handle: number) {
    this.family = family
    this.name = name
    this.handle = handle
  }

  /** nf_tables_alloc_handle(); or a handle that a listing gave. */
  allocate(given?: number): number {
    if (given === undefined) return ++this.#handles
    this.#handles = Math.max(this.#handles, given)
    return given
  }
}

/** All tables of a namespace by family and name, in the order in which they were made. */
export class NftRuleset {
  readonly tables = new Map<string, NftTable>()
  #handles = 0

  table(family: NftFamily, name: string): NftTable | undefined {
    return this.tables.get(`${family} ${name}`)
  }

  ensure(family: NftFamily, name: string, handle?: number): NftTable {
    const known = this.table(family, name)
    if (known !== undefined) return known
    if (handle !== undefined) this.#handles = Math.max(this.#handles, handle)
    const table = new NftTable(family, name, handle ?? ++this.#handles)
    this.tables.set(`${family} ${name}`, table)
    return table
  }
}

const valueKey = (v: NftValue): string => {
  switch (v.kind) {
    case 'number':
      return String(v.value)
    case 'text':
      return `${v.text}${v.wildcard ? '*' : ''}`
    case 'prefix':
      return `${v.address}/${v.length}`
    case 'range':
      return `${v.from}-${v.to}`
    case 'any':
      return '*'
  }
}

/** What tells an element from the others of its set. */
export const elementKey = (e: Pick<NftElement, 'key'>): string => e.key.map(valueKey).join(' . ')

/** Every set that a rule holds itself, in order. */
export function anonymousSets(statements: readonly NftStatement[]): NftSetRef[] {
  const out: NftSetRef[] = []
  const see = (ref: NftSetRef) => {
    if (ref.kind === 'anonymous') out.push(ref)
  }
  const walk = (e: NftExpression | undefined): void => {
    if (e === undefined) return
    if (e.kind === 'map') {
      walk(e.key)
      see(e.map)
    } else if (e.kind === 'concat') e.parts.forEach(walk)
    else if (e.kind === 'jhash') walk(e.key)
    else if (e.kind === 'binary') {
      walk(e.left)
      walk(e.right)
    }
  }
  for (const s of statements) {
    if (s.kind === 'match') {
      walk(s.left)
      if (s.right.kind === 'set') see(s.right.set)
    } else if (s.kind === 'vmap') {
      walk(s.key)
      see(s.map)
    } else if (s.kind === 'mangle') walk(s.value)
    else if (s.kind === 'nat') {
      walk(s.address)
      walk(s.port)
    } else if (s.kind === 'dynset') walk(s.key)
  }
  return out
}

/** Bytes of a key as they lie in memory, the last one first: what nft compares when it sorts elements. */
function sortKey(e: NftElement, types: readonly NftType[]): number[] {
  if (types.length === 1) {
    const [only] = e.key
    if (only === undefined || only.kind === 'any') return [Number.MAX_SAFE_INTEGER]
    if (only.kind === 'text' && only.ip6 !== undefined) return addressBytes(only.ip6.from)
    if (only.kind === 'text') return [only.text.length > 0 ? 1 : 0, ...textBytes(only.text).reverse()]
    return [only.kind === 'number' ? only.value : only.kind === 'prefix' ? only.address : only.from]
  }
  const bytes: number[] = []
  types.forEach((type, i) => {
    const v = e.key[i]
    const layout = layoutOf(type)
    if (v?.kind === 'text') bytes.push(...(v.ip6 === undefined ? textBytes(v.text) : addressBytes(v.ip6.from)))
    else {
      const n = v?.kind === 'number' ? v.value : v?.kind === 'prefix' ? v.address : v?.kind === 'range' ? v.from : 0
      const own = Array.from({ length: layout.bytes }, (_, k) => Math.floor(n / 256 ** k) % 256)
      bytes.push(...(layout.network ? own.reverse() : own))
    }
  })
  return bytes.reverse()
}

const addressBytes = (digits: string): number[] =>
  Array.from({ length: 16 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
const textBytes = (text: string): number[] => Array.from({ length: 16 }, (_, i) => (i < text.length ? text.charCodeAt(i) : 0))

const isRange = (v: NftValue): boolean =>
  v.kind === 'range' || v.kind === 'prefix' || (v.kind === 'text' && v.ip6 !== undefined && v.ip6.from !== v.ip6.to)

/** The order in which nft lists a set's elements (list_expr_sort; ranges over more than one field stay as they are). */
export function sortedElements(elements: readonly NftElement[], types: readonly NftType[]): readonly NftElement[] {
  const ranges = elements.some((e) => e.key.some(isRange))
  if (types.length > 1 && ranges) return elements
  const keyed = elements.map((element) => ({ element, key: sortKey(element, types) }))
  keyed.sort((a, b) => {
    for (let i = 0; i < Math.max(a.key.length, b.key.length); i++) {
      const d = (a.key[i] ?? -1) - (b.key[i] ?? -1)
      if (d !== 0) return d
    }
    return 0
  })
  return keyed.map((k) => k.element)
}
