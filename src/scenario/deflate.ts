// Text to a short, URL-safe word and back, with the platform's own deflate (RFC 1951) and base64url (RFC 4648, section 5).
// Before the compressed bytes stands a checksum of the text's bytes, so that a damaged word is never taken for another.

const CHECKSUM_BYTES = 4

export type UnpackError = 'malformed' | 'truncated' | 'too-large'

export async function pack(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text)
  const body = await drain(new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate-raw')), Number.POSITIVE_INFINITY)
  if (typeof body === 'string') throw new Error(`deflate failed: ${body}`)
  const out = new Uint8Array(CHECKSUM_BYTES + body.length)
  new DataView(out.buffer).setUint32(0, checksum(bytes))
  out.set(body, CHECKSUM_BYTES)
  return toBase64Url(out)
}

/** Stops inflating at `limit` bytes, so that a small link cannot fill the memory. */
export async function unpack(word: string, limit: number): Promise<{ readonly text: string } | UnpackError> {
  const bytes = fromBase64Url(word)
  if (bytes === undefined) return 'malformed'
  if (bytes.length <= CHECKSUM_BYTES) return 'truncated'
  const stream = new Blob([bytes.subarray(CHECKSUM_BYTES)]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  const body = await drain(stream, limit)
  if (typeof body === 'string') return body
  if (checksum(body) !== new DataView(bytes.buffer).getUint32(0)) return 'truncated'
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(body) }
  } catch {
    return 'malformed'
  }
}

async function drain(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array<ArrayBuffer> | UnpackError> {
  const reader = stream.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      length += read.value.length
      if (length > limit) {
        await reader.cancel()
        return 'too-large'
      }
      parts.push(read.value)
    }
  } catch {
    // A deflate stream that ends early or makes no sense: both are what a cut link looks like.
    return 'truncated'
  }
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** FNV-1a, 32 bits, over bytes. */
function checksum(bytes: Uint8Array): number {
  let h = 0x811c9dc5
  for (const b of bytes) h = Math.imul(h ^ b, 0x01000193)
  return h >>> 0
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = ''
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** A length that leaves one character over is one that lost its end: undefined for that and for foreign characters. */
function fromBase64Url(word: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(word) || word.length % 4 === 1) return undefined
  const binary = atob(word.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (c) => c.charCodeAt(0))
}
