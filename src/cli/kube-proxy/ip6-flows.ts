import type { Prng } from '../../base/prng.ts'
import { cidrContains, type IpAddress, joinHostPort, parseCidrSloppy, parseIpSloppy } from '../../cluster/kube-proxy/ip.ts'
import { boot } from '../../kernel/boot.ts'
import { HookState } from '../../kernel/netfilter/hook-state.ts'
import type { Ip6Deps, Ip6Target } from '../../kernel/nftables/ip6.ts'
import { SkBuff } from '../../kernel/skb.ts'
import { NF_ACCEPT } from '../../kernel/types.ts'
import type { NftRecord } from '../../linux/nft/records.ts'
import { ipv6Digits, ipv6OfDigits } from '../../net/ipv6-value.ts'
import { IPPROTO, Packet } from '../../net/packet.ts'
import { HOOK } from '../../trace/step.ts'
import type { World } from '../../world/world.ts'
import { type End, NODE, Notes } from './notes.ts'
import type { FlowSpec, RulesetVector } from './vector.ts'

// The first packet of an IPv6 connection on a node: the engine's own nftables walk at each hook, and the little of a stack that lies
// between them here, for the engine's packets are IPv4.

const CT_NEW = 8
const LOOPBACK = ipv6Digits(1n)

/** One packet through the hooks, with the given draws. */
export function sendIp6(world: World, v: RulesetVector, flow: FlowSpec, rng: Prng): End {
  const rec = new Notes(world)
  const kernel = boot(rec, rng, { schedule: () => ({ cancel: () => undefined }), transmit: () => undefined })
  const ns = kernel.namespaces.get(NODE)
  if (ns === undefined) throw new Error('the node has no namespace')
  const pkt = new Packet()
  pkt.protocol = IPPROTO[flow.protocol]
  pkt.sport = 40000
  pkt.dport = flow.destPort
  const skb = new SkBuff(pkt, ns)
  skb.packet = rec.packet(pkt)
  const way = new Way(v, flow)
  const chains = ns.netfilter.ip6Chains(nftRecordsOf(world), way)
  const inside = ns.devices.get('lo')
  const outside = ns.devices.get('eth0')
  const at = new HookState()
  /** nf_hook_slow(): by priority; of one, what was registered later first, which is the order of `chains`. */
  const hook = (number: number): boolean => {
    at.hook = number
    at.inDev = number === HOOK.OUTPUT || number === HOOK.POSTROUTING ? undefined : way.sentHere ? inside : outside
    at.outDev = number === HOOK.PREROUTING || number === HOOK.INPUT ? undefined : way.isLocal(way.dst) ? inside : outside
    const mine = chains.filter((c) => c.hook === number).sort((a, b) => a.priority - b.priority)
    const manip = number === HOOK.POSTROUTING || number === HOOK.INPUT ? 'source' : 'destination'
    const done = way.bound.has(manip)
    for (const c of mine) {
      // nf_nat_inet_fn(): a connection goes through its NAT chains once.
      if (c.type === 'nat' && done) continue
      if (c.run(skb, at) !== NF_ACCEPT) return false
    }
    way.bound.add(manip)
    return true
  }
  const through = (hooks: readonly number[]) => hooks.every(hook)
  if (way.sentHere && !through([HOOK.OUTPUT, HOOK.POSTROUTING])) return rec.end(way.outputs)
  if (!way.sentHere || way.isLocal(way.dst)) {
    if (hook(HOOK.PREROUTING)) through(way.isLocal(way.dst) ? [HOOK.INPUT] : [HOOK.FORWARD, HOOK.POSTROUTING])
  }
  return rec.end(way.outputs)
}

/** The packet's addresses on its way, and what NAT made of them. */
class Way implements Ip6Deps {
  readonly #local: ReadonlySet<string>
  readonly sentHere: boolean
  readonly bound = new Set<'source' | 'destination'>()
  readonly outputs: string[] = []
  src: string
  dst: string

  constructor(v: RulesetVector, flow: FlowSpec) {
    this.#local = new Set([...v.nodeConfig.tracerLocalIPs.flatMap((t) => digitsOf(parseIpSloppy(t)) ?? []), LOOPBACK])
    this.src = digitsOf(parseIpSloppy(flow.sourceIP)) ?? ''
    this.dst = digitsOf(parseIpSloppy(flow.destIP)) ?? ''
    this.sentHere = this.#local.has(this.src)
  }

  isLocal(address: string): boolean {
    return this.#local.has(address)
  }
  header() {
    return { src: this.src, dst: this.dst, hopLimit: 64, length: 40 }
  }
  addressType(address: string) {
    const parsed = parseIpSloppy(ipv6OfDigits(address))
    const group = parsed !== undefined && MULTICAST !== undefined && cidrContains(MULTICAST, parsed)
    return group ? 'MULTICAST' : this.isLocal(address) ? 'LOCAL' : 'UNICAST'
  }
  ctState(): number {
    return CT_NEW
  }
  nat(skb: SkBuff, _: HookState, kind: 'dnat' | 'snat' | 'masquerade' | 'redirect', { address, port }: Ip6Target): number {
    if (kind === 'dnat' || kind === 'redirect') {
      this.dst = address ?? this.dst
      skb.pkt.dport = port ?? skb.pkt.dport
      const to = parseIpSloppy(ipv6OfDigits(this.dst))
      if (to !== undefined) this.outputs.push(joinHostPort(to, skb.pkt.dport))
    }
    return NF_ACCEPT
  }
}

const MULTICAST = parseCidrSloppy('ff00::/8')
const digitsOf = (a: IpAddress | undefined): string | undefined => (a?.family === 'IPv6' ? ipv6Digits(a.value) : undefined)

function nftRecordsOf(world: World) {
  const all = [...world.values()]
  const of = <K extends NftRecord['kind']>(kind: K) => all.filter((r): r is Extract<NftRecord, { kind: K }> => r.kind === kind)
  return { tables: of('nft-table'), chains: of('nft-chain'), rules: of('nft-rule'), sets: of('nft-set') }
}
