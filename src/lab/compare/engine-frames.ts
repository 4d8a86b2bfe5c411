import { emitPacket } from '../../net/emit.ts'
import { STEP } from '../../trace/columns.ts'
import type { TraceReader } from '../../trace/reader.ts'
import type { DeviceFrames, SeenFrame } from './seen.ts'

/**
 * The frames that a packet socket on each device would see in the engine's run, by `netns/device`, in order.
 *
 * Linux shows packet sockets what a device receives or sends (ptype_all). A bridge receives only what it passes up to its
 * host, as it is after bridge PREROUTING (br_pass_frame_up); what goes from port to port it never shows. On lo, where every
 * frame is sent and received, libpcap leaves out the sending.
 */
export function engineFrames(reader: TraceReader): DeviceFrames {
  const { events: e, refs } = reader.trace
  const frames = new Map<string, SeenFrame[]>()
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
  const see = (ref: number, packet: number, seq: number) => {
    const name = (refs[ref] ?? '').slice('dev:'.length)
    const list = frames.get(name) ?? []
    list.push({ bytes: emitPacket(reader.packetAt(packet, seq)), seq })
    frames.set(name, list)
  }
  for (let s = 0; s < e.length; s++) {
    const packet = e.packet[s] ?? -1
    const device = e.device[s] ?? -1
    if (e.kind[s] === STEP.enter && e.a[s] === 0) {
      const outward = e.b[s] !== 0
      const kind = kindOf(device)
      if (outward ? kind !== 'loopback' : kind !== 'bridge') see(device, packet, s)
    } else if (e.kind[s] === STEP.depart && device >= 0 && kindOf(device) === 'bridge') {
      if ((refs[e.a[s] ?? -1] ?? '').startsWith('netns:')) see(device, packet, s)
    }
  }
  return frames
}
