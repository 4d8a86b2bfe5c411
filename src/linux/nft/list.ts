import type { NftElement, NftStatement, NftType } from '../../world/nft.ts'
import type { NftChainRecord, NftRuleRecord, NftSetRecord, NftTableRecord } from '../../world/records.ts'
import type { WorldView } from '../../world/world.ts'
import { printTime } from './datatypes.ts'
import { PRIORITIES } from './parse-base.ts'
import { printElement, printRule } from './print.ts'
import type { NftBase } from './ruleset.ts'
import { sortedElements } from './ruleset.ts'

// `nft list …` of nftables 1.0: layout of src/rule.c and set_print of it.

export interface NftListOptions {
  /** -a: handles. */
  readonly handles?: boolean
  /** -s: no counters and no times. */
  readonly stateless?: boolean
  /** -t: no elements. */
  readonly terse?: boolean
  readonly family?: string
  /** Without counts at all, for what is fed back to nft: counters as they were loaded. */
  readonly loaded?: boolean
}

/** All tables of the namespace; '' when it has none. */
export function printNftRuleset(view: WorldView, netns: string, o: NftListOptions = {}): string {
  return view
    .list('nft-table', netns)
    .filter((t) => o.family === undefined || t.family === o.family)
    .map((t) => printNftTable(view, t, o))
    .join('')
}

/** One table, whole. */
export function printNftTable(view: WorldView, t: NftTableRecord, o: NftListOptions = {}): string {
  const sets = view.list('nft-set', t.netns).filter((s) => isOf(s, t))
  const chains = view.list('nft-chain', t.netns).filter((c) => isOf(c, t))
  const head = [
    ...(t.comment === undefined ? [] : [`\tcomment "${t.comment}"`]),
    ...(t.flags.length === 0 ? [] : [`\tflags ${t.flags.join(',')}`]),
  ]
  const blocks = [
    ...t.others.map((text) => [`\t${text}`]),
    ...sets.map((s) => setLines(view, s, o)),
    ...chains.map((c) => chainLines(view, c, o)),
  ].map((lines) => lines.join('\n'))
  const open = `table ${t.family} ${t.name} {${handle(t, o)}`
  const inside = [
    ...(head.length === 0 ? [] : [`${head.join('\n')}\n`]),
    ...(blocks.length === 0 ? [] : [`${blocks.join('\n\n')}\n`]),
  ]
  return `${open}\n${inside.join('')}}\n`
}

const isOf = (o: NftSetRecord | NftChainRecord, t: NftTableRecord): boolean => o.family === t.family && o.table === t.name

const handle = (r: { readonly handle: number }, o: NftListOptions): string => (o.handles ? ` # handle ${r.handle}` : '')

/** `nft list chain …`: the table's frame around one chain. */
export const printNftChain = (view: WorldView, c: NftChainRecord, o: NftListOptions = {}): string =>
  `table ${c.family} ${c.table} {\n${chainLines(view, c, o).join('\n')}\n}\n`

/** `nft list set …` and `nft list map …`. */
export const printNftSet = (view: WorldView, s: NftSetRecord, o: NftListOptions = {}): string =>
  `table ${s.family} ${s.table} {\n${setLines(view, s, o).join('\n')}\n}\n`

function chainLines(view: WorldView, c: NftChainRecord, o: NftListOptions): string[] {
  const rules = c.rules.flatMap((id) => view.get('nft-rule', id) ?? [])
  return [
    `\tchain ${c.name} {${handle(c, o)}`,
    ...(c.comment === undefined ? [] : [`\t\tcomment "${c.comment}"`]),
    ...(c.base === undefined ? [] : [`\t\t${printBase(c.base)}`]),
    ...rules.map((r) => `\t\t${printNftRule(view, r, o)}${handle(r, o)}`),
    '\t}',
  ]
}

/** A rule as it stands in a listing, with what it has counted. */
export function printNftRule(view: WorldView, r: NftRuleRecord, o: NftListOptions = {}): string {
  return printRule(o.loaded ? r.statements : r.statements.map((s) => counted(view, r, s, o)), r.comment)
}

function counted(view: WorldView, r: NftRuleRecord, s: NftStatement, o: NftListOptions): NftStatement {
  if (s.kind !== 'counter') return s
  if (o.stateless) return { kind: 'passive', text: 'counter' }
  return { ...s, packets: s.packets + view.cell(r.id, 'packets'), bytes: s.bytes + view.cell(r.id, 'bytes') }
}

/** `type filter hook input priority filter; policy accept;` */
export function printBase(b: NftBase): string {
  const device = b.device === undefined ? '' : ` device "${b.device}"`
  return `type ${b.type} hook ${b.hook}${device} priority ${printPriority(b)}; policy ${b.policy};`
}

/** prio2str(): a standard priority by its name, with what is added to it up to 10. */
export function printPriority({ priority, hook }: Pick<NftBase, 'priority' | 'hook'>): string {
  for (const [name, value, hooks] of PRIORITIES) {
    if (hooks !== undefined && !hooks.includes(hook)) continue
    const more = priority - value
    if (Math.abs(more) > 10) continue
    return more === 0 ? name : `${name} ${more > 0 ? '+' : '-'} ${Math.abs(more)}`
  }
  return String(priority)
}

function setLines(view: WorldView, s: NftSetRecord, o: NftListOptions): string[] {
  const data = s.data === undefined ? '' : ` : ${s.data.join(' . ')}`
  const lines = [
    s.typeOf === undefined ? `type ${s.type.join(' . ')}${data}` : `typeof ${s.typeOf}${dataTypeOf(s)}`,
    ...(s.policy === undefined || s.policy === 'performance' ? [] : [`policy ${s.policy}`]),
    ...(s.size === undefined ? [] : [`size ${s.size}`]),
    ...(s.flags.length === 0 ? [] : [`flags ${FLAGS.filter((f) => s.flags.includes(f)).join(',')}`]),
    ...(s.timeout === undefined ? [] : [`timeout ${printTime(s.timeout)}`]),
    ...(s.gcInterval === undefined ? [] : [`gc-interval ${printTime(s.gcInterval)}`]),
    ...(s.autoMerge ? ['auto-merge'] : []),
    ...(s.comment === undefined ? [] : [`comment "${s.comment}"`]),
    ...(s.stateful === undefined ? [] : [s.stateful]),
  ].map((l) => `\t\t${l}`)
  const elements = o.terse ? undefined : elementLines(view, s, o)
  const kind = s.data === undefined ? 'set' : 'map'
  return [`\t${kind} ${s.name} {${handle(s, o)}`, ...lines, ...(elements === undefined ? [] : [elements]), '\t}']
}

const dataTypeOf = (s: NftSetRecord): string =>
  s.data === undefined || s.typeOf?.includes(':') ? '' : ` : ${s.data.join(' . ')}`

/** In the order in which nft names them (set_flags of src/rule.c). */
const FLAGS = ['constant', 'dynamic', 'interval', 'timeout']

/** Elements that are there at this moment. */
export const liveElements = (s: NftSetRecord, now: number): readonly NftElement[] =>
  s.elements.filter((e) => e.expires === undefined || e.expires > now)

function elementLines(view: WorldView, s: NftSetRecord, o: NftListOptions): string | undefined {
  const live = liveElements(s, view.now)
  if (live.length === 0) return undefined
  const of = { key: s.type, now: view.now, ...(s.data && { data: s.data }) }
  const perLine = s.type.length > 1 ? 1 : elementsPerLine(s.type[0] ?? '')
  let text = ''
  sortedElements(live, s.type).forEach((e, i) => {
    const shown = o.stateless || o.loaded ? withoutTimes(e) : e
    text += `${i === 0 ? '' : i % perLine === 0 ? ',\n\t\t\t     ' : ', '}${printElement(shown, of)}`
  })
  return `\t\telements = { ${text} }`
}

function withoutTimes({ expires: _, ...e }: NftElement): NftElement {
  return e
}

/** calculate_delim() (src/expression.c). */
function elementsPerLine(type: NftType): number {
  switch (type) {
    case 'ipv4_addr':
    case 'ether_addr':
    case 'time':
    case 'icmp_type':
      return 2
    case 'ipv6_addr':
    case 'ifname':
    case 'string':
    case 'iface_index':
      return 1
    default:
      return 5
  }
}
