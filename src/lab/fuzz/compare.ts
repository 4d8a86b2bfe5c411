import type { Difference } from '../compare/difference.ts'
import type { Line } from '../compare/in-order.ts'
import { rests } from '../compare/normalisations.ts'
import { natPorts } from '../compare/ports.ts'
import { type ComparableRun, compareRuns, type RunComparison } from '../compare/runs.ts'
import { pinnedPorts, pinsOf } from '../pins.ts'
import type { FuzzCase } from './case.ts'
import { iptablesOf } from './plan.ts'
import type { JourneyEnd, PlayedCase } from './play.ts'

/** Differences in frames, rule counters, tables and in what the commands said. */
export function compareCase(
  c: FuzzCase,
  engine: PlayedCase,
  kernel: { readonly run: ComparableRun; readonly journeys: readonly JourneyEnd[] },
): RunComparison {
  // Those that the commands were given, then what NAT drew on this side, as in the engine's list.
  const ports = [...pinnedPorts(pinsOf(engine.reader)), ...natPorts(kernel.run.tables)]
  const levelled = iptablesOf(c) === 'nft' ? byChain : (run: ComparableRun) => run
  const compared = compareRuns(levelled(engine.run), levelled({ ...kernel.run, ports, frames: withoutOffload(kernel.run) }))
  const commands = c.journeys.flatMap((j, i): Difference[] => {
    const ours = rests('program-output', endText)(j.run, engine.journeys[i])
    const theirs = endText(j.run, kernel.journeys[i])
    return ours === theirs ? [] : [{ what: 'journey', where: `${i + 1} ${j.from}: ${j.run}`, engine: ours, kernel: theirs }]
  })
  return { ...compared, differences: [...commands, ...compared.differences] }
}

/**
 * nftables tells of a rule after what it did: of a REJECT behind the whole way of its error. What a host sends itself and the
 * error about it have the same addresses, but are two flows: walks of one chain keep their order where packets are of one length.
 */
function byChain(run: ComparableRun): ComparableRun {
  const sorted = (lines: readonly Line[]) => lines.toSorted((a, b) => order(chainOf(a.text), chainOf(b.text)))
  return { ...run, walks: rests('order-of-flows', new Map([...run.walks].map(([ns, lines]) => [ns, sorted(lines)]))) }
}

const chainOf = (walk: string): string => `${/ (\w+ \w+):/.exec(walk)?.[1]} ${/ length \d+/.exec(walk)?.[0]}`
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

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
