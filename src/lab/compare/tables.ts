import { printBridgeFdb } from '../../linux/bridge.ts'
import { printConntrack } from '../../linux/conntrack.ts'
import { printIpAddr } from '../../linux/ip-addr.ts'
import { printIpLink } from '../../linux/ip-link.ts'
import { printIpNeigh } from '../../linux/ip-neigh.ts'
import { printIpRoute } from '../../linux/ip-route.ts'
import { printIpRule } from '../../linux/ip-rule.ts'
import { printIpsetSave } from '../../linux/ipset.ts'
import { printIpvsadm, printIpvsadmConnections } from '../../linux/ipvsadm.ts'
import { printSs } from '../../linux/ss.ts'
import type { WorldView } from '../../world/world.ts'
import type { Difference } from './difference.ts'
import { levelled, rests } from './normalisations.ts'
import { compareTimeouts, runOut, TIMED, withoutRunOut } from './timeouts.ts'
import { withoutFlowPorts } from './tunnel.ts'

/** What a lab leaves of one namespace: the tools' text, by the name of the section. */
export type NetnsTables = ReadonlyMap<string, string>

/** Takes `tables/NETNS.txt` of a lab apart: `### NAME`, then what the tool printed. */
export function parseSections(text: string): NetnsTables {
  const sections = new Map<string, string>()
  for (const part of text.split(/^### /m).slice(1)) {
    const end = part.indexOf('\n')
    sections.set(part.slice(0, end), part.slice(end + 1))
  }
  return sections
}

interface TableKind {
  /** Section of the lab's tables. */
  readonly name: string
  /** What the tool prints of the engine's world, by the printer that the console uses. */
  readonly print: (view: WorldView, netns: string) => string
  /** A tool's text as lines that two runs can share. */
  readonly lines: (text: string, flowPorts: ReadonlySet<number>) => string[]
}

const plainLines = (text: string): string[] =>
  text
    .split('\n')
    .map((l) => l.trim().replaceAll(/\s+/g, ' '))
    .filter((l) => l !== '')

const KINDS: readonly TableKind[] = [
  { name: 'ip neigh', print: (v, ns) => printIpNeigh(v, ns), lines: plainLines },
  {
    name: 'bridge fdb',
    print: (v, ns) => printBridgeFdb(v, ns),
    lines: (text) => levelled(plainLines(text), 'address-filters', 'vlan-twins'),
  },
  { name: 'ip route', print: (v, ns) => printIpRoute(v, ns, { table: 'all' }), lines: plainLines },
  { name: 'ip rule', print: (v, ns) => printIpRule(v, ns), lines: plainLines },
  {
    name: 'ip addr',
    print: (v, ns) => printIpAddr(v, ns, { ipv4Only: true, oneline: true }),
    lines: (text) => levelled(plainLines(text), 'ifindex'),
  },
  { name: 'ip link', print: (v, ns) => printIpLink(v, ns, { statistics: true }), lines: rests('link-attributes', counterLines) },
  {
    name: 'conntrack',
    print: (v, ns) => printConntrack(v, ns).text,
    // The seconds that are left are compared on their own, with tolerance.
    lines: (text, flowPorts) =>
      withoutFlowPorts(
        plainLines(text).map((l) => l.replace(/^(\w+ \d+) \d+ /, '$1 ')),
        flowPorts,
      ),
  },
  {
    name: 'ss',
    print: (v, ns) =>
      printSs(v, ns, { protocols: new Set(['tcp', 'udp']), which: 'all', numeric: true, processes: false, noHeader: true }),
    lines: (text) => plainLines(text),
  },
  { name: 'ipvsadm', print: (v, ns) => printIpvsadm(v, ns), lines: serverLines },
  { name: 'ipvsadm --stats', print: (v, ns) => printIpvsadm(v, ns, { show: 'stats', exact: true }), lines: serverLines },
  {
    name: 'ipvsadm -Lnc',
    print: (v, ns) => printIpvsadmConnections(v, ns),
    // The time that is left is compared with the tolerance of conntrack's.
    lines: (text) => plainLines(text).map((l) => l.replace(/^(\w+) \d+:\d+ /, '$1 ')),
  },
  {
    name: 'ipset',
    print: (v, ns) => printIpsetSave(v, ns),
    lines: (text) => levelled(plainLines(text), 'set-internals'),
  },
]

/** Real servers with the virtual server that they stand under. */
function serverLines(text: string): string[] {
  let of = ''
  return plainLines(text).map((l) => {
    if (l.startsWith('-> ')) return `${of} ${l}`
    of = l.split(' ').slice(0, 2).join(' ')
    return l
  })
}

/**
 * The same tables without what is not compared, for keeping. Comparing them gives the same as comparing the whole.
 */
export function condensed(tables: NetnsTables): NetnsTables {
  const out = new Map(tables)
  for (const kind of KINDS) {
    const text = tables.get(kind.name)
    if (text !== undefined && !TIMED.some((t) => t.section === kind.name)) out.set(kind.name, kind.lines(text, NONE).join('\n'))
  }
  const rules = tables.get('iptables-save')
  // What a rule says is in the engine's world; its counters and its place in its chain are compared.
  if (rules !== undefined) out.set('iptables-save', rules.replaceAll(/^(\[\d+:\d+\] -A \S+) .*$/gm, '$1'))
  return out
}

const COUNTERS = /^\S+ [RT]X \d+ packets \d+ bytes$/

/** `eth0 RX 3 packets 182 bytes`: what a device counted. Its own lines stay as they are. */
function counterLines(text: string): string[] {
  const out: string[] = plainLines(text).filter((l) => COUNTERS.test(l))
  let device = ''
  let direction = ''
  for (const line of text.split('\n')) {
    const head = /^\d+: ([^:@]+)/.exec(line)
    const kind = /^\s+(RX|TX):/.exec(line)
    const numbers = /^\s+(\d+)\s+(\d+)\s/.exec(line)
    if (head !== null) device = head[1] ?? ''
    else if (kind !== null) direction = kind[1] ?? ''
    else if (numbers !== null && direction !== '') {
      out.push(`${device} ${direction} ${numbers[2]} packets ${numbers[1]} bytes`)
      direction = ''
    }
  }
  return out
}

/** The final tables of a run of the engine, as the lab's sections have them: what a recording compares. */
export function engineTables(view: WorldView, netns: string): NetnsTables {
  return new Map(KINDS.map((k) => [k.name, k.print(view, netns)]))
}

export interface TableComparison {
  readonly entries: number
  readonly differences: readonly Difference[]
}

const NONE: ReadonlySet<number> = new Set()

/** Entries of every table of one namespace, whatever their order. `netns` is its name; `flowPorts`: of the tunnels of either run. */
export function compareTables(
  netns: string,
  engine: NetnsTables,
  kernel: NetnsTables,
  flowPorts: { readonly engine: ReadonlySet<number>; readonly kernel: ReadonlySet<number> },
): TableComparison {
  const differences: Difference[] = []
  let entries = 0
  for (const kind of KINDS) {
    const theirText = kernel.get(kind.name)
    if (theirText === undefined) continue
    const theirs = kind.lines(theirText, flowPorts.kernel)
    const gone = runOut(kind.name, engine, kernel)
    const there = kind.lines(engine.get(kind.name) ?? '', flowPorts.engine).filter((l) => !gone.has(l) || theirs.includes(l))
    const ours = kind.name === 'ipvsadm' ? withoutRunOut(there, engine, kernel) : there
    entries += theirs.length
    differences.push(...compareSets(kind.name, netns, ours, theirs))
  }
  differences.push(...compareTimeouts(netns, engine, kernel))
  return { entries, differences }
}

function compareSets(what: string, where: string, ours: readonly string[], theirs: readonly string[]): Difference[] {
  const left = [...theirs]
  const alone: string[] = []
  for (const line of ours) {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    else alone.push(line)
  }
  // What stands alone on both sides is shown in pairs: the same entry, otherwise.
  const pairs = alone.map((engine) => {
    const key = engine.split(' ').slice(0, 3).join(' ')
    const at = left.findIndex((l) => l.startsWith(key))
    return { what, where, engine, kernel: at < 0 ? undefined : left.splice(at, 1)[0] }
  })
  return [...pairs, ...left.map((kernel) => ({ what, where, engine: undefined, kernel }))]
}
