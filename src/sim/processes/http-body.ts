import { concatBytes } from '../../base/bytes.ts'
import { contentLength, type HttpBuffer, header, type MessageHead } from './http.ts'

/** RFC 9112 section 6.3: how one knows where a message's body ends. */
export type Framing =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  /** Until the other end closes: responses only. */
  | { readonly kind: 'close' }

const NOTHING: Framing = { kind: 'length', length: 0 }

const isChunked = (head: MessageHead): boolean => /(^|,)\s*chunked\s*$/i.test(header(head, 'transfer-encoding') ?? '')

export const requestFraming = (head: MessageHead): Framing =>
  isChunked(head) ? { kind: 'chunked' } : { kind: 'length', length: contentLength(head) ?? 0 }

/** `method` is that of the request: an answer to HEAD has no body, whatever its header says. */
export function responseFraming(head: MessageHead, method: string): Framing {
  const status = statusOf(head)
  if (method === 'HEAD' || status === 204 || status === 304 || (status >= 100 && status < 200)) return NOTHING
  if (isChunked(head)) return { kind: 'chunked' }
  const length = contentLength(head)
  return length === undefined ? { kind: 'close' } : { kind: 'length', length }
}

/** Of a status line; 0 when it is none. */
export const statusOf = (head: MessageHead): number => Number(/^HTTP\/1\.[01] (\d{3})/.exec(head.startLine)?.[1] ?? 0)

/** Takes a body out of a connection's bytes as they come. */
export class BodyReader {
  readonly framing: Framing
  /** Everything has been taken. A body that ends with the connection is done when `closed` says so. */
  done: boolean
  /** Left of the body, or of the chunk that is being read. */
  #left: number
  #part: 'size' | 'data' | 'end' | 'trailer' = 'size'

  constructor(framing: Framing) {
    this.framing = framing
    this.#left = framing.kind === 'length' ? framing.length : 0
    this.done = framing.kind === 'length' && framing.length === 0
  }

  /** What is there of the content, chunk sizes taken off. */
  take(buffer: HttpBuffer): Uint8Array {
    if (this.framing.kind === 'chunked') return this.#takeChunks(buffer)
    if (this.framing.kind === 'close') return buffer.take(buffer.length)
    const bytes = buffer.take(Math.min(this.#left, buffer.length))
    this.#left -= bytes.length
    this.done = this.#left === 0
    return bytes
  }

  /** The other end has closed. True when the body was complete. */
  closed(): boolean {
    if (this.framing.kind === 'close') this.done = true
    return this.done
  }

  /** RFC 9112 section 7.1. */
  #takeChunks(buffer: HttpBuffer): Uint8Array {
    const parts: Uint8Array[] = []
    while (!this.done) {
      if (this.#part === 'data') {
        const bytes = buffer.take(Math.min(this.#left, buffer.length))
        if (bytes.length === 0) break
        parts.push(bytes)
        this.#left -= bytes.length
        if (this.#left === 0) this.#part = 'end'
        continue
      }
      const line = buffer.takeLine()
      if (line === undefined) break
      if (this.#part === 'end') this.#part = 'size'
      else if (this.#part === 'trailer') this.done = line === ''
      else {
        this.#left = Number.parseInt(line, 16) || 0
        this.#part = this.#left === 0 ? 'trailer' : 'data'
      }
    }
    return concatBytes(parts)
  }
}
