import { assertNever } from '../base/assert-never.ts'

// How wide a text will be decides the layout, so measuring is an argument: the page measures with a canvas, tests with the
// table below, which is wide enough for the common fallback fonts.

export type TextStyle = 'title' | 'name' | 'address' | 'device' | 'gate' | 'status' | 'note'

interface Font {
  /** CSS pixels. */
  readonly size: number
  /** Height that the text's box takes, ascenders and descenders included. */
  readonly line: number
  readonly weight: 400 | 500 | 600
  readonly family: 'sans' | 'mono'
}

export const FONTS: Readonly<Record<TextStyle, Font>> = {
  title: { size: 13.5, line: 18, weight: 600, family: 'sans' },
  name: { size: 12, line: 15, weight: 600, family: 'sans' },
  address: { size: 11, line: 14, weight: 400, family: 'mono' },
  device: { size: 11, line: 14, weight: 400, family: 'mono' },
  gate: { size: 11, line: 14, weight: 500, family: 'sans' },
  status: { size: 11, line: 13, weight: 600, family: 'sans' },
  note: { size: 11, line: 13, weight: 400, family: 'sans' },
}

const SANS = 'Inter, "Segoe UI", system-ui, "Noto Sans CJK SC", sans-serif'
const MONO = '"JetBrains Mono", ui-monospace, "DejaVu Sans Mono", monospace'

/** The CSS `font` shorthand of a style. */
export function fontOf(style: TextStyle): string {
  const f = FONTS[style]
  return `${f.weight} ${f.size}px ${f.family === 'mono' ? MONO : SANS}`
}

/** Width in CSS pixels of `text` set in `style`. */
export type Measure = (text: string, style: TextStyle) => number

const isWide = (c: number) => (c >= 0x2e80 && c <= 0xffdc) || c >= 0x1f000
const NARROW = new Set("iljtfr.,:;'|!()[] ")
const BROAD = new Set('mwMWQOGD@%')

function sansAdvance(ch: string): number {
  const code = ch.codePointAt(0) ?? 0
  if (isWide(code)) return 1
  if (NARROW.has(ch)) return 0.4
  if (BROAD.has(ch)) return 0.92
  return ch >= 'A' && ch <= 'Z' ? 0.72 : 0.62
}

/** Measures without a browser, on the generous side (DejaVu's widths): the same in every run. */
export const measureRoughly: Measure = (text, style) => {
  const f = FONTS[style]
  let em = 0
  for (const ch of text) {
    switch (f.family) {
      case 'mono':
        em += isWide(ch.codePointAt(0) ?? 0) ? 1.2 : 0.605
        break
      case 'sans':
        em += sansAdvance(ch) * (f.weight >= 600 ? 1.06 : 1)
        break
      default:
        assertNever(f.family)
    }
  }
  return em * f.size
}

/** `text`, or as much of it as fits in `width` with an ellipsis: in the middle, since what tells Kubernetes names apart is at their end. */
export function fitText(text: string, style: TextStyle, width: number, measure: Measure): string {
  if (measure(text, style) <= width) return text
  const chars = [...text]
  let lo = 0
  let hi = chars.length - 1
  const cut = (keep: number) => {
    const head = Math.ceil(keep * 0.6)
    return `${chars.slice(0, head).join('')}…${chars.slice(chars.length - (keep - head)).join('')}`
  }
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1
    if (measure(cut(mid), style) <= width) lo = mid
    else hi = mid - 1
  }
  return lo === 0 ? '…' : cut(lo)
}

/** The first words, as many as fit in `width`, but `least` of them: a port with its end cut off is none. */
export function fitWords(
  words: readonly string[],
  { style, width, least }: { readonly style: TextStyle; readonly width: number; readonly least: number },
  measure: Measure,
): string {
  for (let n = words.length; n >= least; n--) {
    const text = n === words.length ? words.join(' ') : `${words.slice(0, n).join(' ')} …`
    if (measure(text, style) <= width) return text
  }
  return fitText(words.slice(0, least).join(' '), style, width, measure)
}

/** A measure that asks `measure` once per text and style. */
export function remember(measure: Measure): Measure {
  const known = new Map<string, number>()
  return (text, style) => {
    const key = `${style} ${text}`
    const before = known.get(key)
    if (before !== undefined) return before
    const w = measure(text, style)
    known.set(key, w)
    return w
  }
}
