import { fromUtf8, get8 } from '../base/bytes.ts'

// RFC 9112 as far as a reader of packets needs it: is this segment the beginning of an HTTP/1 message, and where do its
// lines end.

export type HttpStart =
  | { readonly kind: 'request'; readonly method: string; readonly target: string; readonly version: string }
  | { readonly kind: 'response'; readonly version: string; readonly status: number; readonly reason: string }

const CR = 13
const LF = 10
/** Start lines longer than this are not looked for. */
const MAX_LINE = 2048

/** Offset just past the line that begins at `from`, its LF included; -1 when no line ends there. */
export function lineEnd(bytes: Uint8Array, from: number): number {
  const lf = bytes.indexOf(LF, from)
  return lf < 0 ? -1 : lf + 1
}

/** The line at [from, end) without its line break. */
export function lineText(bytes: Uint8Array, from: number, end: number): string {
  let to = end
  if (to > from && get8(bytes, to - 1) === LF) to--
  if (to > from && get8(bytes, to - 1) === CR) to--
  return fromUtf8(bytes.subarray(from, to))
}

/** The start line when the bytes begin an HTTP/1 request or response, else undefined. */
export function httpStart(bytes: Uint8Array): HttpStart | undefined {
  // Every method and `HTTP/` begin with a capital letter: most payloads are told apart by one byte.
  const first = get8(bytes, 0)
  if (first < 65 || first > 90) return undefined
  const end = lineEnd(bytes, 0)
  if (end < 0 || end > MAX_LINE) return undefined
  const line = lineText(bytes, 0, end)
  const status = /^(HTTP\/1\.[01]) (\d{3})(?: (.*))?$/.exec(line)
  if (status) return { kind: 'response', version: status[1] ?? '', status: Number(status[2]), reason: status[3] ?? '' }
  const request = /^([A-Z]+) (\S+) (HTTP\/1\.[01])$/.exec(line)
  if (request) return { kind: 'request', method: request[1] ?? '', target: request[2] ?? '', version: request[3] ?? '' }
  return undefined
}

/** `GET /`, `200 OK`. */
export const httpLabel = (h: HttpStart): string =>
  h.kind === 'request' ? `${h.method} ${h.target}` : `${h.status} ${h.reason}`.trimEnd()
