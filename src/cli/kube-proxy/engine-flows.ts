import type { Prng } from '../../base/prng.ts'
import type { IptablesProxyConfig } from '../../cluster/kube-proxy/iptables/config.ts'
import { jumpRules } from '../../cluster/kube-proxy/iptables/jumps.ts'
import { WorldBuilder } from '../../cluster/world-builder.ts'
import { boot } from '../../kernel/boot.ts'
import type { NetDevice } from '../../kernel/device.ts'
import { path } from '../../kernel/path/index.ts'
import { netifReceive } from '../../kernel/path/receive.ts'
import { SkBuff } from '../../kernel/skb.ts'
import { parseIptablesSave, toRecords } from '../../linux/iptables-save.ts'
import { parseNft } from '../../linux/nft/parse.ts'
import { nftRecords } from '../../linux/nft/records.ts'
import { type Ipv4, ipv4, type Mac, parseIpv4, parsePrefix } from '../../net/address.ts'
import { ETH_P, IPPROTO, Packet, TCP } from '../../net/packet.ts'
import type { WorldRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'
import { sendIp6 } from './ip6-flows.ts'
import { type End, NODE, Notes } from './notes.ts'
import type { FlowAnswer, FlowSpec, RulesetVector } from './vector.ts'

// Flows answered by the engine itself: one node with the vector's addresses and ruleset, and a first packet that comes in by
// eth0, or that a process of the node sends. What kube-proxy's rules did to it is read from the trace.

const ORIGIN = { component: 'kube-proxy' } as const
const GATEWAY = ipv4(0xc0a800fe)
const NIC = 0x525400000001 as Mac

/** Every end that a flow's random choices can lead to, in the order of the rules. */
export function engineFlows(v: RulesetVector, ruleset: string, config: IptablesProxyConfig): FlowAnswer[] {
  const parsed = parseIptablesSave(wholeTables(ruleset, config))
  if (!parsed.ok) throw new Error(`the ruleset does not parse: ${JSON.stringify(parsed.error)}`)
  return flowsIn(
    nodeWorld(
      v,
      toRecords(NODE, parsed.value, () => ORIGIN),
    ),
    v,
    allChoices,
  )
}

/** The same for kube-proxy's table of nftables, as commands that make it (`NftTable.dump`). */
export function nftEngineFlows(v: RulesetVector, dump: string): FlowAnswer[] {
  const parsed = parseNft(dump)
  if (!parsed.ok) throw new Error(`the table does not parse: ${JSON.stringify(parsed.error)}`)
  const moduli = new Set([...dump.matchAll(/numgen random mod (\d+)/g)].map((m) => Number(m[1])))
  return flowsIn(
    nodeWorld(
      v,
      nftRecords(NODE, parsed.value, () => ORIGIN),
    ),
    v,
    () => everyDraw(moduli),
  )
}

function flowsIn(world: World, v: RulesetVector, choices: () => Iterable<Prng>): FlowAnswer[] {
  const local = new Set(v.nodeConfig.tracerLocalIPs)
  return v.flows.map((flow) => {
    const fromNode = local.has(flow.sourceIP)
    const one = (rng: Prng) =>
      v.nodeConfig.ipFamily === 'IPv4' ? send(world, flow, fromNode, rng) : sendIp6(world, v, flow, rng)
    return answer(flow, one, choices)
  })
}

/** Draws with which `numgen random mod N` says each number below N, for every N; a new connection draws once. */
function* everyDraw(moduli: ReadonlySet<number>): Generator<Prng> {
  const shares = [...moduli, 1].flatMap((n) => Array.from({ length: n }, (_, k) => (k + 0.5) / n))
  for (const share of [...new Set(shares)].sort((a, b) => a - b)) {
    const rng: Prng = { next: () => Math.floor(share * 0x1_0000_0000), below: () => 0, fork: () => rng }
    yield rng
  }
}

function answer(flow: FlowSpec, one: (chosen: Prng) => End, choices: () => Iterable<Prng>): FlowAnswer {
  const ends: string[] = []
  let masq = false
  for (const chosen of choices()) {
    const end = one(chosen)
    if (!ends.includes(end.text)) ends.push(end.text)
    masq ||= end.masq
  }
  return { name: flow.name, expect: ends.filter((e) => e !== '').join(', '), masq }
}

/**
 * Drives a run through every way that its random draws can fall, first to match each time: xt_statistic compares a draw with
 * its share, so 0 always matches and the greatest never does.
 */
function* allChoices(): Generator<Prng> {
  const fixed: boolean[] = []
  for (;;) {
    const taken: boolean[] = []
    const next = () => {
      const hit = fixed[taken.length] ?? true
      taken.push(hit)
      return hit ? 0 : 0xffffffff
    }
    const rng: Prng = { next, below: () => 0, fork: () => rng }
    yield rng
    while (taken.at(-1) === false) taken.pop()
    if (taken.length === 0) return
    fixed.splice(0, fixed.length, ...taken.slice(0, -1), false)
  }
}

function send(world: World, flow: FlowSpec, fromNode: boolean, rng: Prng): End {
  const rec = new Notes(world)
  const waiting: (() => void)[] = []
  const kernel = boot(rec, rng, {
    schedule: () => ({ cancel: () => undefined }),
    transmit: (_, device: NetDevice, skb: SkBuff) => waiting.push(() => netifReceive(skb, device)),
  })
  const ns = kernel.namespaces.get(NODE)
  const eth0 = ns?.devices.get('eth0')
  if (ns === undefined || eth0 === undefined) throw new Error('the node has no eth0')
  const pkt = firstPacket(flow)
  if (fromNode) path.localOut(ns, pkt, { how: 0, cause: -1 })
  else {
    pkt.ethDst = NIC
    const skb = new SkBuff(pkt, ns)
    skb.packet = rec.packet(pkt)
    netifReceive(skb, eth0)
  }
  // What the packet causes on lo; answers to it are other packets.
  for (let i = 0; i < waiting.length && i < 8; i++) waiting[i]?.()
  return rec.end()
}

function firstPacket(flow: FlowSpec): Packet {
  const p = new Packet()
  p.etherType = ETH_P.IP
  p.src = address(flow.sourceIP)
  p.dst = address(flow.destIP)
  p.ttl = 64
  p.ident = 1
  p.sport = 40000
  p.dport = flow.destPort
  p.protocol = IPPROTO[flow.protocol]
  if (flow.protocol === 'TCP') p.tcpFlags = TCP.SYN
  // The engine keeps SCTP as it is on the wire: common header and an empty INIT (RFC 9260, 3.1 and 3.3.2).
  if (flow.protocol === 'SCTP') {
    const bytes = new Uint8Array(32)
    const view = new DataView(bytes.buffer)
    view.setUint16(0, p.sport)
    view.setUint16(2, p.dport)
    view.setUint8(12, 1)
    view.setUint16(14, 20)
    p.payload = bytes
  }
  return p
}

function address(text: string): Ipv4 {
  const parsed = parseIpv4(text)
  if (!parsed.ok) throw new Error(`${text} is no IPv4 address`)
  return parsed.value
}

/** lo, an unplugged eth0 with every address that the vector calls local, a default route, and the ruleset. */
function nodeWorld(v: RulesetVector, ruleset: readonly WorldRecord[]): World {
  const builder = new WorldBuilder()
  const node = builder.netns(NODE, 'node', ORIGIN)
  node.device('eth0', { mac: NIC, mtu: 1500, link: { kind: 'physical', latency: 0 }, origin: ORIGIN })
  const given = v.nodeConfig.interfaces.flatMap((i) => (i.name === 'lo' ? [] : i.addresses))
  const known = new Set(given.map((a) => a.split('/')[0] ?? ''))
  for (const text of [...given, ...v.nodeConfig.tracerLocalIPs.filter((a) => !known.has(a))]) {
    const prefix = parsePrefix(text)
    if (prefix.ok && prefix.value.address >>> 24 !== 127) node.address('eth0', prefix.value, ORIGIN)
  }
  node.route({ address: ipv4(0), length: 0 }, { via: GATEWAY, dev: 'eth0', onlink: true }, ORIGIN)
  for (const key of ['net.ipv4.ip_forward', 'net.ipv4.conf.all.route_localnet']) node.sysctl(key, 1, ORIGIN)
  node.finish()
  for (const r of ruleset) builder.put(r)
  return builder.done()
}

/** kube-proxy's chains with the base chains' jumps to them; base chains that the text has itself are left out. */
function wholeTables(ruleset: string, config: IptablesProxyConfig): string {
  const jumps = jumpRules(config)
  return ruleset
    .split(/^\*/m)
    .slice(1)
    .map((text) => {
      const [table = '', ...lines] = text.trimEnd().split('\n')
      const own = lines.filter((l) => /^(:|-A )KUBE-/.test(l))
      const declared = new Set(own.flatMap((l) => (l.startsWith(':') ? [l.slice(1).split(' ')[0] ?? ''] : [])))
      const missing = jumps.flatMap((j) => {
        const to = j.rule.spec.target
        return j.table === table && to.kind === 'jump' && declared.has(to.chain) ? [j.rule.text] : []
      })
      // A rule without a target only counts; nfacct's counters do nothing to a packet.
      return [
        `*${table}`,
        ...own.filter((l) => l.startsWith(':')),
        ...missing,
        ...own.filter((l) => l.startsWith('-A ')),
        'COMMIT',
        '',
      ].join('\n')
    })
    .join('')
}
