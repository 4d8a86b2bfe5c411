// nft's words (src/scanner.l), as far as rulesets use them.

export interface Token {
  readonly kind: 'word' | 'string' | 'sign' | 'newline' | 'handle' | 'end'
  /** The word, a string without its quotes, a sign; of a handle its digits. */
  readonly text: string
  /** Offsets into the source. */
  readonly start: number
  readonly end: number
  /** From 1. */
  readonly line: number
}

const ADDRESS = '(?:(?:[0-9a-fA-F]{1,4}:){2,}[0-9a-fA-F:.]*|[0-9a-fA-F]{0,4}::[0-9a-fA-F:.]*)'
const TOKEN = new RegExp(
  [
    '(?<blank>[ \\t\\r\\f]+|\\\\\\r?\\n)',
    '(?<newline>\\n)',
    '(?<comment>#[^\\n]*)',
    '"(?<string>[^"\\n]*)"',
    // MAC and IPv6 addresses hold colons, which elsewhere separate.
    `(?<address>${ADDRESS}(?:/\\d+|-${ADDRESS})?)`,
    '(?<word>[A-Za-z0-9_./*+?~\\-\\\\]+)',
    '(?<sign>==|!=|<=|>=|<<|>>|[^\\s])',
  ].join('|'),
  'y',
)

/** Every token of a text; the last is `end`. Nothing is refused here. */
export function tokens(source: string): Token[] {
  const out: Token[] = []
  let line = 1
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < source.length) {
    const start = TOKEN.lastIndex
    const m = TOKEN.exec(source)
    const g = m?.groups
    if (m === null || g === undefined) break
    const end = start + m[0].length
    if (g.blank !== undefined) {
      if (m[0].includes('\n')) line++
      continue
    }
    if (g.newline !== undefined) out.push({ kind: 'newline', text: '\n', start, end, line: line++ })
    else if (g.comment !== undefined) {
      const handle = /^# handle (\d+)\s*$/.exec(g.comment)
      if (handle !== null) out.push({ kind: 'handle', text: handle[1] ?? '0', start, end, line })
    } else if (g.string !== undefined) out.push({ kind: 'string', text: g.string, start, end, line })
    else if (g.sign !== undefined) out.push({ kind: 'sign', text: g.sign, start, end, line })
    else out.push({ kind: 'word', text: m[0], start, end, line })
  }
  out.push({ kind: 'end', text: '', start: source.length, end: source.length, line })
  return out
}
