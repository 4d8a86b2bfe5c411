import { emitPacket } from '../net/emit.ts'
import { type CapturedFrame, type CaptureInterface, writePcapng } from '../net/pcapng.ts'
import { STEP } from './columns.ts'
import { deviceName } from './names.ts'
import type { TraceReader } from './reader.ts'

/**
 * The trace as a pcapng file: one interface per device that saw a frame, named `netns/device`, in order of first sight; a
 * frame wherever a packet enters a device, as its bytes are there, stamped with virtual time (ns since the run began).
 * A packet on lo has no link-layer addresses: its Ethernet header is zeros, as a capture on a Linux lo shows.
 */
export function traceToPcapng(reader: TraceReader): Uint8Array {
  const { events: e, refs } = reader.trace
  const interfaces: CaptureInterface[] = []
  const indexOf = new Map<number, number>()
  const frames: CapturedFrame[] = []
  for (let s = 0; s < e.length; s++) {
    if (e.kind[s] !== STEP.enter || e.a[s] !== 0) continue
    const ref = e.device[s] as number
    let index = indexOf.get(ref)
    if (index === undefined) {
      const { netns, name } = deviceName(refs[ref] ?? '')
      index = interfaces.push({ name: `${netns}/${name}`, linkType: 'ethernet' }) - 1
      indexOf.set(ref, index)
    }
    const packet = e.packet[s] as number
    frames.push({
      interface: index,
      time: e.t[s] as number,
      bytes: emitPacket(reader.packetAt(packet, s)),
      direction: e.b[s] === 0 ? 'in' : 'out',
    })
  }
  return writePcapng(interfaces, frames)
}
