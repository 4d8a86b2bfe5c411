import { emitPacket } from '../../net/emit.ts'
import { captured } from '../../trace/capture.ts'
import type { TraceReader } from '../../trace/reader.ts'
import type { DeviceFrames, SeenFrame } from './seen.ts'

/** The frames that tcpdump on each device would see in the engine's run, by `netns/device`, in order. */
export function engineFrames(reader: TraceReader): DeviceFrames {
  const frames = new Map<string, SeenFrame[]>()
  for (const { seq, device, packet } of captured(reader)) {
    const name = (reader.trace.refs[device] ?? '').slice('dev:'.length)
    const list = frames.get(name) ?? []
    list.push({ bytes: emitPacket(reader.packetAt(packet, seq)), seq })
    frames.set(name, list)
  }
  return frames
}
