import { type Fields, stringsAt } from '../../base/fields.ts'
import type { ObjectRecord } from '../../world/records.ts'
import type { WorldView } from '../../world/world.ts'
import { type Call, type CommandResult, type ConsoleCommand, failed, printed } from '../command.ts'
import { joined, RESOURCES, type ResourceColumns } from './columns.ts'
import { describeService } from './describe-service.ts'
import { parseSelector, type Selector } from './selector.ts'
import { printTable } from './table.ts'

/** The objects as the API server holds them at the step: the same from every namespace, as an admin's kubectl would see them. */
export const kubectl: ConsoleCommand = {
  names: ['kubectl', 'k'],
  usage:
    'kubectl get svc|pods|endpointslices|nodes|ingress|deploy|sts|ds|servicel2status [NAME] [-n NS|-A] [-l SELECTOR] [-o wide|json] | describe svc NAME',
  run({ view, args }: Call): CommandResult {
    const [verb, ...rest] = args
    if (verb !== 'get' && verb !== 'describe')
      return failed(`error: unknown command "${verb ?? ''}" for "kubectl"; here are get and describe\n`)
    const asked = readArguments(rest)
    if (typeof asked === 'string') return failed(asked)
    return verb === 'get' ? get(view, asked) : describe(view, asked)
  },
}

interface Asked {
  readonly columns: ResourceColumns
  readonly name: string | undefined
  /** undefined: of all namespaces. */
  readonly namespace: string | undefined
  readonly output: string | undefined
  readonly showLabels: boolean
  readonly selects: Selector
}

/** What was asked for, or kubectl's complaint. */
function readArguments(args: readonly string[]): Asked | string {
  const words: string[] = []
  let namespace: string | undefined = 'default'
  let output: string | undefined
  let showLabels = false
  let selects: Selector = () => true
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? ''
    const [, flag, inline] =
      /^(--?[a-zA-Z-]+)(?:=(.*))?$/.exec(
        /^-[nlo]./.test(word) && !word.startsWith('--') ? `${word.slice(0, 2)}=${word.slice(2).replace(/^=/, '')}` : word,
      ) ?? []
    const value = () => inline ?? args[++i] ?? ''
    if (flag === undefined) words.push(word)
    else if (flag === '-n' || flag === '--namespace') namespace = value()
    else if (flag === '--show-labels') showLabels = true
    else if (flag === '-A' || flag === '--all-namespaces') namespace = undefined
    else if (flag === '-o' || flag === '--output') output = value()
    else if (flag === '-l' || flag === '--selector') {
      const parsed = parseSelector(value())
      if (!parsed.ok) return parsed.error
      selects = parsed.value
    } else return `error: unknown flag: ${flag}\n`
  }
  const [resource = '', name] = words[0]?.includes('/') === true ? words[0].split('/') : words
  const columns = RESOURCES.find((r) => r.names.includes(resource.toLowerCase()) || r.resource === resource)
  if (resource === '') return 'error: You must specify the type of resource to get.\n'
  if (columns === undefined) return `error: the server doesn't have a resource type "${resource}"\n`
  return { columns, name, namespace, output, showLabels, selects }
}

const manifestOf = (o: ObjectRecord): Fields => o.manifest

function objectsOf(view: WorldView, { columns, name, namespace, selects }: Asked): readonly ObjectRecord[] {
  return view
    .list('object')
    .filter(
      (o) =>
        o.objectKind === columns.kind &&
        (!columns.namespaced || namespace === undefined || (o.namespace ?? 'default') === namespace) &&
        (name === undefined || o.name === name) &&
        selects(stringsAt(o.manifest, 'metadata', 'labels')),
    )
    .toSorted((a, b) => order(a.namespace ?? '', b.namespace ?? '') || order(a.name, b.name))
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const notFound = (columns: ResourceColumns, name: string): CommandResult =>
  failed(`Error from server (NotFound): ${columns.resource} "${name}" not found\n`)

function get(view: WorldView, asked: Asked): CommandResult {
  const { columns, name, namespace, output } = asked
  const found = objectsOf(view, asked)
  if (found.length === 0) {
    if (name !== undefined) return notFound(columns, name)
    const where = columns.namespaced && namespace !== undefined ? ` in ${namespace} namespace` : ''
    return { stdout: '', stderr: `No resources found${where}${where === '' ? '' : '.'}\n`, exitCode: 0 }
  }
  if (output === 'json') {
    const items = found.map(manifestOf)
    const list = { apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } }
    return printed(`${JSON.stringify(name === undefined ? list : items[0], null, 4)}\n`)
  }
  if (output === 'name') {
    const [singular = ''] = columns.names
    const group = columns.resource.includes('.') ? columns.resource.slice(columns.resource.indexOf('.')) : ''
    return printed(found.map((o) => `${singular}${group}/${o.name}\n`).join(''))
  }
  if (output !== undefined && output !== 'wide')
    return failed(`error: unable to match a printer suitable for the output format "${output}"; here are wide, json, name\n`)
  const all = columns.namespaced && namespace === undefined
  const pods = view.list('object').flatMap((o) => (o.objectKind === 'Pod' ? [manifestOf(o)] : []))
  const line = (row: readonly string[], wide: readonly string[], namespaceCell: string, labels: string) => [
    ...(all ? [namespaceCell] : []),
    ...row,
    ...(output === 'wide' ? wide : []),
    ...(asked.showLabels ? [labels] : []),
  ]
  return printed(
    printTable([
      line(columns.header, columns.wide, 'NAMESPACE', 'LABELS'),
      ...found.map((o) => {
        const { row, wide } = columns.cells(manifestOf(o), pods)
        return line(row, wide, o.namespace ?? 'default', joined(stringsAt(o.manifest, 'metadata', 'labels')))
      }),
    ]),
  )
}

function describe(view: WorldView, asked: Asked): CommandResult {
  if (asked.columns.kind !== 'Service') return failed(`error: describe is here for services only\n`)
  const found = objectsOf(view, asked)
  if (found.length === 0) return asked.name === undefined ? failed('No resources found\n') : notFound(asked.columns, asked.name)
  const slices = view.list('object').filter((o) => o.objectKind === 'EndpointSlice')
  return printed(
    found
      .map((o) =>
        describeService(
          manifestOf(o),
          slices.flatMap((s) => {
            const of = stringsAt(s.manifest, 'metadata', 'labels')['kubernetes.io/service-name']
            return of === o.name && (s.namespace ?? 'default') === (o.namespace ?? 'default') ? [manifestOf(s)] : []
          }),
        ),
      )
      .join('\n\n'),
  )
}
