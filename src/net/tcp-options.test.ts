import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { decodeTcpOptions, encodeTcpOptions, summarizeTcpOption, type TcpOption } from './tcp-options.ts'

const u32 = fc.integer({ min: 0, max: 0xffffffff })
const option: fc.Arbitrary<TcpOption> = fc.oneof(
  fc.constant<TcpOption>({ kind: 'nop' }),
  fc.integer({ min: 0, max: 0xffff }).map((value): TcpOption => ({ kind: 'mss', value })),
  fc.integer({ min: 0, max: 14 }).map((shift): TcpOption => ({ kind: 'window-scale', shift })),
  fc.constant<TcpOption>({ kind: 'sack-permitted' }),
  fc.tuple(u32, u32).map(([left, right]): TcpOption => ({ kind: 'sack', blocks: [{ left, right }] })),
  fc.tuple(u32, u32).map(([value, echo]): TcpOption => ({ kind: 'timestamps', value, echo })),
  fc.uint8Array({ maxLength: 6 }).map((bytes): TcpOption => ({ kind: 'unknown', option: 253, bytes })),
)

describe('TCP options', () => {
  it('writes a Linux SYN: MSS, SACK permitted, timestamps, NOP, window scale', () => {
    const options: TcpOption[] = [
      { kind: 'mss', value: 1460 },
      { kind: 'sack-permitted' },
      { kind: 'timestamps', value: 7, echo: 0 },
      { kind: 'nop' },
      { kind: 'window-scale', shift: 7 },
    ]
    const bytes = encodeTcpOptions(options)
    expect(toHex(bytes)).toBe('020405b40402080a000000070000000001030307')
    expect(decodeTcpOptions(bytes).map((o) => summarizeTcpOption(o.option))).toEqual([
      'mss 1460',
      'sackOK',
      'TS val 7 ecr 0',
      'nop',
      'wscale 7',
    ])
  })

  it('reads back what it writes, unknown options too', () => {
    fc.assert(
      fc.property(fc.array(option, { maxLength: 3 }), (options) => {
        const bytes = encodeTcpOptions(options)
        expect(bytes.length % 4).toBe(0)
        expect(decodeTcpOptions(bytes).map((o) => o.option)).toEqual(options)
      }),
    )
  })

  it('survives an option longer than the header', () => {
    expect(decodeTcpOptions(Uint8Array.of(1, 2, 9, 0))).toEqual([
      { option: { kind: 'nop' }, start: 0, end: 1 },
      { option: { kind: 'malformed', bytes: Uint8Array.of(2, 9, 0) }, start: 1, end: 4 },
    ])
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (b) => decodeTcpOptions(b).every((o) => o.end <= b.length)))
  })
})
