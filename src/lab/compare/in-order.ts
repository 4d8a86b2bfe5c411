import type { Difference } from './difference.ts'

export interface Line {
  readonly text: string
  /** The engine's step. */
  readonly seq?: number
}

export interface Ordered {
  readonly what: string
  readonly where: string
  readonly engine: readonly Line[]
  readonly kernel: readonly Line[]
  /** Lines of one flow keep their order; lines of different flows may come either way. */
  readonly flowOf: (text: string) => string
}

/** What of two lists of lines is not the same, flow by flow. */
export function compareInOrder(o: Ordered): Difference[] {
  const ours = byFlow(o.engine, o.flowOf)
  const theirs = byFlow(o.kernel, o.flowOf)
  const flows = new Set([...ours.keys(), ...theirs.keys()])
  return [...flows].flatMap((flow) => compareFlow(o, ours.get(flow) ?? [], theirs.get(flow) ?? []))
}

function byFlow(lines: readonly Line[], flowOf: (text: string) => string): Map<string, Line[]> {
  const flows = new Map<string, Line[]>()
  for (const l of lines) {
    const flow = flowOf(l.text)
    const list = flows.get(flow)
    if (list === undefined) flows.set(flow, [l])
    else list.push(l)
  }
  return flows
}

/** The longest common subsequence stays; what is beside it differs. Runs are short, so the table is small. */
function compareFlow({ what, where }: Ordered, ours: readonly Line[], theirs: readonly Line[]): Difference[] {
  const best = lengths(ours, theirs)
  const at = (i: number, j: number) => best[i]?.[j] ?? 0
  const out: Difference[] = []
  let i = 0
  let j = 0
  while (i < ours.length || j < theirs.length) {
    const a = ours[i]
    const b = theirs[j]
    if (a !== undefined && b !== undefined && a.text === b.text) {
      i++
      j++
    } else if (a !== undefined && (b === undefined || at(i + 1, j) >= at(i, j + 1))) {
      out.push({ what, where, engine: a.text, kernel: undefined, ...(a.seq === undefined ? {} : { seq: a.seq }) })
      i++
    } else {
      out.push({ what, where, engine: undefined, kernel: b?.text })
      j++
    }
  }
  return paired(out)
}

/** Length of the longest common subsequence from each pair of places on. */
function lengths(ours: readonly Line[], theirs: readonly Line[]): Int32Array[] {
  const best = Array.from({ length: ours.length + 1 }, () => new Int32Array(theirs.length + 1))
  for (let i = ours.length - 1; i >= 0; i--) {
    const row = best[i]
    const below = best[i + 1]
    if (row === undefined || below === undefined) continue
    for (let j = theirs.length - 1; j >= 0; j--) {
      const same = ours[i]?.text === theirs[j]?.text
      row[j] = same ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0)
    }
  }
  return best
}

/** One line that is otherwise on the other side is one difference, not two. */
function paired(differences: readonly Difference[]): Difference[] {
  const out: Difference[] = []
  for (const d of differences) {
    const last = out.at(-1)
    if (last !== undefined && last.kernel === undefined && d.engine === undefined)
      out[out.length - 1] = { ...last, kernel: d.kernel }
    else out.push(d)
  }
  return out
}
