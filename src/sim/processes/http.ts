import { concatBytes, fromUtf8 } from '../../base/bytes.ts'
import { EMPTY } from '../../net/packet.ts'

/** RFC 9112: what a message starts with. */
export interface MessageHead {
  readonly startLine: string
  /** As they came, in order. */
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  /** The head's bytes as text, with every CRLF and the empty line. */
  readonly text: string
}

export const header = (head: MessageHead, name: string): string | undefined =>
  head.headers.find((h) => h.name.toLowerCase() === name.toLowerCase())?.value

/** RFC 9112 section 9.3: HTTP/1.1 keeps the connection unless told otherwise. */
export function keepsAlive(head: MessageHead): boolean {
  const connection = (header(head, 'connection') ?? '').toLowerCase()
  if (connection.includes('close')) return false
  return !head.startLine.includes('HTTP/1.0') || connection.includes('keep-alive')
}

const findHeadEnd = (b: Uint8Array): number => {
  for (let i = 0; i + 3 < b.length; i++) if (b[i] === 13 && b[i + 1] === 10 && b[i + 2] === 13 && b[i + 3] === 10) return i + 4
  return -1
}

/** Bytes of a connection that are not used up yet. */
export class HttpBuffer {
  #bytes: Uint8Array = EMPTY

  get length(): number {
    return this.#bytes.length
  }

  push(bytes: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : concatBytes([this.#bytes, bytes])
  }

  /** The next message's head, once it is there in full. */
  takeHead(): MessageHead | undefined {
    const end = findHeadEnd(this.#bytes)
    if (end < 0) return undefined
    const text = fromUtf8(this.#bytes.subarray(0, end))
    this.#bytes = this.#bytes.subarray(end)
    const [startLine = '', ...lines] = text.slice(0, -4).split('\r\n')
    const headers = lines.map((line) => {
      const colon = line.indexOf(':')
      return { name: line.slice(0, colon < 0 ? line.length : colon), value: colon < 0 ? '' : line.slice(colon + 1).trim() }
    })
    return { startLine, headers, text }
  }

  /** The next line without its CRLF, once it is there in full. */
  takeLine(): string | undefined {
    const lf = this.#bytes.indexOf(10)
    if (lf < 0) return undefined
    const line = fromUtf8(this.#bytes.subarray(0, lf)).replace(/\r$/, '')
    this.#bytes = this.#bytes.subarray(lf + 1)
    return line
  }

  /** At most `length` bytes. */
  take(length: number): Uint8Array {
    const taken = this.#bytes.subarray(0, length)
    this.#bytes = this.#bytes.subarray(length)
    return taken
  }
}

/** Content-Length as a number, undefined when absent or malformed. */
export function contentLength(head: MessageHead): number | undefined {
  const text = header(head, 'content-length')
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}
