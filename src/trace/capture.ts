import { STEP } from './columns.ts'
import type { TraceReader } from './reader.ts'
import { DROP_REASONS } from './step.ts'

const DEV_READY = DROP_REASONS.indexOf('SKB_DROP_REASON_DEV_READY')

/** A frame that a packet socket on a device would see. */
export interface Captured {
  readonly seq: number
  /** Index of the device in the trace's `refs`. */
  readonly device: number
  readonly packet: number
  readonly direction: 'in' | 'out'
}

/**
 * What packet sockets (tcpdump) on every device would see, in order: bytes are those of the packet at `seq`.
 *
 * Linux shows packet sockets what a device receives or sends (ptype_all). A bridge receives only what it passes up to its
 * host, as it is after bridge PREROUTING (br_pass_frame_up); what goes from port to port it never shows. On lo, where every
 * frame is sent and received, libpcap leaves out the sending.
 */
export function captured(reader: TraceReader): Captured[] {
  const { events: e, refs } = reader.trace
  const frames: Captured[] = []
  const kinds = new Map<number, string>()
  const kindOf = (ref: number): string => {
    let kind = kinds.get(ref)
    if (kind === undefined) {
      const record = reader.versions.at(refs[ref] ?? '', -1)
      kind = record?.kind === 'device' ? record.link.kind : ''
      kinds.set(ref, kind)
    }
    return kind
  }
  for (let seq = 0; seq < e.length; seq++) {
    const packet = e.packet[seq] ?? -1
    const device = e.device[seq] ?? -1
    if (e.kind[seq] === STEP.enter && e.a[seq] === 0) {
      const outward = e.b[seq] !== 0
      const kind = kindOf(device)
      // A device that is down, or has no carrier, sends nothing.
      const unsent = outward && e.kind[seq + 1] === STEP.drop && e.packet[seq + 1] === packet && e.a[seq + 1] === DEV_READY
      if (!unsent && (outward ? kind !== 'loopback' : kind !== 'bridge'))
        frames.push({ seq, device, packet, direction: outward ? 'out' : 'in' })
    } else if (e.kind[seq] === STEP.depart && device >= 0 && kindOf(device) === 'bridge') {
      if ((refs[e.a[seq] ?? -1] ?? '').startsWith('netns:')) frames.push({ seq, device, packet, direction: 'in' })
    }
  }
  return frames
}
