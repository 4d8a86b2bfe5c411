import { EMPTY } from '../../../net/packet.ts'
import { decodeTcpOptions, encodeTcpOptions, type TcpOption } from '../../../net/tcp-options.ts'

/** struct tcp_options_received, of one segment. */
export interface ReceivedOptions {
  readonly mss: number | undefined
  readonly windowScale: number | undefined
  readonly sackPermitted: boolean
  readonly timestamps: { readonly value: number; readonly echo: number } | undefined
  readonly sack: readonly { readonly left: number; readonly right: number }[]
}

const NONE: ReceivedOptions = {
  mss: undefined,
  windowScale: undefined,
  sackPermitted: false,
  timestamps: undefined,
  sack: [],
}

/** tcp_parse_options() */
export function parseOptions(bytes: Uint8Array): ReceivedOptions {
  if (bytes.length === 0) return NONE
  const out = { ...NONE }
  for (const { option } of decodeTcpOptions(bytes)) {
    switch (option.kind) {
      case 'mss':
        Object.assign(out, { mss: option.value })
        break
      case 'window-scale':
        // RFC 7323 section 2.3: larger shifts count as 14.
        Object.assign(out, { windowScale: Math.min(option.shift, 14) })
        break
      case 'sack-permitted':
        Object.assign(out, { sackPermitted: true })
        break
      case 'timestamps':
        Object.assign(out, { timestamps: { value: option.value, echo: option.echo } })
        break
      case 'sack':
        Object.assign(out, { sack: option.blocks })
        break
      default:
        break
    }
  }
  return out
}

export interface SynOptions {
  readonly mss: number
  readonly sackPermitted: boolean
  readonly timestamps: { readonly value: number; readonly echo: number } | undefined
  readonly windowScale: number | undefined
}

/** tcp_options_write() for a SYN: with everything on, 20 bytes in the order of Linux: MSS, SACK permitted, timestamps, NOP, window scale. */
export function synOptions(o: SynOptions): Uint8Array {
  const list: TcpOption[] = [{ kind: 'mss', value: o.mss }]
  if (o.timestamps !== undefined) {
    if (o.sackPermitted) list.push({ kind: 'sack-permitted' })
    else list.push({ kind: 'nop' }, { kind: 'nop' })
    list.push({ kind: 'timestamps', ...o.timestamps })
  } else if (o.sackPermitted) list.push({ kind: 'nop' }, { kind: 'nop' }, { kind: 'sack-permitted' })
  if (o.windowScale !== undefined) list.push({ kind: 'nop' }, { kind: 'window-scale', shift: o.windowScale })
  return encodeTcpOptions(list)
}

/** The options of every other segment: timestamps when agreed, SACK blocks when there is a hole (tcp_established_options). */
export function dataOptions(
  timestamps: { readonly value: number; readonly echo: number } | undefined,
  sack: readonly { readonly left: number; readonly right: number }[],
): Uint8Array {
  const list: TcpOption[] = []
  if (timestamps !== undefined) list.push({ kind: 'nop' }, { kind: 'nop' }, { kind: 'timestamps', ...timestamps })
  // Forty bytes hold four blocks, three beside timestamps.
  const room = timestamps === undefined ? 4 : 3
  if (sack.length > 0) list.push({ kind: 'nop' }, { kind: 'nop' }, { kind: 'sack', blocks: sack.slice(0, room) })
  return list.length === 0 ? EMPTY : encodeTcpOptions(list)
}
