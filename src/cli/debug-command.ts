import { parseArgs } from 'node:util'
import { findPlace } from '../cluster/places.ts'
import { headlineOf, isCaution } from '../debug/headline.ts'
import type { Check, CheckStatus, ServiceReport } from '../debug/report.ts'
import { debugService } from '../debug/service.ts'
import { CHECK_WORDS } from '../explain/service-check.ts'
import type { JourneySpec } from '../scenario/document.ts'
import { type Command, type Io, UsageError } from './command.ts'
import { formatInputError, load } from './load.ts'

/** `hopscope debug`: the checks of "Debug Services" on a cluster, as the page's panel makes them. */
export const debugCommand: Command = {
  name: 'debug',
  usage: 'debug FILE --service [NAMESPACE/]NAME [--from PLACE] [--format text|json]',
  summary: 'why a Service does not answer: exists, DNS, by IP, ports, endpoints, pods, kube-proxy, hairpin, each evaluated',
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { service: { type: 'string' }, from: { type: 'string' }, format: { type: 'string', default: 'text' } },
    })
    const [file, ...rest] = positionals
    if (file === undefined || rest.length > 0) throw new UsageError('one FILE is expected')
    if (values.service === undefined) throw new UsageError('--service [NAMESPACE/]NAME is missing')
    if (values.format !== 'text' && values.format !== 'json')
      throw new UsageError(`--format is ${values.format}; expected text or json`)
    const loaded = await load(file)
    if (!loaded.ok) {
      for (const e of loaded.error) io.error(`${formatInputError(e)}\n`)
      return 2
    }
    const { document, world } = loaded.value
    const [name = '', namespace = 'default'] = values.service.split('/').reverse()
    const place = values.from === undefined ? undefined : findPlace(world, values.from, undefined, '--from')
    if (place?.ok === false) throw new UsageError(place.error.message)
    const from = place === undefined ? {} : { from: place.value.netns }
    const report = debugService(world, { namespace, name, ...from }, document.seed)
    if (report === undefined) throw new UsageError('there is no place in this cluster to ask from')
    if (values.format === 'json') io.out(`${JSON.stringify(report)}\n`)
    else print(report, document.journeys, io)
    return 0
  },
}

const MARKS: Readonly<Record<CheckStatus, string>> = { ok: 'ok', failed: 'FAILED', 'not-needed': '-', unknown: '?' }

function print(report: ServiceReport, journeys: readonly JourneySpec[], io: Io): void {
  const { namespace, name } = report.service
  io.out(`Service ${namespace}/${name}, asked from ${report.from}\n`)
  for (const check of report.checks) io.out(checkText(check, isCaution(check, journeys)))
  const headline = headlineOf(report, journeys)
  const first = headline.kind === 'failed' ? report.checks[headline.at] : undefined
  if (first === undefined) return
  io.out(
    `\nThe first that fails: ${CHECK_WORDS.en.question[first.id]} ${first.findings.map((f) => CHECK_WORDS.en.finding(f)).join(' ')}\n`,
  )
}

function checkText(check: Check, caution: boolean): string {
  const said = [...check.findings.map((f) => CHECK_WORDS.en.finding(f)), ...(caution ? [CHECK_WORDS.en.onlyItself] : [])].join(
    ' ',
  )
  const runs = check.runs.map((r) => {
    const output = r.output.trimEnd()
    return `    ${r.from === undefined ? '' : `${r.from} `}$ ${r.command}\n${output === '' ? '' : `${output.replace(/^/gm, '    ')}\n`}`
  })
  return `\n${(caution ? 'caution' : MARKS[check.status]).padEnd(7)} ${CHECK_WORDS.en.question[check.id]} ${said}\n${runs.join('')}`
}
