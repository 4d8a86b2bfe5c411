import { utf8 } from '../base/bytes.ts'
import type { LinkType } from './parse.ts'

// A pcapng file as draft-ietf-opsawg-pcapng has it, little-endian: one section, one interface description block per device,
// nanosecond timestamps, one enhanced packet block per frame.

export interface CaptureInterface {
  /** if_name; in a trace `netns/device`: `pod/client/eth0`. */
  readonly name: string
  readonly linkType: LinkType
}

export interface CapturedFrame {
  /** Index into the interfaces. */
  readonly interface: number
  /** Nanoseconds since 1970; a virtual clock counts from 0. */
  readonly time: number
  readonly bytes: Uint8Array
  readonly direction?: 'in' | 'out'
  /** opt_comment, shown by Wireshark above the packet. */
  readonly comment?: string
}

const BLOCK = { SECTION_HEADER: 0x0a0d0d0a, INTERFACE_DESCRIPTION: 1, ENHANCED_PACKET: 6 } as const
const BYTE_ORDER_MAGIC = 0x1a2b3c4d
/** https://www.tcpdump.org/linktypes.html: LINKTYPE_ETHERNET, LINKTYPE_RAW. */
const LINKTYPE: Readonly<Record<LinkType, number>> = { ethernet: 1, ip: 101 }
const OPTION = { COMMENT: 1, SHB_USERAPPL: 4, IF_NAME: 2, IF_TSRESOL: 9, EPB_FLAGS: 2 } as const
/** if_tsresol: a power of ten, 10^-9 s. */
const NANOSECONDS = Uint8Array.of(9)

const pad4 = (n: number): number => (n + 3) & ~3

/** Grows as it is written, doubling. */
class Sink {
  #bytes = new Uint8Array(1 << 16)
  #view = new DataView(this.#bytes.buffer)
  length = 0

  #room(n: number): void {
    if (this.length + n <= this.#bytes.length) return
    const next = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + n))
    next.set(this.#bytes)
    this.#bytes = next
    this.#view = new DataView(next.buffer)
  }

  u16(value: number): void {
    this.#room(2)
    this.#view.setUint16(this.length, value, true)
    this.length += 2
  }

  u32(value: number): void {
    this.#room(4)
    this.#view.setUint32(this.length, value, true)
    this.length += 4
  }

  /** Padded with zeros to four bytes. */
  padded(bytes: Uint8Array): void {
    const n = pad4(bytes.length)
    this.#room(n)
    this.#bytes.set(bytes, this.length)
    this.length += n
  }

  option(code: number, value: Uint8Array): void {
    this.u16(code)
    this.u16(value.length)
    this.padded(value)
  }

  endOfOptions(): void {
    this.u32(0)
  }

  /** A block: type, total length, what `body` writes, total length again. */
  block(type: number, body: () => void): void {
    const start = this.length
    this.u32(type)
    this.u32(0)
    body()
    const length = this.length + 4 - start
    this.u32(length)
    this.#view.setUint32(start + 4, length, true)
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.length)
  }
}

/** option lengths are 16-bit; a cut comment is still a comment. */
const optionText = (text: string): Uint8Array => utf8(text).subarray(0, 0xffff)

/** Writes a whole capture. Frames are written in the order given, which should be that of time. */
export function writePcapng(interfaces: readonly CaptureInterface[], frames: Iterable<CapturedFrame>): Uint8Array {
  const sink = new Sink()
  sink.block(BLOCK.SECTION_HEADER, () => {
    sink.u32(BYTE_ORDER_MAGIC)
    sink.u16(1)
    sink.u16(0)
    // Section length -1: not given.
    sink.u32(0xffffffff)
    sink.u32(0xffffffff)
    sink.option(OPTION.SHB_USERAPPL, utf8('Hopscope'))
    sink.endOfOptions()
  })
  for (const i of interfaces) {
    sink.block(BLOCK.INTERFACE_DESCRIPTION, () => {
      sink.u16(LINKTYPE[i.linkType])
      sink.u16(0)
      sink.u32(0)
      sink.option(OPTION.IF_NAME, optionText(i.name))
      sink.option(OPTION.IF_TSRESOL, NANOSECONDS)
      sink.endOfOptions()
    })
  }
  for (const f of frames) writeFrame(sink, f)
  return sink.take()
}

function writeFrame(sink: Sink, f: CapturedFrame): void {
  sink.block(BLOCK.ENHANCED_PACKET, () => {
    sink.u32(f.interface)
    sink.u32(Math.floor(f.time / 0x1_0000_0000))
    sink.u32(f.time % 0x1_0000_0000)
    sink.u32(f.bytes.length)
    sink.u32(f.bytes.length)
    sink.padded(f.bytes)
    if (f.direction === undefined && f.comment === undefined) return
    if (f.comment !== undefined) sink.option(OPTION.COMMENT, optionText(f.comment))
    // epb_flags, bits 0 and 1: 1 inbound, 2 outbound.
    if (f.direction !== undefined) sink.option(OPTION.EPB_FLAGS, Uint8Array.of(f.direction === 'in' ? 1 : 2, 0, 0, 0))
    sink.endOfOptions()
  })
}
