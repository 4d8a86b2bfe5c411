import { parseArgs } from 'node:util'
import { labScript } from '../lab/script.ts'
import { run } from '../sim/run.ts'
import { type Command, UsageError } from './command.ts'
import { askedJourney, formatInputError, load } from './load.ts'

/** `hopscope lab`: the scenario as a bash script of real network namespaces. */
export const labCommand: Command = {
  name: 'lab',
  usage: 'lab FILE [--from PLACE --run COMMAND]',
  summary: 'a bash script that runs the scenario in real network namespaces (root, Linux)',
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { from: { type: 'string' }, run: { type: 'string' } },
    })
    const [file, ...rest] = positionals
    if (file === undefined || rest.length > 0) throw new UsageError('one FILE is expected')
    const loaded = await load(file, askedJourney(values.from, values.run))
    if (!loaded.ok) {
      for (const e of loaded.error) io.error(`${formatInputError(e)}\n`)
      return 2
    }
    const { document, world, changes } = loaded.value
    const trace = run(world, document.journeys, { seed: document.seed, changes })
    io.out(labScript(world, document.journeys, { title: document.title, trace, changes }))
    return 0
  },
}
