import type { Difference } from './difference.ts'
import { FrameWriter, flowOf } from './frame-text.ts'
import { compareInOrder, type Line } from './in-order.ts'
import { rests } from './normalisations.ts'
import type { DeviceFrames } from './seen.ts'

/** A run's frames as lines, by device, in order; `seq` the engine's step. */
export type FrameLines = ReadonlyMap<string, readonly Line[]>

export function frameLines(frames: DeviceFrames): FrameLines {
  const writer = new FrameWriter(frames)
  const out = new Map<string, Line[]>()
  for (const [device, list] of frames) {
    const checksums = rests('lo-checksums', !device.endsWith('/lo'))
    const timeless = rests('virtual-time', list)
    const lines = timeless.map((f) => ({ text: writer.line(f.bytes, checksums), ...(f.seq === undefined ? {} : { seq: f.seq }) }))
    out.set(device, lines)
  }
  return out
}

/**
 * Frames of the two runs, device by device. Within a flow and direction they have to come in the same order; across flows
 * the kernel's order is compared only through what each flow's own frames say (acknowledgements, NUD states, tables).
 */
export function compareFrames(engine: FrameLines, kernel: FrameLines): Difference[] {
  const devices = new Set([...engine.keys(), ...kernel.keys()])
  return [...devices].flatMap((where) =>
    compareInOrder({
      what: 'frames',
      where,
      engine: engine.get(where) ?? [],
      kernel: kernel.get(where) ?? [],
      flowOf: rests('order-of-flows', flowOf),
    }),
  )
}
