import { assertNever } from '../base/assert-never.ts'

/** A piece of a sentence. The page links objects and records, marks code, and strikes through what changed. */
export type Span =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'change'; readonly from: string; readonly to: string }
  /** A Kubernetes object. */
  | { readonly kind: 'object'; readonly objectKind: string; readonly namespace?: string; readonly name: string }
  /** A record of the world, by id. */
  | { readonly kind: 'record'; readonly id: string; readonly text: string }

export type Sentence = readonly Span[]

export type Lang = 'en' | 'zh'

/** The sentence as text: `Service default/web`, `10.96.0.10:80 → 10.244.2.7:8080`. */
export function plain(sentence: Sentence): string {
  return sentence.map(spanText).join('')
}

function spanText(span: Span): string {
  switch (span.kind) {
    case 'text':
    case 'code':
    case 'record':
      return span.text
    case 'change':
      return `${span.from} → ${span.to}`
    case 'object':
      return `${span.objectKind} ${span.namespace === undefined ? '' : `${span.namespace}/`}${span.name}`
    default:
      return assertNever(span, 'span')
  }
}

const END_OF_SENTENCE = /[.。]\s*/

/** What follows the first full stop: of a verdict, the reason without what happened. All of it where there is nothing behind. */
export function reasonOf(sentence: Sentence): Sentence {
  for (const [i, span] of sentence.entries()) {
    const end = span.kind === 'text' ? END_OF_SENTENCE.exec(span.text) : null
    if (span.kind !== 'text' || end === null) continue
    const rest = span.text.slice(end.index + end[0].length)
    const after: Sentence = [...(rest === '' ? [] : [{ kind: 'text' as const, text: rest }]), ...sentence.slice(i + 1)]
    return after.length === 0 ? sentence : after
  }
  return sentence
}

export const code = (text: string | number): Span => ({ kind: 'code', text: String(text) })
export const change = (from: string, to: string): Span => ({ kind: 'change', from, to })
export const record = (id: string, text: string): Span => ({ kind: 'record', id, text })
export const object = (o: { readonly kind: string; readonly namespace?: string; readonly name: string }): Span => ({
  kind: 'object',
  objectKind: o.kind,
  ...(o.namespace === undefined ? {} : { namespace: o.namespace }),
  name: o.name,
})

type Part = string | number | Span | Sentence | undefined

const isSentence = (part: Span | Sentence): part is Sentence => Array.isArray(part)

/** Full-width punctuation brings its own room: a space that a template has there, for a word that is not, goes. */
const SPACE_BY_FULL_WIDTH = /(?<=[）。，；：、]) +| +(?=[（）。，；：、])/g

/** Template of a sentence: strings and numbers become text, spans and sentences stay themselves, undefined is nothing. */
export function say(strings: TemplateStringsArray, ...parts: readonly Part[]): Sentence {
  const out: Span[] = []
  const add = (text: string) => {
    const last = out.at(-1)
    if (text === '') return
    if (last?.kind === 'text') out[out.length - 1] = { kind: 'text', text: (last.text + text).replace(SPACE_BY_FULL_WIDTH, '') }
    else out.push({ kind: 'text', text })
  }
  const put = (span: Span) => {
    if (span.kind === 'text') add(span.text)
    else out.push(span)
  }
  strings.forEach((s, i) => {
    add(s)
    const part = parts[i]
    if (part === undefined) return
    if (typeof part === 'string' || typeof part === 'number') add(String(part))
    else if (isSentence(part)) part.forEach(put)
    else put(part)
  })
  return out
}

/** Things in a row, with `between` two of them. */
export const list = (spans: readonly Span[], between: string): Sentence =>
  spans.flatMap((s, i) => say`${i === 0 ? '' : between}${s}`)

/** Sentences one after the other, with what the language puts between them. */
export function join(sentences: readonly Sentence[], between: string): Sentence {
  return sentences
    .filter((s) => s.length > 0)
    .reduce<Sentence>((all, s) => (all.length === 0 ? s : say`${all}${between}${s}`), [])
}
