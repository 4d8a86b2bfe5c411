import { emitPacket } from '../../net/emit.ts'
import { STEP } from '../../trace/columns.ts'
import type { TraceReader } from '../../trace/reader.ts'
import type { DeviceFrames, SeenFrame } from './seen.ts'

/**
 * The frames that a packet socket on each device would see in the engine's run, by `netns/device`, in order.
 *
 * Linux shows packet sockets what a device receives or sends (ptype_all). A bridge receives only what it passes up to its
 * host, as it is after bridge PREROUTING (br_pass_frame_up); what goes from port to port it never shows.
 */
export function engineFrames(reader: TraceReader): DeviceFrames {
  const { events: e, refs } = reader.trace
  const frames = new Map<string, SeenFrame[]>()
  const isBridge = new Map<number, boolean>()
  const bridge = (ref: number): boolean => {
    let known = isBridge.get(ref)
    if (known === undefined) {
      const record = reader.versions.at(refs[ref] ?? '', -1)
      known = record?.kind === 'device' && record.link.kind === 'bridge'
      isBridge.set(ref, known)
    }
    return known
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
      if (e.b[s] !== 0 || !bridge(device)) see(device, packet, s)
    } else if (e.kind[s] === STEP.depart && device >= 0 && bridge(device)) {
      if ((refs[e.a[s] ?? -1] ?? '').startsWith('netns:')) see(device, packet, s)
    }
  }
  return frames
}
