import { printIptablesSave } from '../linux/iptables-save.ts'
import type { RecordId } from '../world/ids.ts'
import type { Match } from '../world/netfilter.ts'
import type { NetnsRecord, RuleRecord, WorldRecord } from '../world/records.ts'
import { viewOf, type World, type WorldView } from '../world/world.ts'
import { rests } from './compare/normalisations.ts'
import type { Pins } from './pins.ts'

// A namespace's sysctls and its iptables rules, as a lab sets them.

/**
 * What a namespace starts from. A fresh one copies conf.all and conf.default from the machine that it is made on
 * (net.core.devconf_inherit_init_net), so whatever decides a packet's way is written out. The engine's own defaults.
 */
const BASELINE: readonly (readonly [string, string])[] = [
  ['net.ipv4.ip_forward', '0'],
  ...['all', 'default'].flatMap((scope) =>
    [
      ['rp_filter', '0'],
      ['send_redirects', '1'],
      ['accept_redirects', '1'],
      ['secure_redirects', '1'],
      ['shared_media', '1'],
      ['accept_local', '0'],
      ['route_localnet', '0'],
      ['proxy_arp', '0'],
      ['arp_ignore', '0'],
      ['arp_announce', '0'],
      ['arp_notify', '0'],
    ].map(([name = '', value = '']) => [`net.ipv4.conf.${scope}.${name}`, value] as const),
  ),
  // Distributions and newer kernels differ; these give the window scale of the engine, 7.
  ['net.ipv4.tcp_rmem', '4096 131072 6291456'],
  ['net.ipv4.tcp_wmem', '4096 16384 4194304'],
  ['net.ipv4.ping_group_range', '0 2147483647'],
]

/** Keys that not every kernel has. */
const OPTIONAL: readonly (readonly [string, string])[] = [
  ['net.ipv6.conf.all.disable_ipv6', '1'],
  ['net.ipv6.conf.default.disable_ipv6', '1'],
  // The engine's default, which is that of kernels without it; 4 since Linux 6.5.
  ['net.ipv4.tcp_syn_linear_timeouts', '0'],
]

export interface SysctlLines {
  /** Before there is any device: what devices start from. `key=value` words. */
  readonly early: readonly string[]
  /** Of single devices, and what writing another one could have changed. */
  readonly late: readonly string[]
  /** Of connection tracking: there once rules have made the kernel load it. */
  readonly tracking: readonly string[]
  /** Present on some kernels only: a missing key is no failure. */
  readonly optional: readonly string[]
}

export function sysctlLines(view: WorldView, ns: NetnsRecord): SysctlLines {
  const set = new Map(BASELINE)
  const late = new Map<string, string>()
  const optional = new Map(OPTIONAL)
  const tracking = new Map<string, string>()
  // br_netfilter starts namespaces with it on; where the world says nothing, the bridges are plain.
  const bridges = view.list('device', ns.id).some((d) => d.link.kind === 'bridge')
  if (bridges) optional.set('net.bridge.bridge-nf-call-iptables', '0')
  const sysctls = view.list('sysctl', ns.id)
  // Becoming a router switches it off (inet_forward_change()).
  if (sysctls.some((r) => r.key === 'net.ipv4.ip_forward' && r.value !== '0')) set.set('net.ipv4.conf.all.accept_redirects', '0')
  for (const r of sysctls) {
    // The kernel is the machine's.
    if (r.key === 'kernel.osrelease') continue
    const ofDevice = /^net\.ipv4\.(?:conf|neigh)\.(?!all\.|default\.)/.test(r.key)
    if ((r.key.startsWith('net.bridge.') && r.value === '0') || optional.has(r.key)) optional.set(r.key, r.value)
    else if (r.key.startsWith('net.netfilter.') || r.key.startsWith('net.ipv4.vs.')) tracking.set(r.key, r.value)
    else if (ofDevice || r.key.startsWith('net.bridge.')) late.set(r.key, r.value)
    else set.set(r.key, r.value)
  }
  const words = (m: ReadonlyMap<string, string>) => [...m].map(([k, v]) => `${k}=${v}`)
  return { early: words(set), late: words(late), optional: words(optional), tracking: words(tracking) }
}

/**
 * The namespace's rules for iptables-restore, '' when it has none. Rules that draw at random take, instead, exactly the
 * connections that took them in the engine's run, by source port, by the question to a DNS server, or by the flow inside a tunnel: the kernel's draws cannot be seeded.
 */
export function restoreText(world: World, ns: NetnsRecord, pins: Pins | undefined): string {
  return printIptablesSave(viewOf(pins === undefined ? world : pinned(world, ns, pins)), ns.id, { header: false })
}

function pinned(world: World, ns: NetnsRecord, pins: Pins): World {
  const out = new Map<RecordId, WorldRecord>(world)
  for (const r of world.values()) {
    if (r.kind !== 'rule' || r.netns !== ns.id || !r.spec.matches.some(isRandom)) continue
    out.set(r.id, withDraw(r, drawMatch(pins.draws.get(r.id) ?? [], pins.questions.get(r.id) ?? [])))
  }
  return out
}

const isRandom = (m: Match): boolean => m.kind === 'statistic' && m.mode === 'random'

function withDraw(rule: RuleRecord, draw: Match | undefined): RuleRecord {
  const matches = rule.spec.matches.map((m): Match => (isRandom(m) ? rests('random-draws', draw ?? m) : m))
  return { ...rule, spec: { ...rule.spec, matches } }
}

/**
 * xt_u32: skip the IP header, then the upper half of the next word. It needs no -p, unlike multiport. Of a resolver's packets one
 * question can be told from the others (xt_string), of a tunnel's one flow; undefined where it takes more, and the kernel draws by itself.
 */
function drawMatch(ports: readonly number[], questions: readonly string[]): Match | undefined {
  const [question] = questions
  if (question !== undefined) {
    const pattern = ['--hex-string', `|${question}|`, '--algo', 'bm']
    return questions.length > 1 || ports.length > 0 ? undefined : { kind: 'unknown', name: 'string', arguments: pattern }
  }
  if (ports.length === 0) return { kind: 'statistic', mode: 'random', probability: 0, invert: false }
  const values = ports.map((p) => `0x${p.toString(16)}`).join(',')
  return { kind: 'unknown', name: 'u32', arguments: ['--u32', `0x0>>0x16&0x3c@0x0>>0x10=${values}`] }
}
