import { fromUtf8, get8, get16, get32, get48, toHex } from '../base/bytes.ts'
import type { PacketField } from './packet.ts'

// What a packet panel shows: named byte ranges. Every offset counts from the first byte of the frame.

export interface LayerField {
  /** Dotted and stable: `ip.ttl`. */
  readonly name: string
  /** Wireshark's word for it. */
  readonly label: string
  /** Byte range [start, end). */
  readonly start: number
  readonly end: number
  /** Within the range, counted from its most significant bit, when it does not fill it. */
  readonly bits?: { readonly offset: number; readonly length: number }
  readonly value: string
  /** Unsigned integer of at most 48 bits; bytes when it is none. */
  readonly raw: number | Uint8Array
  /** The trace's name for it, where a hop can rewrite it. */
  readonly field?: PacketField
}

export interface Layer {
  readonly name: 'Ethernet' | 'ARP' | 'IPv4' | 'IPv6' | 'ICMP' | 'TCP' | 'UDP' | 'DNS' | 'VXLAN' | 'HTTP' | 'Data'
  readonly start: number
  readonly end: number
  /** True inside the datagram that an ICMP error quotes. */
  readonly quoted: boolean
  readonly fields: readonly LayerField[]
  /** What the header promised and the bytes do not hold. */
  readonly malformed?: string
}

type More = Partial<Pick<LayerField, 'bits' | 'field'>>

/** Collects the fields of one layer that begins at `base`. */
export class LayerBuilder {
  readonly fields: LayerField[] = []
  readonly bytes: Uint8Array
  readonly base: number

  constructor(bytes: Uint8Array, base: number) {
    this.bytes = bytes
    this.base = base
  }

  /** A field of 1, 2, 4 or 6 bytes at `at` from the layer's start; `show` makes its text. */
  uint(
    at: number,
    length: 1 | 2 | 4 | 6,
    name: string,
    label: string,
    show: (raw: number) => string = String,
    more: More = {},
  ): this {
    const start = this.base + at
    const read = length === 1 ? get8 : length === 2 ? get16 : length === 4 ? get32 : get48
    const word = read(this.bytes, start)
    const bits = more.bits
    const raw = bits === undefined ? word : Math.floor(word / 2 ** (8 * length - bits.offset - bits.length)) % 2 ** bits.length
    this.fields.push({ name, label, start, end: start + length, value: show(raw), raw, ...more })
    return this
  }

  /** A field of raw bytes at [at, to) from the layer's start. */
  span(at: number, to: number, name: string, label: string, value: string, more: More = {}): this {
    const start = this.base + at
    const end = this.base + to
    this.fields.push({ name, label, start, end, value, raw: this.bytes.subarray(start, end), ...more })
    return this
  }

  build(name: Layer['name'], end: number, quoted: boolean, malformed?: string): Layer {
    const { base: start, fields } = this
    return { name, start, end, quoted, fields, ...(malformed === undefined ? {} : { malformed }) }
  }
}

/** Text as it is when it is text, hex otherwise. */
export function bytesText(bytes: Uint8Array): string {
  const text = fromUtf8(bytes)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells bytes from text
  return /[\u0000-\u0008\u000e-\u001f\ufffd]/.test(text) ? toHex(bytes) : text
}
