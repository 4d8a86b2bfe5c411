import { prng } from '../../base/prng.ts'
import type { JourneyCommand } from '../../sim/run.ts'
import type { FuzzCase } from './case.ts'
import { Draw } from './draw.ts'
import { flowOf } from './flows.ts'
import { devicesOf, type Places, placesOf, portsOf } from './places.ts'
import { drawRareRules } from './rare.ts'
import { drawRareRoutes } from './rare-routes.ts'
import { reachable } from './routes.ts'
import { drawTables } from './rules.ts'
import { type Draft, drawTopology, type Host } from './topology.ts'
import { drawTunnels } from './tunnels.ts'

/** Unanswered ARP gives up well before any command does, so that no two clocks have to agree. */
const RETRANSMIT_MS = 300

/** Seeds from here on are drawn with what chance alone seldom brings about; those before stay the cases that they were. */
export const RARE_FROM = 200_000

/** The case of a seed: always the same one. */
export function generateCase(seed: number): FuzzCase {
  const draw = new Draw(prng(seed).fork('case'))
  const draft = drawTopology(draw)
  // From a stream of its own: the cases without a tunnel are what they were before there were any.
  drawTunnels(new Draw(prng(seed).fork('tunnels')), draft)
  const places = placesOf(draft.hosts)
  // Five seconds, the default, is about as long as a case takes: whether it probes would hang on the machine's load.
  const probeAfter = draw.chance(10) ? '1' : '60'
  for (const host of draft.hosts) {
    host.sysctls['net.ipv4.neigh.default.retrans_time_ms'] = String(RETRANSMIT_MS)
    host.sysctls['net.ipv4.neigh.default.delay_first_probe_time'] = probeAfter
    if (host.role === 'switch') continue
    drawSysctls(draw, host, draft)
    drawRouting(draw, host, draft, places)
    host.routes = reachable(host, withoutTwins(host.routes))
    if (!draw.chance(host.role === 'node' ? 75 : 15)) continue
    drawSets(draw, host, places)
    const ends = draft.cables.flatMap((c) => [c.a, c.b]).map((e) => `${e.host}/${e.device}`)
    host.tables.push(
      ...drawTables(draw, {
        devices: devicesOf(host, draft.cables),
        ports: portsOf(host, draft.cables),
        places,
        sets: host.sets.flatMap((line) => {
          const [verb, name = '', type = ''] = line.split(' ')
          return verb === 'create' ? [[name, type] as const] : []
        }),
        ends,
      }),
    )
  }
  const journeys = drawJourneys(draw, draft, places)
  if (seed >= RARE_FROM) journeys.push(...drawRare(new Draw(prng(seed).fork('rare')), draft, places, journeys))
  return { seed, hosts: draft.hosts, cables: draft.cables, journeys }
}

/** Rules and routes that journeys of the case meet, and more journeys: neighbours on one node talk too seldom otherwise. */
function drawRare(draw: Draw, draft: Draft, places: Places, journeys: readonly JourneyCommand[]): JourneyCommand[] {
  const more = neighbourly(draw, draft, places)
  if (narrow(draw, draft)) more.push(large(draw, draft, places))
  for (const host of draft.hosts)
    if (host.role === 'node' && draw.chance(15)) host.sysctls['net.ipv4.conf.all.rp_filter'] = draw.pick(['1', '1', '2'])
  const flows = [...journeys, ...more].map((j) => flowOf(j, draft.hosts))
  drawRareRules(draw, draft, flows)
  drawRareRoutes(draw, draft, flows)
  for (const host of draft.hosts) host.routes = reachable(host, withoutTwins(host.routes))
  return more
}

/** One cable that takes less than those before it. What a tunnel has room for follows from the cables under it: those stay. */
function narrow(draw: Draw, draft: Draft): boolean {
  const plain = draft.cables.filter((c) => c.a.master === undefined && c.b.master === undefined)
  if (plain.length === 0 || !draw.chance(25) || draft.hosts.some((h) => h.tunnels !== undefined)) return false
  const cable = draw.pick(plain)
  draft.cables[draft.cables.indexOf(cable)] = { ...cable, mtu: draw.pick([1400, 1280, 576]) }
  return true
}

/** What has to go through such a cable and must not be cut up. */
function large(draw: Draw, draft: Draft, places: Places): JourneyCommand {
  const from = draw.pick(draft.hosts.filter((h) => h.role === 'pod')).name
  return {
    from,
    run: `ping -c 2 -i 0.2 -W 1.5 -s ${draw.pick([1372, 1472])} -M ${draw.pick(['do', 'do', 'want'])} ${draw.pick(places.pods)}`,
  }
}

/** Two pods of one node, the bridge between them in netfilter's sight more often than not. */
function neighbourly(draw: Draw, draft: Draft, places: Places): JourneyCommand[] {
  const pods = draft.hosts.filter((h) => h.role === 'pod')
  const nodeOf = (pod: Host) => draft.cables.find((c) => c.a.host === pod.name)?.b.host
  const pairs = pods.flatMap((a) => pods.filter((b) => b !== a && nodeOf(a) === nodeOf(b)).map((b) => [a, b] as const))
  if (pairs.length === 0 || !draw.chance(70)) return []
  const [a, b] = draw.pick(pairs)
  const node = draft.hosts.find((h) => h.name === nodeOf(a))
  if (node !== undefined && node.bridges.length > 0 && draw.chance(70)) node.sysctls['net.bridge.bridge-nf-call-iptables'] = '1'
  const to = b.addresses[0]?.cidr.split('/')[0] ?? places.pods[0] ?? ''
  return Array.from({ length: draw.between(1, 2) }, () => ({
    from: a.name,
    run: command(draw, { ...places, pods: [to], addresses: [to] }),
  }))
}

function drawSysctls(draw: Draw, host: Host, draft: Draft): void {
  const set = (percent: number, key: string, ...values: number[]) => {
    if (draw.chance(percent)) host.sysctls[key] = String(draw.pick(values))
  }
  const node = host.role === 'node'
  if (draw.chance(node ? 92 : 5)) host.sysctls['net.ipv4.ip_forward'] = '1'
  if (host.bridges.length > 0) host.sysctls['net.bridge.bridge-nf-call-iptables'] = draw.chance(60) ? '1' : '0'
  const scope = () => draw.pick(['all', 'default', ...devicesOf(host, draft.cables).filter((d) => d !== 'lo')])
  const conf = (percent: number, name: string, ...values: number[]) => set(percent, `net.ipv4.conf.${scope()}.${name}`, ...values)
  conf(20, 'rp_filter', 1, 2)
  conf(10, 'rp_filter', 0, 1, 2)
  conf(12, 'send_redirects', 0)
  conf(8, 'accept_local', 1)
  conf(8, 'route_localnet', 1)
  conf(8, 'proxy_arp', 1)
  conf(8, 'arp_ignore', 1, 2, 8)
  conf(8, 'arp_announce', 1, 2)
  conf(5, 'accept_redirects', 0)
  // Writing ip_forward sets conf.default and every device: only a single device can differ afterwards.
  const device = draw.pick(devicesOf(host, draft.cables))
  set(4, `net.ipv4.conf.${device}.forwarding`, 0, 1)
  set(4, 'net.ipv4.icmp_echo_ignore_all', 1)
  set(5, 'net.ipv4.icmp_echo_ignore_broadcasts', 0)
  set(5, 'net.ipv4.icmp_ratelimit', 0, 100)
  set(5, 'net.ipv4.ip_default_ttl', 32, 3, 1)
  set(4, 'net.ipv4.fwmark_reflect', 1)
  set(3, 'net.netfilter.nf_conntrack_tcp_loose', 0)
  set(3, 'net.netfilter.nf_conntrack_udp_timeout', 10)
}

function drawRouting(draw: Draw, host: Host, draft: Draft, places: Places): void {
  if (host.role === 'pod' && !draw.chance(8)) return
  const target = () => `${draw.pick([...places.addresses, ...places.nobody])}`
  const devices = devicesOf(host, draft.cables).filter((d) => d !== 'lo')
  const special = () => draw.pick(['blackhole', 'unreachable', 'prohibit', 'throw'])
  if (draw.chance(12)) host.routes.push(`${special()} ${target()}`)
  if (draw.chance(4)) host.routes.push(`${special()} 203.0.113.0/24`)
  // A route that is missing.
  if (draw.chance(5) && host.routes.length > 0) host.routes.splice(draw.between(0, host.routes.length - 1), 1)
  if (draw.chance(20)) {
    const via = host.routes.find((r) => r.startsWith('default'))
    host.routes.push(draw.chance(50) || via === undefined ? `${special()} ${target()} table 100` : `${via} table 100`)
    if (draw.chance(40)) host.routes.push(`throw ${target()} table 100`)
    const selector = draw.pick([
      'from all fwmark 0x1',
      'from all fwmark 0x4000/0x4000',
      `from ${target()}`,
      `from all to ${target()}`,
      `from all iif ${draw.pick([...devices, 'lo'])}`,
      `from ${target()} iif ${draw.pick(devices)}`,
    ])
    const action = draw.weighted([
      [6, 'lookup 100'],
      [1, 'blackhole'],
      [1, 'unreachable'],
      [1, 'prohibit'],
    ])
    host.rules.push(`${draw.between(1, 5) * 100}:\t${draw.chance(8) ? 'not ' : ''}${selector} ${action}`)
  }
}

/** The kernel refuses a second route to the same place in one table. */
function withoutTwins(routes: readonly string[]): string[] {
  const key = (r: string) => `${/[\d./]+|default/.exec(r)?.[0]} ${/table \d+/.exec(r)?.[0]}`
  return routes.filter((r, i) => routes.findIndex((o) => key(o) === key(r)) === i)
}

function drawSets(draw: Draw, host: Host, places: Places): void {
  if (draw.chance(25))
    host.sets.push('create s1 hash:ip family inet', ...draw.some(places.addresses, 35).map((a) => `add s1 ${a}`))
  if (draw.chance(15)) host.sets.push('create s2 hash:net family inet', `add s2 10.244.${draw.between(1, 3)}.0/24`)
  if (draw.chance(15)) {
    const members = draw.some(places.addresses, 30)
    host.sets.push(
      'create s3 hash:ip,port family inet',
      ...members.map((a) => `add s3 ${a},tcp:${draw.pick(['80', '7', '8080'])}`),
    )
  }
}

function drawJourneys(draw: Draw, draft: Draft, places: Places): JourneyCommand[] {
  const senders = draft.hosts.filter((h) => h.role !== 'switch').map((h) => h.name)
  const weighted = [...senders, ...senders.filter((s) => s.startsWith('pod/'))]
  return Array.from({ length: draw.between(1, 4) }, () => ({ from: draw.pick(weighted), run: command(draw, places) }))
}

function command(draw: Draw, places: Places): string {
  const to = draw.weighted([
    [10, draw.pick(places.pods)],
    [6, draw.pick(places.addresses)],
    [4, draw.pick(places.services)],
    [2, draw.pick(places.nobody)],
    [1, '127.0.0.1'],
  ])
  const tcp = () =>
    draw.weighted([
      [7, '80'],
      [2, '8080'],
      [2, '81'],
    ])
  switch (
    draw.weighted([
      [6, 'ping'],
      [5, 'curl'],
      [3, 'scan'],
      [3, 'udp'],
      [1, 'talk'],
    ])
  ) {
    case 'ping':
      return ping(draw, to)
    case 'curl':
      return `curl -s -m 2 http://${to}:${tcp()}/`
    case 'scan':
      return `nc -z -w 2 ${to} ${tcp()}`
    case 'udp':
      return `echo hello | nc -u -w 1 ${to} ${draw.weighted([
        [6, '7'],
        [2, '9'],
      ])}`
    default:
      return `echo hello | nc -N -w 2 ${to} ${tcp()}`
  }
}

function ping(draw: Draw, to: string): string {
  const words = [`ping -c ${draw.between(1, 3)} -i 0.2 -W 1.5`]
  if (draw.chance(35)) words.push(`-s ${draw.pick([0, 8, 600, 1372, 1400, 1472, 1473, 3000])}`)
  if (draw.chance(30)) words.push(`-M ${draw.pick(['do', 'want', 'dont'])}`)
  if (draw.chance(20)) words.push(`-t ${draw.between(1, 3)}`)
  if (draw.chance(5)) words.push('-Q 16')
  return [...words, to].join(' ')
}
