import { viewOf } from '../../world/world.ts'
import { engineFrames } from '../compare/engine-frames.ts'
import { tunnelInTunnel } from '../compare/tunnel.ts'
import { HELPER } from '../helper.ts'
import type { LabNames } from '../names.ts'
import { netnsBatch } from '../network.ts'
import { pinsOf } from '../pins.ts'
import { journeyCommand, labServers } from '../programs.ts'
import { restoreText, sysctlLines } from '../tables.ts'
import type { FuzzCase } from './case.ts'
import type { PlayedCase } from './play.ts'

/** What the driver (e2e/kernel/fuzz/driver.py) does for one case, in its order. Plain JSON. */
export interface DriverPlan {
  readonly iptables: 'legacy' | 'nft'
  /** Whether each rule that a packet fits is reported. */
  readonly trace: boolean
  /** Whether it runs ahead of all else on the machine (SCHED_RR): a woken process then comes before work of the kernel's. */
  readonly urgent: boolean
  /** Python source of the servers' functions. */
  readonly helper: string
  readonly namespaces: readonly NamespacePlan[]
  /**
   * For `ip -batch`, behind the namespaces' own links: the pairs in the case's order, which so is the devices' order in every
   * namespace. It decides which address a search through all devices finds.
   */
  readonly cables: readonly string[]
  readonly servers: readonly { readonly netns: string; readonly kind: string; readonly name: string; readonly port: number }[]
  /** `settle`: seconds after it, for what its end set off to come to rest. */
  readonly journeys: readonly {
    readonly netns: string
    readonly command: string
    readonly limit: number
    readonly settle: number
  }[]
}

export interface NamespacePlan {
  readonly name: string
  /** `key=value`: before any device, after them, and those that may be missing. */
  readonly early: readonly string[]
  readonly late: readonly string[]
  readonly optional: readonly string[]
  readonly devices: readonly string[]
  /** Those that come up: a bridge without a port has no carrier. */
  readonly running: readonly string[]
  /** Frames that a capture of the whole namespace has to have room for. */
  readonly frames: number
  /** For `ip -batch` and `bridge -batch`. `@NAME@` stands for a path to that namespace. */
  readonly links: readonly string[]
  readonly up: readonly string[]
  readonly layer3: readonly string[]
  readonly bridge: readonly string[]
  readonly sets: readonly string[]
  readonly iptables: string
}

const NEIGH_DEFAULT = 'net.ipv4.neigh.default.'
const LEAST_FRAMES = 1024
/** Seconds beyond what the engine's run of a journey took. */
const GRACE = 5

/** Every fourth seed's rules are iptables-nft's. */
export const iptablesOf = (c: FuzzCase): 'legacy' | 'nft' => (c.seed % 4 === 0 ? 'nft' : 'legacy')

/** Writes the case as commands; source ports, echo identifiers and random draws are the engine's. */
export function driverPlan(c: FuzzCase, played: Pick<PlayedCase, 'world' | 'reader' | 'settles'>): DriverPlan {
  const { world, reader } = played
  // Once anybody on the machine traces (nft_trace_enabled), nf_tables hashes every packet: see tunnelInTunnel().
  const nested = tunnelInTunnel(reader)
  const iptables = nested ? 'legacy' : iptablesOf(c)
  const view = viewOf(world)
  const pins = pinsOf(reader)
  const names: LabNames = { prefix: '', of: (netns) => `@${netns}@`, short: (netns) => netns }
  const nothingSkipped = (what: string) => {
    throw new Error(`a case cannot be built: ${what}`)
  }
  const cables: string[] = []
  const seen = new Map<string, number>()
  for (const [device, frames] of engineFrames(reader)) {
    const netns = device.slice(0, device.lastIndexOf('/'))
    seen.set(netns, (seen.get(netns) ?? 0) + frames.length)
  }
  const plan: Omit<DriverPlan, 'cables'> = {
    iptables,
    trace: !nested,
    urgent: true,
    helper: HELPER.slice(0, HELPER.indexOf('\nif sys.argv[1]')),
    namespaces: view.list('netns').map((ns) => {
      const { links, up, layer3, bridge } = netnsBatch(view, ns, names, nothingSkipped)
      const records = view.list('device', ns.id)
      const devices = records.map((d) => d.name)
      const sysctls = sysctlLines(view, ns)
      const late = sysctls.early.flatMap((line) => (line.startsWith(NEIGH_DEFAULT) ? perDevice(line, devices) : []))
      cables.push(...links.filter(isPair).map((line) => line.replace(' type veth', ` netns @${ns.name}@ type veth`)))
      return {
        name: ns.name,
        early: sysctls.early.filter((line) => !line.startsWith(NEIGH_DEFAULT)),
        // Proxied answers would come after a random delay.
        late: [...late, ...perDevice(`${NEIGH_DEFAULT}proxy_delay=0`, devices), ...sysctls.late, ...sysctls.tracking],
        optional: sysctls.optional,
        devices,
        running: records
          .filter((d) => d.link.kind !== 'bridge' || records.some((p) => p.master?.bridge === d.id))
          .map((d) => d.name),
        frames: Math.max(LEAST_FRAMES, 2 * (seen.get(ns.name) ?? 0)),
        links: links.filter((line) => !isPair(line)),
        up,
        layer3,
        bridge,
        sets: c.hosts.find((h) => h.name === ns.name)?.sets ?? [],
        iptables: restoreText(world, ns, pins),
      }
    }),
    servers: labServers(world, undefined, nothingSkipped).map(({ netns, command, port }) => {
      const [, kind = '', name = ''] = /"\$HELPER" (\S+)(?: (\S+))?/.exec(command) ?? []
      return { netns, kind, name, port }
    }),
    journeys: c.journeys.map((j, i) => ({
      netns: j.from,
      command: journeyCommand(j.run, pins.journeys[i]),
      limit: Math.ceil((pins.journeys[i]?.seconds ?? 0) + GRACE),
      settle: (played.settles[i] ?? 0) / 1e9,
    })),
  }
  const order = new Map<string, number>(
    c.cables.flatMap(({ a, b }, i) => [a, b].map((end) => [`${end.device} @${end.host}@`, i] as const)),
  )
  const place = (line: string) => order.get(line.replace(/^link add (\S+) .*? netns (@\S+@) type .*$/, '$1 $2')) ?? 0
  return { ...plan, cables: cables.toSorted((x, y) => place(x) - place(y)) }
}

const isPair = (line: string): boolean => line.includes(' type veth peer ')

/** A fresh namespace has no neigh.default of its own: every device has. */
const perDevice = (line: string, devices: readonly string[]): string[] =>
  devices.filter((d) => d !== 'lo').map((d) => `net.ipv4.neigh.${d}.${line.slice(NEIGH_DEFAULT.length)}`)
