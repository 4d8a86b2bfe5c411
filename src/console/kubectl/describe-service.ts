import { type Fields, listAt, numberAt, stringsAt, textAt } from '../../base/fields.ts'
import { nameOf, serviceType } from './columns.ts'

/** `kubectl describe service` (describeService in kubectl's describe.go): a line a field, the values in one column. */
export function describeService(service: Fields, slices: readonly Fields[]): string {
  const spec = (key: string) => textAt(service, 'spec', key)
  const ports = listAt(service, 'spec', 'ports')
  const lines: (readonly [string, string])[] = [
    ['Name:', nameOf(service)],
    ['Namespace:', textAt(service, 'metadata', 'namespace') ?? 'default'],
    ...mapLines('Labels:', stringsAt(service, 'metadata', 'labels'), '='),
    ...mapLines('Annotations:', stringsAt(service, 'metadata', 'annotations'), ': '),
    [
      'Selector:',
      Object.entries(stringsAt(service, 'spec', 'selector'))
        .map(([k, v]) => `${k}=${v}`)
        .join(',') || '<none>',
    ],
    ['Type:', serviceType(service)],
    ['IP Family Policy:', spec('ipFamilyPolicy') ?? 'SingleStack'],
    ['IP Families:', listAt(service, 'spec', 'ipFamilies').join(',') || 'IPv4'],
    ['IP:', spec('clusterIP') ?? ''],
    ['IPs:', listAt(service, 'spec', 'clusterIPs').join(',') || (spec('clusterIP') ?? '<none>')],
  ]
  const externalName = spec('externalName')
  if (externalName !== undefined) lines.push(['External Name:', externalName])
  for (const p of ports) {
    const name = textAt(p, 'name') ?? '<unset>'
    const protocol = textAt(p, 'protocol') ?? 'TCP'
    const port = numberAt(p, 'port') ?? 0
    const target = textAt(p, 'targetPort') ?? numberAt(p, 'targetPort') ?? port
    lines.push(['Port:', `${name}  ${port}/${protocol}`], ['TargetPort:', `${target}/${protocol}`])
    const nodePort = numberAt(p, 'nodePort')
    if (nodePort !== undefined) lines.push(['NodePort:', `${name}  ${nodePort}/${protocol}`])
    lines.push(['Endpoints:', endpointsOf(textAt(p, 'name') ?? '', slices)])
  }
  lines.push(['Session Affinity:', spec('sessionAffinity') ?? 'None'])
  const external = spec('externalTrafficPolicy')
  if (external !== undefined) lines.push(['External Traffic Policy:', external])
  lines.push(['Internal Traffic Policy:', spec('internalTrafficPolicy') ?? 'Cluster'], ['Events:', '<none>'])
  const width = Math.max(...lines.map(([k]) => k.length)) + 2
  return lines.map(([k, v]) => `${k.padEnd(width)}${v}\n`).join('')
}

function mapLines(title: string, map: Readonly<Record<string, string>>, between: string): (readonly [string, string])[] {
  const entries = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))
  if (entries.length === 0) return [[title, '<none>']]
  return entries.map(([k, v], i) => [i === 0 ? title : '', `${k}${between}${v}`] as const)
}

/** Ready endpoints of one port, the first three and how many more (formatEndpointSlices). */
function endpointsOf(port: string, slices: readonly Fields[]): string {
  const all = slices.flatMap((slice) => {
    const number = listAt(slice, 'ports').flatMap((p) =>
      (textAt(p, 'name') ?? '') === port ? (numberAt(p, 'port') ?? []) : [],
    )[0]
    if (number === undefined) return []
    return listAt(slice, 'endpoints').flatMap((e) => {
      const conditions = (e as Fields).conditions as Fields | undefined
      return conditions?.ready === false ? [] : listAt(e, 'addresses').map((a) => `${String(a)}:${number}`)
    })
  })
  if (all.length === 0) return ''
  return all.length > 3 ? `${all.slice(0, 3).join(',')} + ${all.length - 3} more...` : all.join(',')
}
