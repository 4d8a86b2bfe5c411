import { ok, type Result } from '../../base/result.ts'
import { type CommandError, commandError } from './options.ts'

export type Token = { readonly kind: 'word'; readonly text: string } | { readonly kind: 'pipe' }

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', a: '\x07', '0': '\0' }

/** Words and pipes of a shell line: single and double quotes, backslashes (POSIX shell, 2.2). Everything else a shell can do is refused by name. */
export function splitWords(line: string): Result<Token[], CommandError> {
  const tokens: Token[] = []
  let word: string | undefined
  let i = 0
  const flush = () => {
    if (word !== undefined) tokens.push({ kind: 'word', text: word })
    word = undefined
  }
  while (i < line.length) {
    const c = line.charAt(i)
    if (/\s/.test(c)) {
      flush()
      i++
    } else if (c === "'" || c === '"') {
      const quoted = readQuoted(line, i)
      if (quoted === undefined) return commandError(`the quote ${c} is never closed`)
      word = (word ?? '') + quoted.text
      i = quoted.next
    } else if (c === '\\') {
      word = (word ?? '') + line.charAt(i + 1)
      i += 2
    } else if (c === '|' && line.charAt(i + 1) !== '|') {
      flush()
      tokens.push({ kind: 'pipe' })
      i++
    } else if ('|&;<>`$()'.includes(c)) {
      return commandError(`"${c}" is not understood: one command, or echo TEXT | COMMAND`)
    } else {
      word = (word ?? '') + c
      i++
    }
  }
  flush()
  return ok(tokens)
}

function readQuoted(line: string, start: number): { text: string; next: number } | undefined {
  const quote = line.charAt(start)
  let text = ''
  for (let i = start + 1; i < line.length; i++) {
    const c = line.charAt(i)
    if (c === quote) return { text, next: i + 1 }
    if (c === '\\' && quote === '"' && '"\\$`'.includes(line.charAt(i + 1))) text += line.charAt(++i)
    else text += c
  }
  return undefined
}

/** What `echo` and `printf` put into a pipe; undefined for any other command. */
export function pipedText(words: readonly string[]): string | undefined {
  const [program, ...rest] = words
  if (program === 'printf') return withEscapes(rest[0] ?? '')
  if (program !== 'echo') return undefined
  let newline = '\n'
  let escapes = false
  while (rest[0] !== undefined && /^-[neE]+$/.test(rest[0])) {
    const flags = rest.shift() ?? ''
    if (flags.includes('n')) newline = ''
    if (flags.includes('e')) escapes = true
  }
  const text = rest.join(' ')
  return (escapes ? withEscapes(text) : text) + newline
}

const withEscapes = (text: string): string => text.replace(/\\(.)/g, (whole, c: string) => ESCAPES[c] ?? whole)

/** A word as one would type it: in single quotes where a shell would take it apart otherwise. */
export const quotedWord = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./?-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
