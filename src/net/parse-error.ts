import { err } from '../base/result.ts'

/** Bytes that are not what a header says they are. Parsers return it; they never throw. */
export interface ParseError {
  readonly kind: 'parse'
  /** The header at fault: `ethernet`, `ipv4`, `tcp` … */
  readonly header: string
  /** Offset of the offending byte from the start of what was parsed. */
  readonly at: number
  readonly expected: string
}

export const parseError = (header: string, at: number, expected: string) =>
  err<ParseError>({ kind: 'parse', header, at, expected })
