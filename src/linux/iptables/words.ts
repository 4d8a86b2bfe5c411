/**
 * Splits `text[from, to)` into words as iptables-restore does (xshared.c add_param_to_argv): blanks separate, double quotes
 * join, a backslash inside quotes escapes. Writes into `out` and returns how many words there are, -1 for an open quote.
 */
export function splitWords(text: string, from: number, to: number, out: string[]): number {
  let n = 0
  let i = from
  while (i < to) {
    const c = text.charCodeAt(i)
    if (c === 32 || c === 9 || c === 13) {
      i++
      continue
    }
    const start = i
    if (c !== 34) {
      let d = c
      while (d !== 32 && d !== 9 && d !== 34 && d !== 13) {
        if (++i >= to) break
        d = text.charCodeAt(i)
      }
      if (i >= to || d !== 34) {
        out[n++] = text.slice(start, i)
        continue
      }
    }
    i = start
    const plainEnd = c === 34 ? text.indexOf('"', i + 1) : -1
    if (plainEnd > 0 && plainEnd < to && isWordEnd(text, plainEnd + 1, to) && !hasBackslash(text, i + 1, plainEnd)) {
      out[n++] = text.slice(i + 1, plainEnd)
      i = plainEnd + 1
      continue
    }
    i = quotedWord(text, i, to, out, n++)
    if (i < 0) return -1
  }
  return n
}

function isWordEnd(text: string, i: number, to: number): boolean {
  if (i >= to) return true
  const c = text.charCodeAt(i)
  return c === 32 || c === 9 || c === 13
}

function hasBackslash(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text.charCodeAt(i) === 92) return true
  return false
}

/** The slow way, for escapes and for quotes in the middle of a word. Returns the position after the word, -1 for an open quote. */
function quotedWord(text: string, from: number, to: number, out: string[], n: number): number {
  let word = ''
  let open = false
  let i = from
  for (; i < to; i++) {
    const c = text.charCodeAt(i)
    if (open && c === 92 && i + 1 < to) word += text.charAt(++i)
    else if (c === 34) open = !open
    else if (!open && (c === 32 || c === 9 || c === 13)) break
    else word += text.charAt(i)
  }
  out[n] = word
  return open ? -1 : i
}

const NO_QUOTES = /^[-_0-9a-zA-Z]+$/

/** xtables_save_string(): quotes anything beyond letters, digits, `-` and `_`. */
export const saveString = (s: string): string => (NO_QUOTES.test(s) ? s : `"${s.replace(/["\\']/g, '\\$&')}"`)
