import type { Difference } from './difference.ts'
import { rests } from './normalisations.ts'

// Entries that run out: how many seconds are left differs by when the tables were read.

/** Seconds by which two runs of the same commands may be apart when their tables are read. */
const TOLERANCE = rests('seconds-left', 3)

/** What a section's lines say of time, and the section that says how long the journeys were under way when it was read. */
interface Timed {
  readonly section: string
  readonly clock: string
  /** A line without its time, and the seconds. */
  readonly read: (line: string) => readonly [entry: string, seconds: number] | undefined
}

const IPVS_CONNECTIONS = 'ipvsadm -Lnc'

export const TIMED: readonly Timed[] = [
  {
    section: 'conntrack',
    clock: 'clock',
    read: (line) => {
      const m = /^(\w+ \d+) (\d+) (.*)$/.exec(line)
      return m === null ? undefined : [`${m[1]} ${m[3]}`, Number(m[2])]
    },
  },
  {
    section: IPVS_CONNECTIONS,
    clock: 'ipvs clock',
    read: (line) => {
      const m = /^(\w+) (\d+):(\d+) (.*)$/.exec(line)
      return m === null ? undefined : [`${m[1]} ${m[4]}`, Number(m[2]) * 60 + Number(m[3])]
    },
  },
]

type Tables = ReadonlyMap<string, string>

const secondsOf = (timed: Timed, text: string): Map<string, number> =>
  new Map(
    text.split('\n').flatMap((l) => {
      const read = timed.read(l.trim().replaceAll(/\s+/g, ' '))
      return read === undefined ? [] : [read]
    }),
  )

/** How much later than the engine's a kernel's table may have been read: an emulated one is slow. */
const lagOf = (timed: Timed, kernel: Tables): number => rests('slow-kernel', Number(kernel.get(timed.clock) ?? '0') || 0)

/** Seconds left where both runs have the entry. */
export function compareTimeouts(where: string, engine: Tables, kernel: Tables): Difference[] {
  return TIMED.flatMap((timed) => {
    const lag = lagOf(timed, kernel)
    const theirs = secondsOf(timed, kernel.get(timed.section) ?? '')
    return [...secondsOf(timed, engine.get(timed.section) ?? '')].flatMap(([entry, seconds]): Difference[] => {
      const real = theirs.get(entry)
      if (real === undefined || (real >= seconds - lag - TOLERANCE && real <= seconds + TOLERANCE)) return []
      return [{ what: `${timed.section} timeout`, where, engine: `${seconds} s: ${entry}`, kernel: `${real} s` }]
    })
  })
}

/** Entries of the engine that had run out by the time the kernel's table was read. */
export function runOut(section: string, engine: Tables, kernel: Tables): ReadonlySet<string> {
  const timed = TIMED.find((t) => t.section === section)
  if (timed === undefined) return new Set()
  const lag = lagOf(timed, kernel)
  return new Set([...secondsOf(timed, engine.get(section) ?? '')].flatMap(([entry, seconds]) => (seconds <= lag ? [entry] : [])))
}

/** States of IPVS that count in ActiveConn (tcp_state_active_table[]). */
const ACTIVE: ReadonlySet<string | undefined> = new Set(['ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'SYNACK'])

/** The engine's real servers without those connections that had run out, in their last two columns: ActiveConn, InActConn. */
export function withoutRunOut(servers: readonly string[], engine: Tables, kernel: Tables): string[] {
  const theirs = kernel.get(IPVS_CONNECTIONS) ?? ''
  const known = new Set(TIMED.filter((t) => t.section === IPVS_CONNECTIONS).flatMap((t) => [...secondsOf(t, theirs).keys()]))
  let lines = [...servers]
  for (const entry of runOut(IPVS_CONNECTIONS, engine, kernel)) {
    const [protocol, state, , virtual, destination] = entry.split(' ')
    if (known.has(entry)) continue
    const own = `${protocol} ${virtual} -> ${destination} `
    const column = ACTIVE.has(state) ? /\d+(?= \d+$)/ : /\d+$/
    lines = lines.map((l) => (l.startsWith(own) ? l.replace(column, (n) => String(Number(n) - 1)) : l))
  }
  return lines
}
