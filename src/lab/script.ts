import { printIpvsadmSave } from '../linux/ipvsadm.ts'
import { TraceReader } from '../trace/reader.ts'
import type { Trace } from '../trace/trace.ts'
import type { WorldChange } from '../world/changes.ts'
import type { NetnsRecord } from '../world/records.ts'
import { viewOf, type World } from '../world/world.ts'
import { CHANGE_FUNCTIONS, hereDocument, LabChanges, labWorld } from './changes.ts'
import { rests } from './compare/normalisations.ts'
import { fileLines } from './dns.ts'
import { HOLD_FUNCTIONS, holdLines, needsHold } from './hold.ts'
import { type LabNames, labNames, netnsesOf, shellWord } from './names.ts'
import { netnsBatch } from './network.ts'
import { nftTableNames, nftText } from './nft.ts'
import { type Pins, pinsOf } from './pins.ts'
import { announcements, journeyCommand, journeyNetns, type LabJourney, labServers, programsOf, speakerFile } from './programs.ts'
import { FUNCTIONS } from './shell.ts'
import { restoreText, sysctlLines } from './tables.ts'

export interface LabOptions {
  /** Stands in the script's head. */
  readonly title?: string
  /** The engine's run of the same world and journeys: its source ports, echo identifiers and random draws are used. */
  readonly trace?: Trace
  /** Which iptables the script uses where it is not told by HS_IPTABLES; `auto` takes legacy where it is installed. */
  readonly iptables?: 'auto' | 'legacy' | 'nft'
  /** Also records which rules acted on each packet (nftables tracing, read by xtables-monitor). Implies iptables-nft. */
  readonly traceRules?: boolean
  /** Seconds that a journey may take beyond what it took in the engine: 10; more where the kernel is emulated. */
  readonly patience?: number
  /** The kernel is emulated: commands take seconds, which must not be seen in the state of neighbours. */
  readonly emulated?: boolean
  /** What changes while the journeys run, as the engine's run had it. */
  readonly changes?: readonly WorldChange[]
}

/**
 * One self-contained bash script that builds the world from real network namespaces, runs the journeys in it with a capture
 * on every device, and leaves captures and tables in a folder (layout: `capture/NETNS/DEVICE.pcap`, `tables/NETNS.txt`,
 * `journeys/N.txt`, `trace/NETNS.txt`). It needs root and a Linux kernel, checks its other needs itself, and touches nothing
 * outside the namespaces that it makes. The same input gives the same script.
 */
export function labScript(given: World, journeys: readonly LabJourney[], options: LabOptions = {}): string {
  const { changes = [] } = options
  const world = labWorld(given, changes)
  const names = labNames(world, `${options.title ?? ''} ${[...world.keys()].join()}`)
  const pins = options.trace === undefined ? undefined : pinsOf(new TraceReader(options.trace))
  const skipped: string[] = []
  const skip = (what: string) => void skipped.push(what)
  const still = options.emulated === true && (options.trace === undefined || isShort(options.trace))
  const build = buildLines(world, { names, pins, skip, still })
  const coming = new LabChanges(given, changes, { names, pins })
  const run = runLines(world, journeys, { names, pins, skip, coming, patience: options.patience ?? 10 })
  const iptables = options.traceRules === true ? 'nft' : (options.iptables ?? 'auto')
  return `${[
    '#!/usr/bin/env bash',
    `# ${(options.title ?? 'A Hopscope scenario').replaceAll('\n', ' ')}: the same network from real Linux namespaces.`,
    '# usage: lab.sh [--keep] [--out DIR] [--check]',
    '#   --keep   leave the namespaces standing, and say how to enter them',
    '#   --out    where captures and tables go (default: ./hopscope-lab)',
    '#   --check  only say whether this machine has what the script needs',
    ...skipped.map((s) => `# Not modelled here, left out: ${s}`),
    'set -u',
    `PREFIX=${names.prefix}`,
    `NAMESPACES=(${netnsesOf(world)
      .map((ns) => names.short(ns.name))
      .join(' ')})`,
    `declare -A NFT_TABLES=(${netnsesOf(world)
      .flatMap((ns) => {
        const tables = nftTableNames(world, ns)
        return tables.length === 0 ? [] : [`[${names.short(ns.name)}]=${shellWord(tables.join(';'))}`]
      })
      .join(' ')})`,
    `IPTABLES=\${HS_IPTABLES:-${iptables}}`,
    `TRACE_RULES=${options.traceRules === true ? 1 : 0}`,
    `NEEDS=(${needs(world, journeys).join(' ')})`,
    `NEEDS_IPVS=${needsIpvs(world) ? 1 : 0}`,
    `NEEDS_BRIDGE_NF=${needsBridgeNf(world) ? 1 : 0}`,
    `NEEDS_HOLD=${needsHold(world) ? 1 : 0}`,
    FUNCTIONS,
    ...(changes.length === 0 ? [] : [CHANGE_FUNCTIONS]),
    ...(needsHold(world) ? [HOLD_FUNCTIONS] : []),
    'main() {',
    ...build,
    ...run,
    '}',
    '',
    'start "$@"',
  ].join('\n')}\n`
}

function needs(world: World, journeys: readonly LabJourney[]): string[] {
  const view = viewOf(world)
  const base = ['ip', 'bridge', 'ss', 'sysctl', 'tcpdump', 'ethtool', 'timeout']
  const rules = view.list('chain').length > 0 ? ['iptables', 'conntrack'] : []
  const sets = [...(view.list('ipset').length > 0 ? ['ipset'] : []), ...(view.list('nft-table').length > 0 ? ['nft'] : [])]
  const ipvs = needsIpvs(world) ? ['ipvsadm'] : []
  const servers = view.list('process').length > 0 ? ['python3'] : []
  const programs = journeys.flatMap((j) => programsOf(j.run)).filter((p) => /^[A-Za-z0-9_.-]+$/.test(p))
  return [...new Set([...base, ...rules, ...sets, ...ipvs, ...servers, ...programs])]
}

const needsBridgeNf = (world: World): boolean =>
  viewOf(world)
    .list('sysctl')
    .some((s) => s.key === 'net.bridge.bridge-nf-call-iptables' && s.value !== '0')

const needsIpvs = (world: World): boolean => viewOf(world).list('ipvs-service').length > 0

const isShort = ({ events }: Trace): boolean => (events.t[events.length - 1] ?? 0) < 4e9

function buildLines(
  world: World,
  to: {
    readonly names: LabNames
    readonly pins: Pins | undefined
    readonly skip: (what: string) => void
    /** What time alone does to neighbours is kept from them: in a short run of the engine it does nothing either. */
    readonly still: boolean
  },
): string[] {
  const { names, pins, skip, still } = to
  const view = viewOf(world)
  const all = netnsesOf(world)
  const batches = all.map((ns) => ({ ns, batch: netnsBatch(view, ns, names, skip), sysctls: sysctlLines(view, ns) }))
  const each = (fn: (one: (typeof batches)[number], short: string) => string[]) =>
    batches.flatMap((one) => fn(one, names.short(one.ns.name)))
  return [
    '# Namespaces, and what their devices start from.',
    ...each(({ sysctls }, short) => [`make_netns ${short}`, `sysctls ${short} ${sysctls.early.map(shellWord).join(' ')}`]),
    ...each(({ sysctls }, short) =>
      sysctls.optional.length === 0 ? [] : [`sysctls_if_any ${short} ${sysctls.optional.join(' ')}`],
    ),
    '# Devices: both ends of a pair at once.',
    ...each(({ batch }, short) => hereDocument(`ip_batch ${short}`, batch.links)),
    '# Ports, checksums in software, everything up.',
    ...each(({ batch }, short) => [...hereDocument(`ip_batch ${short}`, batch.up), rests('offloads', `offloads ${short}`)]),
    ...each(({ sysctls }, short) =>
      sysctls.late.length === 0 ? [] : [`sysctls ${short} ${sysctls.late.map(shellWord).join(' ')}`],
    ),
    ...(still ? each((_, short) => [`still_neighbours ${short}`]) : []),
    '# Addresses, routes, rules, neighbours, forwarding databases.',
    ...each(({ batch }, short) => [
      ...hereDocument(`ip_batch ${short}`, batch.layer3),
      ...hereDocument(`bridge_batch ${short}`, batch.bridge),
    ]),
    '# Sets, virtual servers and rules, then the timeouts of connection tracking.',
    ...each(({ ns, sysctls }, short) => [
      ...hereDocument(`ipset_restore ${short}`, ipsetLines(world, ns)),
      ...hereDocument(`ipvs_restore ${short}`, ipvsLines(world, ns)),
      ...hereDocument(
        `iptables_restore ${short}`,
        restoreText(world, ns, pins)
          .split('\n')
          .filter((l) => l !== ''),
      ),
      ...hereDocument(
        `nft_restore ${short}`,
        nftText(world, ns, pins)
          .split('\n')
          .filter((l) => l !== ''),
      ),
      ...(sysctls.tracking.length === 0
        ? []
        : [`${hasRules(world, ns) ? 'sysctls' : 'sysctls_if_any'} ${short} ${sysctls.tracking.map(shellWord).join(' ')}`]),
    ]),
  ]
}

const hasRules = (world: World, ns: NetnsRecord): boolean =>
  viewOf(world).list('chain', ns.id).length > 0 || viewOf(world).list('nft-chain', ns.id).length > 0

/** What `ipvsadm -R` takes. */
const ipvsLines = (world: World, ns: NetnsRecord): string[] =>
  printIpvsadmSave(viewOf(world), ns.id)
    .split('\n')
    .filter((l) => l !== '')

const ipsetLines = (world: World, ns: NetnsRecord): string[] =>
  viewOf(world)
    .list('ipset', ns.id)
    .flatMap((s) => [
      `create ${s.name} ${s.type}${s.options.map((o) => ` ${o}`).join('')}`,
      ...s.entries.map((e) => `add ${s.name} ${e}`),
    ])

function runLines(
  world: World,
  journeys: readonly LabJourney[],
  to: {
    readonly names: LabNames
    readonly pins: Pins | undefined
    readonly skip: (what: string) => void
    readonly coming: LabChanges
    readonly patience: number
  },
): string[] {
  const view = viewOf(world)
  const { names, pins, skip, coming, patience } = to
  const captures = netnsesOf(world).flatMap((ns) =>
    view
      .list('device', ns.id)
      // What is down passes nothing, and libpcap will not listen there.
      .filter((d) => d.link.kind !== 'unknown' && d.up)
      .map((d) => `capture ${names.short(ns.name)} ${d.name}`),
  )
  const servers = labServers(world, pins, skip)
  const listening = servers.filter((s) => s.port > 0).map((s) => `wait_listening ${names.short(s.netns)} ${s.protocol} ${s.port}`)
  return [
    '# Servers.',
    ...[...announcements(world)].map(([node, list]) => `echo ${shellWord(list)} >"$OUT/${speakerFile(node)}"`),
    ...servers.map((s) => `serve ${names.short(s.netns)} ${s.command}`),
    ...listening,
    ...[...announcements(world).keys()].map((node) => `wait_file "$OUT/${speakerFile(node)}.ready"`),
    'trace_rules',
    'wait_links',
    ...fileLines(world, (netns) => names.short(netns)),
    ...holdLines(world, (netns) => names.short(netns)),
    '# A capture on every device.',
    ...captures,
    'wait_captures',
    '# The journeys.',
    ...journeys.flatMap((j, i) => {
      const netns = journeyNetns(world, j.from)
      if (netns === undefined) {
        skip(`journey ${i + 1}: no namespace ${j.from}`)
        return []
      }
      const p = pins?.journeys[i]
      // A command that runs on for ever in the engine (nc -l) is stopped here.
      const limit = Math.ceil((p?.seconds ?? 20) + patience)
      const journey = `journey ${i + 1} ${names.short(netns)} ${limit} ${shellWord(journeyCommand(j.run, p))}`
      const { before, during } = coming.of(i)
      if (during.length === 0) return [...before, journey]
      return [
        ...before,
        `changes_${i + 1}() {`,
        ...during,
        '}',
        `with_changes changes_${i + 1} ${journey.slice('journey '.length)}`,
      ]
    }),
    'settle',
  ]
}
