import { execCommand } from '../console/exec.ts'
import { run } from '../sim/run.ts'
import { TraceReader } from '../trace/reader.ts'
import { Timeline } from '../trace/timeline.ts'
import { type Command, UsageError } from './command.ts'
import { askedJourney, formatInputError, load } from './load.ts'

/** `hopscope exec`: what a Linux command prints in a namespace at a step; the page's console is the same code. */
export const execCliCommand: Command = {
  name: 'exec',
  usage: 'exec FILE --in NETNS [--at SEQ|end] [--from PLACE --run COMMAND] -- COMMAND ...',
  summary: 'what a Linux command prints in a namespace at a step (start: before the first)',
  async run(argv, io) {
    const split = argv.indexOf('--')
    if (split < 0 || split === argv.length - 1) throw new UsageError('the command stands after --, as in: -- ip route')
    const { file, place, at, from, journey } = options(argv.slice(0, split))
    const loaded = await load(file, askedJourney(from, journey))
    if (!loaded.ok) {
      for (const e of loaded.error) io.error(`${formatInputError(e)}\n`)
      return 2
    }
    const { document, world, changes } = loaded.value
    const trace = run(world, document.journeys, { seed: document.seed, changes })
    const timeline = new Timeline(new TraceReader(trace))
    const seq = at === 'end' ? trace.events.length - 1 : at === 'start' ? -1 : Number(at)
    if (!Number.isInteger(seq) || seq < -1 || seq >= trace.events.length) {
      throw new UsageError(`--at is ${at}; expected start, end or a step from 0 to ${trace.events.length - 1}`)
    }
    const view = timeline.at(seq)
    const netns = view.list('netns').find((n) => n.name === place)
    if (netns === undefined) {
      const known = view
        .list('netns')
        .map((n) => n.name)
        .join(', ')
      throw new UsageError(`--in is ${place}; there are ${known}`)
    }
    const { stdout, stderr, exitCode } = execCommand(view, netns.id, argv.slice(split + 1))
    io.out(stdout)
    io.error(stderr)
    return exitCode === 0 ? 0 : exitCode === 1 ? 1 : 2
  },
}

interface Options {
  readonly file: string
  readonly place: string
  readonly at: string
  readonly from: string | undefined
  readonly journey: string | undefined
}

/** parseArgs would take `--at` for an ambiguous value before a dash: few options are simpler read by hand. */
function options(argv: readonly string[]): Options {
  let file: string | undefined
  let place: string | undefined
  let at = 'end'
  let from: string | undefined
  let journey: string | undefined
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string
    const [name, inline] =
      word.startsWith('--') && word.includes('=')
        ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]
        : [word, undefined]
    const value = (): string => {
      const v = inline ?? argv[++i]
      if (v === undefined) throw new UsageError(`${name} wants a value`)
      return v
    }
    if (name === '--in') place = value()
    else if (name === '--at') at = value()
    else if (name === '--from') from = value()
    else if (name === '--run') journey = value()
    else if (word.startsWith('--')) throw new UsageError(`unknown option ${word}`)
    else if (file === undefined) file = word
    else throw new UsageError(`one FILE is expected, ${word} is a second`)
  }
  if (file === undefined) throw new UsageError('FILE is missing')
  if (place === undefined) throw new UsageError('--in NETNS is missing, as in: --in node1')
  return { file, place, at, from, journey }
}
