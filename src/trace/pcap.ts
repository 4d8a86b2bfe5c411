import { emitPacket } from '../net/emit.ts'
import { type CapturedFrame, type CaptureInterface, writePcapng } from '../net/pcapng.ts'
import { captured } from './capture.ts'
import { deviceName } from './names.ts'
import type { TraceReader } from './reader.ts'

/**
 * The trace as a pcapng file: one interface per device that saw a frame, named `netns/device`, in order of first sight; a
 * frame wherever tcpdump on that device would show one, as its bytes are there, stamped with virtual time (ns since the run
 * began). A packet on lo has no link-layer addresses: its Ethernet header is zeros, as a capture on a Linux lo shows.
 */
export function traceToPcapng(reader: TraceReader): Uint8Array {
  const { events: e, refs } = reader.trace
  const interfaces: CaptureInterface[] = []
  const indexOf = new Map<number, number>()
  const frames: CapturedFrame[] = []
  for (const { seq, device, packet, direction } of captured(reader)) {
    let index = indexOf.get(device)
    if (index === undefined) {
      const { netns, name } = deviceName(refs[device] ?? '')
      index = interfaces.push({ name: `${netns}/${name}`, linkType: 'ethernet' }) - 1
      indexOf.set(device, index)
    }
    frames.push({ interface: index, time: e.t[seq] as number, bytes: emitPacket(reader.packetAt(packet, seq)), direction })
  }
  return writePcapng(interfaces, frames)
}
