import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { run } from '../sim/run.ts'
import { traceToJson } from '../trace/json.ts'
import { traceToPcapng } from '../trace/pcap.ts'
import { TraceReader } from '../trace/reader.ts'
import { formatTrace } from '../trace/text.ts'
import type { JourneyResult } from '../trace/trace.ts'
import type { World } from '../world/world.ts'
import { type Command, UsageError } from './command.ts'
import { askedJourney, formatInputError, load } from './load.ts'

/** `hopscope trace`: runs a scenario and prints its journeys. */
export const traceCommand: Command = {
  name: 'trace',
  usage:
    'trace FILE [--format text|json] [-v] [--journey N] [--from PLACE --run COMMAND] [--pcap OUT.pcapng] [--expect VERDICT]...',
  summary: 'run a scenario and print its journeys, a line per hop (-v: per step); --from and --run: this command in their place',
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        format: { type: 'string', default: 'text' },
        verbose: { type: 'boolean', short: 'v', default: false },
        journey: { type: 'string' },
        from: { type: 'string' },
        run: { type: 'string' },
        pcap: { type: 'string' },
        expect: { type: 'string', multiple: true, default: [] },
      },
    })
    const [file, ...rest] = positionals
    if (file === undefined || rest.length > 0) throw new UsageError('one FILE is expected')
    if (values.format !== 'text' && values.format !== 'json') {
      throw new UsageError(`--format is ${values.format}; expected text or json`)
    }
    const loaded = await load(file, askedJourney(values.from, values.run))
    if (!loaded.ok) {
      for (const e of loaded.error) io.error(`${formatInputError(e)}\n`)
      return 2
    }
    const { document, world, changes } = loaded.value
    const journey = journeyNumber(values.journey, document.journeys.length)
    if (document.journeys.length === 0)
      io.error(`${file} has no journeys; ask for one: --from PLACE --run COMMAND, places are ${places(world)}\n`)
    const trace = run(world, document.journeys, { seed: document.seed, changes })
    const reader = new TraceReader(trace)
    if (values.format === 'json') io.out(`${JSON.stringify(traceToJson(reader))}\n`)
    else io.out(formatTrace(reader, { verbose: values.verbose, ...(journey === undefined ? {} : { journey }) }))
    if (values.pcap !== undefined) await writeFile(values.pcap, traceToPcapng(reader))
    let status: 0 | 1 = 0
    values.expect.forEach((expected, i) => {
      const result = trace.journeys[i]
      if (result !== undefined && meets(result, expected)) return
      io.error(
        `journey ${i + 1}: expected ${expected}, got ${result === undefined ? 'no such journey' : verdictWords(result).join(' ')}\n`,
      )
      status = 1
    })
    return status
  },
}

/** Where a command can start: a few of them, pods first. */
function places(world: World): string {
  const names = [...world.values()].flatMap((r) => (r.kind === 'netns' ? [r.name] : []))
  const sorted = names.toSorted((a, b) => Number(b.startsWith('pod/')) - Number(a.startsWith('pod/')))
  return `${sorted.slice(0, 6).join(', ')}${sorted.length > 6 ? ' …' : ''}`
}

/** From 1, as the text output numbers them; an index inside. */
function journeyNumber(text: string | undefined, count: number): number | undefined {
  if (text === undefined) return undefined
  const n = Number(text)
  if (!Number.isInteger(n) || n < 1 || n > count)
    throw new UsageError(`--journey is ${text}; the scenario has journeys 1 to ${count}`)
  return n - 1
}

function verdictWords(r: JourneyResult): string[] {
  const { verdict } = r
  switch (verdict.kind) {
    case 'answered':
      return ['answered']
    case 'failed':
      return ['failed', verdict.error]
    case 'undetermined':
      return ['undetermined', verdict.what]
  }
}

/** `answered`, `failed`, `undetermined`, an errno (`ECONNREFUSED`) or `exit=N`. */
const meets = (r: JourneyResult, expected: string): boolean =>
  verdictWords(r).includes(expected) || expected === `exit=${r.exitCode}`
