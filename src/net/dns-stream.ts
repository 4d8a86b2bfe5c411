import { concatBytes, get16 } from '../base/bytes.ts'

// DNS over a byte stream (RFC 1035 section 4.2.2): each message with its length in two octets before it.

/** Messages as they go into one write. */
export function dnsFrames(messages: readonly Uint8Array[]): Uint8Array {
  return concatBytes(messages.flatMap((m) => [Uint8Array.of(m.length >> 8, m.length & 0xff), m]))
}

/** What has come of a stream: whole messages are taken from it in order. */
export class DnsStream {
  #bytes: Uint8Array = new Uint8Array()

  push(bytes: Uint8Array): void {
    this.#bytes = concatBytes([this.#bytes, bytes])
  }

  /** The next message; undefined until all of it is here. */
  take(): Uint8Array | undefined {
    const b = this.#bytes
    const end = b.length < 2 ? Number.POSITIVE_INFINITY : 2 + get16(b, 0)
    if (b.length < end) return undefined
    this.#bytes = b.subarray(end)
    return b.subarray(2, end)
  }
}
