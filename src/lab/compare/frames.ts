import type { Difference } from './difference.ts'
import { FrameWriter, flowOf } from './frame-text.ts'
import type { DeviceFrames } from './seen.ts'

/** A run's frames as lines, by device, in order; `seq` the engine's step. */
export type FrameLines = ReadonlyMap<string, readonly FrameLine[]>

export interface FrameLine {
  readonly text: string
  readonly seq?: number
}

export function frameLines(frames: DeviceFrames): FrameLines {
  const writer = new FrameWriter(frames)
  const out = new Map<string, FrameLine[]>()
  for (const [device, list] of frames) {
    const checksums = !device.endsWith('/lo')
    const lines = list.map((f) => ({ text: writer.line(f.bytes, checksums), ...(f.seq === undefined ? {} : { seq: f.seq }) }))
    out.set(device, lines)
  }
  return out
}

/**
 * Frames of the two runs, device by device. Within a flow and direction they have to come in the same order; across flows
 * the kernel's order is compared only through what each flow's own frames say (acknowledgements, NUD states, tables).
 */
export function compareFrames(engine: FrameLines, kernel: FrameLines): Difference[] {
  const differences: Difference[] = []
  for (const device of new Set([...engine.keys(), ...kernel.keys()])) {
    const ours = byFlow(engine.get(device) ?? [])
    const theirs = byFlow(kernel.get(device) ?? [])
    for (const flow of new Set([...ours.keys(), ...theirs.keys()])) {
      differences.push(...compareFlow(device, ours.get(flow) ?? [], theirs.get(flow) ?? []))
    }
  }
  return differences
}

function byFlow(lines: readonly FrameLine[]): Map<string, FrameLine[]> {
  const flows = new Map<string, FrameLine[]>()
  for (const l of lines) {
    const flow = flowOf(l.text)
    const list = flows.get(flow)
    if (list === undefined) flows.set(flow, [l])
    else list.push(l)
  }
  return flows
}

/** The longest common subsequence stays; what is beside it differs. Runs are short, so the table is small. */
function compareFlow(where: string, ours: readonly FrameLine[], theirs: readonly FrameLine[]): Difference[] {
  const n = ours.length
  const m = theirs.length
  const best = Array.from({ length: n + 1 }, () => new Int32Array(m + 1))
  const at = (i: number, j: number) => best[i]?.[j] ?? 0
  for (let i = n - 1; i >= 0; i--) {
    const row = best[i]
    if (row === undefined) continue
    for (let j = m - 1; j >= 0; j--) {
      row[j] = ours[i]?.text === theirs[j]?.text ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const out: Difference[] = []
  let i = 0
  let j = 0
  while (i < n || j < m) {
    const a = ours[i]
    const b = theirs[j]
    if (a !== undefined && b !== undefined && a.text === b.text) {
      i++
      j++
    } else if (b === undefined || (a !== undefined && at(i + 1, j) >= at(i, j + 1))) {
      if (a !== undefined)
        out.push({ what: 'frames', where, engine: a.text, kernel: undefined, ...(a.seq === undefined ? {} : { seq: a.seq }) })
      i++
    } else {
      out.push({ what: 'frames', where, engine: undefined, kernel: b.text })
      j++
    }
  }
  return out
}
