import type { NftType } from '../../world/nft.ts'
import { type ElementTypes, parseElements, parseExpression, time } from './parse-expression.ts'
import type { NftReader } from './reader.ts'
import { elementKey, type NftSetSpec, type NftTable } from './ruleset.ts'
import { typeOf } from './selectors.ts'

// Sets and maps: what their keys and data are, and their elements.

export function commaWords(r: NftReader): string[] {
  const out = [r.word('a flag')]
  while (r.accept(',')) out.push(r.word('a flag'))
  return out
}

interface SetHead {
  readonly name: string
  readonly map: boolean
  readonly handle: number | undefined
  readonly line: number
}

export function setBody(r: NftReader, table: NftTable, head: SetHead): void {
  let spec: NftSetSpec = { type: [], flags: [] }
  const elements = new Map<string, ReturnType<typeof parseElements>[number]>()
  for (r.skipStops(); !r.accept('}'); r.skipStops()) {
    const word = r.word('type, flags, elements …')
    if (word === 'elements') {
      r.expect('=')
      for (const e of parseElements(r, elementTypes(spec))) elements.set(elementKey(e), e)
    } else spec = { ...spec, ...setProperty(r, word, { map: head.map, flags: spec.flags }) }
  }
  const known = table.sets.get(head.name)
  if (known !== undefined) {
    for (const [key, e] of elements) known.elements.set(key, e)
    return
  }
  table.sets.set(head.name, { name: head.name, spec, handle: table.allocate(head.handle), elements, line: head.line })
}

const withFlag = (flags: readonly string[], flag: string): readonly string[] => (flags.includes(flag) ? flags : [...flags, flag])

function setProperty(
  r: NftReader,
  word: string,
  { map, flags }: { map: boolean; flags: readonly string[] },
): Partial<NftSetSpec> {
  switch (word) {
    case 'type': {
      const type = dottedTypes(r)
      return map && r.accept(':') ? { type, data: dottedTypes(r) } : { type }
    }
    case 'typeof': {
      const start = r.peek().start
      const type = typeOf(parseExpression(r))
      const data = !map || !r.accept(':') ? undefined : r.accept('verdict') ? ['verdict'] : typeOf(parseExpression(r))
      return { type, typeOf: r.source.slice(start, r.consumed), ...(data === undefined ? {} : { data }) }
    }
    case 'flags':
      return { flags: commaWords(r).reduce(withFlag, flags) }
    case 'timeout':
      return { timeout: time(r), flags: withFlag(flags, 'timeout') }
    case 'gc-interval':
      return { gcInterval: time(r) }
    case 'size':
      return { size: r.number('a size') }
    case 'policy':
      return { policy: r.word('a policy') }
    case 'auto-merge':
      return { autoMerge: true }
    case 'comment':
      return { comment: r.string() }
    default: {
      const start = r.peek().start
      while (!r.atStop) r.take()
      const rest = r.source.slice(start, r.consumed)
      return { stateful: start >= r.consumed ? word : `${word} ${rest}` }
    }
  }
}

function dottedTypes(r: NftReader): NftType[] {
  const out = [r.word('a datatype')]
  while (r.accept('.')) out.push(r.word('a datatype'))
  return out
}

export const elementTypes = (spec: Pick<NftSetSpec, 'type' | 'data'>): ElementTypes => ({
  key: spec.type,
  ...(spec.data === undefined ? {} : { data: spec.data }),
})
