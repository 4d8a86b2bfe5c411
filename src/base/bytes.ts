// Big-endian (network order) access to byte arrays. Reads past the end give 0 for the missing bytes: parsers check lengths
// once, before they read.

export const get8 = (b: Uint8Array, at: number): number => b[at] ?? 0
export const get16 = (b: Uint8Array, at: number): number => (get8(b, at) << 8) | get8(b, at + 1)
export const get24 = (b: Uint8Array, at: number): number => (get16(b, at) << 8) | get8(b, at + 2)
export const get32 = (b: Uint8Array, at: number): number => ((get16(b, at) << 16) | get16(b, at + 2)) >>> 0
/** A 48-bit unsigned integer: a MAC address. */
export const get48 = (b: Uint8Array, at: number): number => get16(b, at) * 0x1_0000_0000 + get32(b, at + 2)

export function set16(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 8
  b[at + 1] = value
}

export function set24(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 16
  set16(b, at + 1, value)
}

export function set32(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 24
  b[at + 1] = value >>> 16
  b[at + 2] = value >>> 8
  b[at + 3] = value
}

export function set48(b: Uint8Array, at: number, value: number): void {
  set16(b, at, Math.floor(value / 0x1_0000_0000))
  set32(b, at + 2, value >>> 0)
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const utf8 = (text: string): Uint8Array => encoder.encode(text)
/** Malformed sequences become U+FFFD; it never throws. */
export const fromUtf8 = (b: Uint8Array): string => decoder.decode(b)

/** Lower-case hex digits, two a byte, nothing between. */
export function toHex(b: Uint8Array): string {
  let text = ''
  for (const byte of b) text += byte.toString(16).padStart(2, '0')
  return text
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const p of parts) length += p.length
  const out = new Uint8Array(length)
  let at = 0
  for (const p of parts) {
    out.set(p, at)
    at += p.length
  }
  return out
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
