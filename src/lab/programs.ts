import { formatIpv4 } from '../net/address.ts'
import { announcedOn } from '../sim/processes/metallb-speaker.ts'
import { type HealthCheck, localEndpoints, parseHealthCheck } from '../sim/processes/service-health.ts'
import { splitWords, type Token } from '../sim/processes/words.ts'
import type { ProcessRecord } from '../world/records.ts'
import { viewOf, type World } from '../world/world.ts'
import { dnsServerCommand } from './dns.ts'
import { netnsesOf, shellWord } from './names.ts'
import type { JourneyPins, Pins } from './pins.ts'
import { l4ProxyCommand, reverseProxyCommand, userspaceProxyCommand } from './proxies.ts'

/** A command as the scenario document has it (JourneySpec). */
export interface LabJourney {
  readonly from: string
  readonly container?: string
  readonly run: string
}

/** A server that the script starts before the journeys. */
export interface LabServer {
  readonly netns: string
  /** Words for the shell, `$HELPER` among them. */
  readonly command: string
  readonly protocol: 'tcp' | 'udp'
  /** 0: it listens on none. */
  readonly port: number
}

/** What a node's MetalLB speaker announces, as the helper reads it: `{ADDRESS: [INTERFACE…]}`. By node. */
export const announcements = (world: World): ReadonlyMap<string, string> =>
  new Map(
    viewOf(world)
      .list('process')
      .flatMap((p): [string, string][] => {
        if (p.argv[0] !== 'speaker') return []
        const node = p.netns.slice('netns:'.length)
        const list = [...announcedOn(world, node)].map(([ip, interfaces]) => [formatIpv4(ip), interfaces] as const)
        return [[node, JSON.stringify(Object.fromEntries(list))]]
      }),
  )

export const speakerFile = (node: string): string => `speaker-${node}.json`

/** Servers of the world that the script's helper can play, in the world's order; `skipped` is told of the others. */
export function labServers(world: World, pins: Pins | undefined, skipped: (what: string) => void): LabServer[] {
  return viewOf(world)
    .list('process')
    .flatMap((p): LabServer[] => {
      if (p.state !== 'running') return []
      const server = labServer(world, p, pins)
      if (server === undefined) skipped(`process ${p.argv.join(' ')} in ${p.netns.slice('netns:'.length)}`)
      return server === undefined ? [] : [server]
    })
}

/** One process of the world; undefined when the helper cannot play it. */
export function labServer(world: World, p: ProcessRecord, pins: Pins | undefined): LabServer | undefined {
  const netns = p.netns.slice('netns:'.length)
  const port = portOf(p)
  // gethostname(2) in a pod is the pod's name.
  const hostname = netns.slice(netns.lastIndexOf('/') + 1)
  const check = healthCheckOf(p)
  if (check !== undefined) return healthServer(world, netns, check)
  switch (p.argv[0]) {
    case 'httpd':
      return { netns, command: `python3 "$HELPER" httpd ${shellWord(hostname)} ${port ?? 80}`, protocol: 'tcp', port: port ?? 80 }
    case 'speaker':
      return { netns, command: `python3 "$HELPER" speaker "$OUT/${speakerFile(netns)}"`, protocol: 'tcp', port: 0 }
    case 'udp-echo':
      return { netns, command: `python3 "$HELPER" udp-echo ${port ?? 7}`, protocol: 'udp', port: port ?? 7 }
    default: {
      const pinned = pins?.proxies.get(p.id)
      const dns = pins === undefined ? undefined : dnsServerCommand(world, p, pins.dns.get(p.id))
      if (dns !== undefined) return { netns, ...dns }
      const proxy =
        reverseProxyCommand(world, p, pinned) ?? userspaceProxyCommand(world, p, pinned) ?? l4ProxyCommand(world, p, pinned)
      return proxy === undefined ? undefined : { netns, ...proxy }
    }
  }
}

const healthCheckOf = (p: ProcessRecord): HealthCheck | undefined =>
  p.argv[0] === 'kube-proxy' ? parseHealthCheck(p.argv.slice(1)) : undefined

/** `NODE NAMESPACE/NAME` of every health check, to the endpoints that it finds. */
export const healthCounts = (world: World): ReadonlyMap<string, number> =>
  new Map(
    [...world.values()].flatMap((p): [string, number][] => {
      const check = p.kind === 'process' ? healthCheckOf(p) : undefined
      if (p.kind !== 'process' || check === undefined) return []
      const node = p.netns.slice('netns:'.length)
      return [[`${node} ${check.namespace}/${check.name}`, localEndpoints(world, check, node)]]
    }),
  )

function healthServer(world: World, netns: string, check: HealthCheck): LabServer {
  const { namespace, name, port } = check
  const count = localEndpoints(world, check, netns)
  return { netns, command: `python3 "$HELPER" health ${namespace} ${name} ${count} ${port} ${netns}`, protocol: 'tcp', port }
}

function portOf(p: ProcessRecord): number | undefined {
  const at = p.argv.findIndex((word) => word === '-p' || word === '--port')
  const port = Number(p.argv[at + 1])
  return at >= 0 && Number.isInteger(port) ? port : undefined
}

/** Name of the namespace that a journey starts in; undefined when the world has none. */
export function journeyNetns(world: World, from: string): string | undefined {
  const name = /^pod\/default\/[^/]+$/.test(from) ? `pod/${from.slice('pod/default/'.length)}` : from
  return netnsesOf(world).find((ns) => ns.name === name)?.name
}

/** Programs of a journey's command line, for the check of needs. */
export const programsOf = (run: string): string[] => {
  const tokens = splitWords(run)
  if (!tokens.ok) return []
  return pipeline(tokens.value).flatMap((words) => words.slice(0, 1))
}

/**
 * The journey's command for a shell, with what the engine chose added as options: curl's and nc's source port, ping's echo
 * identifier. A command line that the engine itself refuses is passed on as it is.
 */
export function journeyCommand(run: string, pins: JourneyPins | undefined): string {
  const tokens = splitWords(run)
  if (!tokens.ok) return run
  return pipeline(tokens.value)
    .map((words) => pinned(words, pins).map(shellWord).join(' '))
    .join(' | ')
}

function pipeline(tokens: readonly Token[]): string[][] {
  const commands: string[][] = [[]]
  for (const t of tokens) {
    if (t.kind === 'pipe') commands.push([])
    else commands.at(-1)?.push(t.text)
  }
  return commands
}

/** Header lines differ from version to version; this is the one that the engine's curl sends. */
const USER_AGENT = 'curl/8.5.0'

/** A URL whose host is a name. */
const isNamed = (word: string): boolean =>
  /^(?:http:\/\/)?[a-z0-9.-]*[a-z][a-z0-9.-]*(?::\d+)?(?:\/|$)/i.test(word) && !word.startsWith('-')

function pinned(words: readonly string[], pins: JourneyPins | undefined): string[] {
  const [program = '', ...rest] = words
  const has = (...options: string[]) => rest.some((w) => options.includes(w))
  const port = pins?.ports.length === 1 ? pins.ports[0] : undefined
  switch (program) {
    case 'curl': {
      const local = port === undefined || has('--local-port') ? [] : ['--local-port', String(port)]
      const agent = has('-A', '--user-agent') ? [] : ['-A', USER_AGENT]
      // For a name both A and AAAA are asked for, which -4 would prevent.
      const family = rest.some((w) => isNamed(w)) ? [] : ['-4']
      return [program, ...family, '--http1.1', '--noproxy', '*', ...agent, ...local, ...rest]
    }
    case 'nc':
      return port === undefined || has('-l', '-p') ? [program, ...rest] : [program, '-p', String(port), ...rest]
    case 'ping': {
      const id = pins?.echoIds[0]
      return id === undefined || has('-e') ? [program, ...rest] : [program, '-e', String(id), ...rest]
    }
    default:
      return [...words]
  }
}
