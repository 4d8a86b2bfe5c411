import { assertNever } from '../base/assert-never.ts'
import { get8, get16, get32 } from '../base/bytes.ts'

/** RFC 9293 section 3.2, RFC 7323 (window scale, timestamps), RFC 2018 (SACK). */
export type TcpOption =
  | { readonly kind: 'nop' }
  /** Bytes. */
  | { readonly kind: 'mss'; readonly value: number }
  | { readonly kind: 'window-scale'; readonly shift: number }
  | { readonly kind: 'sack-permitted' }
  | { readonly kind: 'sack'; readonly blocks: readonly { readonly left: number; readonly right: number }[] }
  | { readonly kind: 'timestamps'; readonly value: number; readonly echo: number }
  /** `bytes` without kind and length. */
  | { readonly kind: 'unknown'; readonly option: number; readonly bytes: Uint8Array }
  /** A length that does not fit: the rest of the options, as it is. */
  | { readonly kind: 'malformed'; readonly bytes: Uint8Array }

export const TCPOPT = { END: 0, NOP: 1, MSS: 2, WINDOW: 3, SACK_PERMITTED: 4, SACK: 5, TIMESTAMP: 8 } as const

const word = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]
const framed = (option: number, body: ArrayLike<number>) => [option, body.length + 2, ...Array.from(body)]

/** The option as it goes out, without padding. */
function optionBytes(o: TcpOption): ArrayLike<number> {
  switch (o.kind) {
    case 'nop':
      return [TCPOPT.NOP]
    case 'mss':
      return framed(TCPOPT.MSS, [o.value >>> 8, o.value & 255])
    case 'window-scale':
      return framed(TCPOPT.WINDOW, [o.shift])
    case 'sack-permitted':
      return framed(TCPOPT.SACK_PERMITTED, [])
    case 'sack':
      return framed(
        TCPOPT.SACK,
        o.blocks.flatMap((b) => [...word(b.left), ...word(b.right)]),
      )
    case 'timestamps':
      return framed(TCPOPT.TIMESTAMP, [...word(o.value), ...word(o.echo)])
    case 'unknown':
      return framed(o.option, o.bytes)
    case 'malformed':
      return o.bytes
    default:
      return assertNever(o, 'TCP option')
  }
}

/** The options' bytes in the order given, padded with END to a multiple of four: what `Packet.options` holds. At most 40. */
export function encodeTcpOptions(options: readonly TcpOption[]): Uint8Array {
  const parts = options.map(optionBytes)
  const length = parts.reduce((n, part) => n + part.length, 0)
  const out = new Uint8Array((length + 3) & ~3)
  if (out.length > 40) throw new Error(`${out.length} bytes of TCP options, more than the header can hold`)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** An option and the bytes [start, end) it came from, counted from the first option byte. */
export interface PlacedTcpOption {
  readonly option: TcpOption
  readonly start: number
  readonly end: number
}

/** Reads options up to END or the end of the bytes. Never fails: what does not fit is one `malformed` option at the end. */
export function decodeTcpOptions(bytes: Uint8Array): PlacedTcpOption[] {
  const found: PlacedTcpOption[] = []
  let at = 0
  while (at < bytes.length) {
    const kind = get8(bytes, at)
    if (kind === TCPOPT.END) break
    if (kind === TCPOPT.NOP) {
      found.push({ option: { kind: 'nop' }, start: at, end: at + 1 })
      at++
      continue
    }
    const length = get8(bytes, at + 1)
    if (length < 2 || at + length > bytes.length) {
      found.push({ option: { kind: 'malformed', bytes: bytes.subarray(at) }, start: at, end: bytes.length })
      break
    }
    found.push({ option: readOption(kind, bytes.subarray(at + 2, at + length)), start: at, end: at + length })
    at += length
  }
  return found
}

function readOption(kind: number, body: Uint8Array): TcpOption {
  if (kind === TCPOPT.MSS && body.length === 2) return { kind: 'mss', value: get16(body, 0) }
  if (kind === TCPOPT.WINDOW && body.length === 1) return { kind: 'window-scale', shift: get8(body, 0) }
  if (kind === TCPOPT.SACK_PERMITTED && body.length === 0) return { kind: 'sack-permitted' }
  if (kind === TCPOPT.TIMESTAMP && body.length === 8) return { kind: 'timestamps', value: get32(body, 0), echo: get32(body, 4) }
  if (kind === TCPOPT.SACK && body.length > 0 && body.length % 8 === 0) {
    const blocks = Array.from({ length: body.length / 8 }, (_, i) => ({
      left: get32(body, 8 * i),
      right: get32(body, 8 * i + 4),
    }))
    return { kind: 'sack', blocks }
  }
  return { kind: 'unknown', option: kind, bytes: body }
}

/** `mss 1460`, `sackOK`, `TS val 7 ecr 0`, `nop`, `wscale 7`: as tcpdump prints them. */
export function summarizeTcpOption(o: TcpOption): string {
  switch (o.kind) {
    case 'nop':
      return 'nop'
    case 'mss':
      return `mss ${o.value}`
    case 'window-scale':
      return `wscale ${o.shift}`
    case 'sack-permitted':
      return 'sackOK'
    case 'sack':
      return `sack ${o.blocks.map((b) => `{${b.left}:${b.right}}`).join('')}`
    case 'timestamps':
      return `TS val ${o.value} ecr ${o.echo}`
    case 'unknown':
      return `option ${o.option}`
    case 'malformed':
      return 'malformed'
    default:
      return assertNever(o, 'TCP option')
  }
}
