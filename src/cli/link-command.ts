import { parseArgs } from 'node:util'
import { encodeLink } from '../scenario/link.ts'
import { type Command, UsageError } from './command.ts'
import { formatInputError, loadDocument } from './load.ts'

const LIBRARY_PREFIX = 'library:'

/** `hopscope link`: the link that opens a scenario on the page. */
export const linkCommand: Command = {
  name: 'link',
  usage: 'link FILE [--base URL]',
  summary: 'the share link of a scenario',
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { base: { type: 'string', default: 'http://localhost:4173/' } },
    })
    const [file, ...rest] = positionals
    if (file === undefined || rest.length > 0) throw new UsageError('one FILE is expected')
    const document = await loadDocument(file)
    if (!document.ok) {
      for (const e of document.error) io.error(`${formatInputError(e)}\n`)
      return 2
    }
    const link = file.startsWith(LIBRARY_PREFIX)
      ? await encodeLink({ kind: 'library', id: file.slice(LIBRARY_PREFIX.length) })
      : await encodeLink({ kind: 'document', document: document.value })
    io.out(`${values.base}${link}\n`)
    return 0
  },
}
