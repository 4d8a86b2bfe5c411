import { err, type Result } from '../base/result.ts'

/** What a parser of a tool's text refuses: where, what it found there, and what it expected instead. */
export interface TextError {
  readonly kind: 'text'
  /** The tool whose text this is: `iptables-save`, `ip route` … */
  readonly tool: string
  /** From 1. */
  readonly line: number
  /** The word or line that was refused. */
  readonly found: string
  readonly expected: string
}

export type TextResult<T> = Result<T, TextError>

export const textError = (tool: string, line: number, found: string, expected: string) =>
  err<TextError>({ kind: 'text', tool, line, found, expected })

/** One line for a terminal or a message box. */
export const formatTextError = (e: TextError): string =>
  `${e.tool}, line ${e.line}: found ${quote(e.found)}, expected ${e.expected}`

const quote = (s: string): string => (s === '' ? 'nothing' : `"${s}"`)

/** Lines with their numbers from 1; `\r\n` counts as one line end, and empty lines are left out. */
export function numberedLines(text: string): { readonly line: number; readonly text: string }[] {
  const out: { line: number; text: string }[] = []
  let n = 0
  for (const raw of text.split('\n')) {
    n++
    const t = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    if (t.trim() !== '') out.push({ line: n, text: t })
  }
  return out
}

/** Blank-separated words of one line. */
export const wordsOf = (line: string): string[] => line.split(/\s+/).filter((w) => w !== '')
