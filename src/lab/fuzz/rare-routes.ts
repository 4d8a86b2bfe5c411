import type { Draw } from './draw.ts'
import type { FuzzFlow } from './flows.ts'
import { devicesOf } from './places.ts'
import type { Draft, Host } from './topology.ts'

/**
 * Two tables more, with routes and policy rules that a journey's packets come to: a lookup that ends in one of them, or that
 * `throw` sends on to the next rule; rules that refuse by themselves; a mark that mangle sets for a rule to find.
 */
export function drawRareRoutes(draw: Draw, draft: Draft, flows: readonly FuzzFlow[]): void {
  for (const host of draft.hosts) {
    if (host.role === 'switch' || host.addresses.length === 0) continue
    if (!draw.chance(host.role === 'node' ? 45 : 12)) continue
    const flow = draw.pick(flows)
    for (const table of draw.chance(50) ? [200, 201] : [200]) {
      host.routes.push(...tableRoutes(draw, host, flow).map((r) => `${r} table ${table}`))
      host.rules.push(`${1000 + table}:\t${selector(draw, draft, host, flow)} lookup ${table}`)
    }
    if (draw.chance(25)) {
      const refusal = draw.pick(['blackhole', 'unreachable', 'prohibit'])
      host.rules.push(`${draw.pick([1100, 1300])}:\t${selector(draw, draft, host, flow)} ${refusal}`)
    }
  }
}

function tableRoutes(draw: Draw, host: Host, flow: FuzzFlow): string[] {
  const special = draw.pick(['throw', 'throw', 'blackhole', 'unreachable', 'prohibit'])
  const near = `${flow.to.slice(0, flow.to.lastIndexOf('.'))}.0/24`
  const gateway = host.routes.find((r) => r.startsWith('default via') && !r.includes(' table '))
  const routes = draw.chance(70) ? [`${special} ${draw.pick([flow.to, near])}`] : []
  if (gateway !== undefined && draw.chance(60)) routes.push(gateway)
  return routes.length > 0 ? routes : [`${special} default`]
}

function selector(draw: Draw, draft: Draft, host: Host, flow: FuzzFlow): string {
  const from = flow.source === '' ? 'from all' : `from ${flow.source}`
  const devices = devicesOf(host, draft.cables).filter((d) => d !== 'lo')
  const kind = draw.weighted([
    [3, 'to'],
    [3, 'from'],
    [2, 'mark'],
    [2, 'iif'],
    [1, 'both'],
    [1, 'all'],
  ])
  const not = draw.chance(8) ? 'not ' : ''
  switch (kind) {
    case 'to':
      return `${not}from all to ${flow.to}`
    case 'from':
      return `${not}${from}`
    case 'iif':
      return `${not}from all iif ${host.name === flow.from || devices.length === 0 ? 'lo' : draw.pick(devices)}`
    case 'both':
      return `${not}${from} to ${flow.to}`
    case 'mark':
      markFor(host, flow)
      return `${not}from all fwmark ${draw.pick(['0x8', '0x8/0x8'])}`
    default:
      return 'from all'
  }
}

/** In front of whatever else mangle does. */
function markFor(host: Host, flow: FuzzFlow): void {
  const chain = host.name === flow.from ? 'OUTPUT' : 'PREROUTING'
  const line = `-A ${chain} -d ${flow.to}/32 -j MARK --set-xmark 0x8/0x8`
  const i = host.tables.findIndex((t) => t.table === 'mangle')
  const old = host.tables[i]
  if (old === undefined) host.tables.push({ table: 'mangle', policies: {}, chains: [], rules: [line] })
  else host.tables[i] = { ...old, rules: [line, ...old.rules] }
}
