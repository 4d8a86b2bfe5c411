import { err, ok, type Result } from '../../base/result.ts'
import { isSubdomain } from '../../net/dns-name.ts'
import { type Directive, parseCorefile, type ServerBlock, secondsOf, zoneOfKey } from './dns-corefile.ts'
import type { KubernetesOptions } from './dns-kubernetes.ts'

// What a Corefile says, by plugin. The order of plugins is compiled into CoreDNS (plugin.cfg): cache, loadbalance, kubernetes,
// forward, whatever the file's order.

export interface CacheOptions {
  readonly zones: readonly string[]
  /** Most that an answer lives, seconds; and a denial. */
  readonly success: number
  readonly denial: number
  /** Zones whose answers, or denials, are not kept. */
  readonly exceptSuccess: readonly string[]
  readonly exceptDenial: readonly string[]
}

export interface ForwardOptions {
  readonly zone: string
  /** Addresses, or files in the manner of /etc/resolv.conf. */
  readonly to: readonly string[]
}

export interface CorednsBlock {
  readonly zones: readonly string[]
  readonly kubernetes: Omit<KubernetesOptions, 'localIp'> | undefined
  readonly cache: CacheOptions | undefined
  readonly forward: ForwardOptions | undefined
  readonly loadbalance: boolean
}

/** Plugins that change nothing about an answer. */
const SILENT: ReadonlySet<string> = new Set([
  'errors',
  'log',
  'health',
  'ready',
  'prometheus',
  'loop',
  'reload',
  'debug',
  'bind',
  'bufsize',
  'cancel',
  'pprof',
  'trace',
  'metadata',
])
/** kubernetes.go defaultTTL */
const KUBERNETES_TTL = 5

/** Errors name what CoreDNS would refuse, or what is not modelled. */
export function corednsBlocks(corefile: string): Result<readonly CorednsBlock[], string> {
  const parsed = parseCorefile(corefile)
  if (!parsed.ok) return parsed
  const blocks: CorednsBlock[] = []
  for (const b of parsed.value) {
    const unknown = b.directives.find((d) => !SILENT.has(d.name) && !MODELLED.has(d.name))
    if (unknown !== undefined) return err(`CoreDNS' plugin ${unknown.name}`)
    blocks.push(blockOf(b))
  }
  return ok(blocks)
}

const MODELLED: ReadonlySet<string> = new Set(['kubernetes', 'cache', 'forward', 'loadbalance'])

function blockOf(b: ServerBlock): CorednsBlock {
  const zones = b.keys.map(zoneOfKey)
  const find = (name: string) => b.directives.find((d) => d.name === name)
  const kubernetes = find('kubernetes')
  const cache = find('cache')
  const forward = find('forward')
  return {
    zones,
    kubernetes: kubernetes === undefined ? undefined : kubernetesOf(kubernetes, zones),
    cache: cache === undefined ? undefined : cacheOf(cache, zones),
    forward: forward === undefined ? undefined : { zone: zoneOfKey(forward.args[0] ?? '.'), to: forward.args.slice(1) },
    loadbalance: find('loadbalance') !== undefined,
  }
}

const zonesOf = (words: readonly string[], otherwise: readonly string[]): readonly string[] =>
  words.length === 0 ? otherwise : words.map(zoneOfKey)

function kubernetesOf(d: Directive, zones: readonly string[]): Omit<KubernetesOptions, 'localIp'> {
  const option = (name: string) => d.block.find((o) => o.name === name)
  const pods = option('pods')?.args[0]
  const through = option('fallthrough')
  return {
    zones: zonesOf(d.args.flatMap(cidrZone), zones),
    ttl: secondsOf(option('ttl')?.args[0], KUBERNETES_TTL),
    pods: pods === 'insecure' || pods === 'verified' ? pods : 'disabled',
    endpointPodNames: option('endpoint_pod_names') !== undefined,
    fallthrough: through === undefined ? [] : zonesOf(through.args, ['.']),
    ignoreEmptyService: option('ignore')?.args[0] === 'empty_service',
  }
}

/** `10.96.0.0/16` stands for 96.10.in-addr.arpa (plugin/normalize.go), where the length is whole octets. */
function cidrZone(word: string): string[] {
  const m = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(8|16|24)$/.exec(word)
  if (m === null) return [word]
  return [
    `${m
      .slice(1, 1 + Number(m[5]) / 8)
      .reverse()
      .join('.')}.in-addr.arpa`,
  ]
}

/** cache.go: an hour and half an hour where nothing is said. */
function cacheOf(d: Directive, zones: readonly string[]): CacheOptions {
  const given = /^\d+$/.test(d.args[0] ?? '') ? Number(d.args[0]) : undefined
  const own = (name: string) => d.block.find((o) => o.name === name)?.args
  const disabled = (what: string) =>
    d.block.filter((o) => o.name === 'disable' && o.args[0] === what).flatMap((o) => zonesOf(o.args.slice(1), ['.']))
  const limit = (name: string, usual: number) => {
    const [, ttl] = own(name) ?? []
    return ttl === undefined ? (given ?? usual) : Number(ttl)
  }
  return {
    zones: zonesOf(given === undefined ? d.args : d.args.slice(1), zones),
    success: limit('success', 3600),
    denial: limit('denial', 1800),
    exceptSuccess: disabled('success'),
    exceptDenial: disabled('denial'),
  }
}

/** The block that serves a name: the one with the longest zone. */
export function blockFor(blocks: readonly CorednsBlock[], name: string): CorednsBlock | undefined {
  let best: { readonly block: CorednsBlock; readonly length: number } | undefined
  for (const block of blocks) {
    for (const zone of block.zones) {
      if (isSubdomain(zone, name) && zone.length > (best?.length ?? -1)) best = { block, length: zone.length }
    }
  }
  return best?.block
}
