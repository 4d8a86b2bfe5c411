import type { Difference } from '../compare/difference.ts'
import { rests } from '../compare/normalisations.ts'
import { natPorts } from '../compare/ports.ts'
import { type ComparableRun, compareRuns, type RunComparison } from '../compare/runs.ts'
import { pinnedPorts, pinsOf } from '../pins.ts'
import type { FuzzCase } from './case.ts'
import type { JourneyEnd, PlayedCase } from './play.ts'

/** Differences in frames, rule counters, tables and in what the commands said. */
export function compareCase(
  c: FuzzCase,
  engine: PlayedCase,
  kernel: { readonly run: ComparableRun; readonly journeys: readonly JourneyEnd[] },
): RunComparison {
  // Those that the commands were given, then what NAT drew on this side, as in the engine's list.
  const ports = [...pinnedPorts(pinsOf(engine.reader)), ...natPorts(kernel.run.tables)]
  const compared = compareRuns(engine.run, { ...kernel.run, ports, frames: withoutOffload(kernel.run) })
  const commands = c.journeys.flatMap((j, i): Difference[] => {
    const ours = rests('program-output', endText)(j.run, engine.journeys[i])
    const theirs = endText(j.run, kernel.journeys[i])
    return ours === theirs ? [] : [{ what: 'journey', where: `${i + 1} ${j.from}: ${j.run}`, engine: ours, kernel: theirs }]
  })
  return { ...compared, differences: [...commands, ...compared.differences] }
}

/** On lo nobody fills checksums in, and so an ICMP error there may quote a packet that has none yet. */
const withoutOffload = (run: ComparableRun): ComparableRun['frames'] =>
  new Map(
    [...run.frames].map(([device, lines]) => [
      device,
      device.endsWith('/lo') ? lines.map((l) => ({ ...l, text: l.text.replace(' BAD CHECKSUM }', ' }') })) : lines,
    ]),
  )

/** Exit status, and of ping every line without its times. What curl and nc say differs from version to version. */
function endText(command: string, end: JourneyEnd | undefined): string {
  if (end === undefined) return 'did not run'
  if (!command.startsWith('ping ')) return `exit ${end.exit}`
  const lines = end.output
    .split('\n')
    .map((l) => l.trim().replace(/ time=\S+ ms| time \d+ms|, pipe \d+/g, ''))
    .filter((l) => l !== '' && !l.startsWith('rtt '))
  return [`exit ${end.exit}`, ...lines].join(' | ')
}
