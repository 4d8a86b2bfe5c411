// What ping of iputils puts into its probes, and reads from their answers.

/** struct timeval in the payload, little endian: without room for it no time is printed. */
const TIMEVAL = 16
/** What setup() reckons for the bookkeeping of each 512 bytes. */
const PER_BLOCK = 20 + 16 + 64 + 160

/** sock_setbufs(): SO_SNDBUF has room for little more than one probe of `size` bytes. */
export function sendBuffer(size: number): number {
  const message = size + 8
  return message + Math.floor((message + 511) / 512) * PER_BLOCK
}

/** Every byte its own place, the first sixteen the time of day: `now`, virtual ns. */
export function payload(size: number, now: number): Uint8Array {
  const bytes = Uint8Array.from({ length: size }, (_, i) => i & 255)
  if (bytes.length < TIMEVAL) return bytes
  const view = new DataView(bytes.buffer)
  const us = Math.floor(now / 1000)
  view.setUint32(0, Math.floor(us / 1_000_000), true)
  view.setUint32(4, 0, true)
  view.setUint32(8, us % 1_000_000, true)
  view.setUint32(12, 0, true)
  return bytes
}

/** Microseconds from the payload's timestamp to `arrived`, virtual ns. Undefined where it has no room for one. */
export function roundTrip(bytes: Uint8Array, arrived: number): number | undefined {
  if (bytes.length < TIMEVAL) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const sent = view.getUint32(0, true) * 1_000_000 + view.getUint32(8, true)
  return Math.floor(arrived / 1000) - sent
}
