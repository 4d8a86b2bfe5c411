import type { Mac } from '../../net/address.ts'
import { isMulticast } from '../../net/address.ts'
import { emitPacket } from '../../net/emit.ts'
import { ETH_P, IPPROTO, Packet, skbLength } from '../../net/packet.ts'
import { parsePacket } from '../../net/parse.ts'
import { emitVxlan, parseVxlan, VXLAN } from '../../net/vxlan.ts'
import { STEP } from '../../trace/columns.ts'
import { type DropReason, PACKET_ORIGINS } from '../../trace/step.ts'
import type { DeviceLink } from '../../world/records.ts'
import { CELL_FIELDS } from '../../world/world.ts'
import type { NetDevice } from '../device.ts'
import type { NetworkNamespace } from '../namespace.ts'
import { born, deliver, drop, TO_TUNNEL, undetermined } from '../path/hop.ts'
import { localOut } from '../path/local-out.ts'
import { netifReceive } from '../path/receive.ts'
import { lookupOutput, ROUTE_LOCAL } from '../path/route.ts'
import { SkBuff } from '../skb.ts'
import { flowHash, flowSourcePort, hashesPorts } from './flow-hash.ts'
import { VxlanFdb, type VxlanRemote } from './vxlan-fdb.ts'

// drivers/net/vxlan/vxlan_core.c: a frame goes into a UDP datagram, which is sent like any other; what arrives on the tunnel's
// port is taken out again and received as if the device were a NIC.

const ENCAPSULATED = PACKET_ORIGINS.indexOf('encapsulated')
const DECAPSULATED = PACKET_ORIGINS.indexOf('decapsulated')
const TX_PACKETS = CELL_FIELDS.indexOf('txPackets')
const TX_BYTES = CELL_FIELDS.indexOf('txBytes')
const TX_DROPPED = CELL_FIELDS.indexOf('txDropped')
/** vxlan_headroom(): IPv4, UDP, VXLAN and the Ethernet header inside. */
const HEADROOM = 20 + 8 + VXLAN.LENGTH + 14
/** Where iptunnel_xmit() ends a loop: Linux 7.0, and 6.18 since. Older kernels leave that to XMIT_RECURSION_LIMIT (8). */
const IP_TUNNEL_RECURSION_LIMIT = 5
/** Every address that has no entry of its own. */
const ALL_ZEROS = 0

type VxlanLink = Extract<DeviceLink, { kind: 'vxlan' }>

/** struct vxlan_dev: what a VXLAN device has beside a net_device. */
export class VxlanDevice {
  readonly fdb: VxlanFdb
  readonly link: VxlanLink
  readonly #dev: NetDevice
  #packets = 0
  #bytes = 0
  #dropped = 0

  constructor(dev: NetDevice, link: VxlanLink) {
    this.#dev = dev
    this.link = link
    this.fdb = new VxlanFdb(dev, link.ageing)
  }

  /** iptunnel_xmit_stats(): a tunnel counts what it carried once the outer packet is on its way, and nothing before. */
  count(length: number): void {
    const { rec } = this.#dev.ns.kernel
    rec.cell(this.#dev.ref, TX_PACKETS, ++this.#packets)
    this.#bytes += length
    rec.cell(this.#dev.ref, TX_BYTES, this.#bytes)
  }

  countDrop(): void {
    this.#dev.ns.kernel.rec.cell(this.#dev.ref, TX_DROPPED, ++this.#dropped)
  }
}

/** vxlan_xmit(): looks up who has the frame's destination and sends it there, to each remote end of an entry that has several. */
export function vxlanXmit(skb: SkBuff, dev: NetDevice, vxlan: VxlanDevice): void {
  const own = vxlan.fdb.find(skb.pkt.ethDst)
  const remotes = own.length > 0 ? own : vxlan.fdb.find(ALL_ZEROS)
  const [first, ...others] = remotes
  if (first === undefined) {
    drop(skb, 'SKB_DROP_REASON_NO_TX_TARGET', dev.ref)
    vxlan.countDrop()
    return
  }
  const ways: Way[] = []
  let refusal: DropReason = 'SKB_DROP_REASON_IP_OUTNOROUTES'
  // The first remote end has the original and is served last.
  for (const remote of [...others, first]) {
    const way = wayTo(remote, skb, dev, vxlan)
    if (way.kind === 'undetermined') {
      undetermined(skb, 'tunnel', way.what, remote.ref)
      return
    }
    if (way.kind === 'none') {
      refusal = way.reason
      continue
    }
    dev.ns.kernel.rec.step(STEP.encapsulate, skb, remote.ref, remote.address | 0, vxlan.link.vni)
    ways.push(way)
  }
  const { ns } = dev
  const looping = ways.length > 0 && ns.xmitRecursion > IP_TUNNEL_RECURSION_LIMIT
  if (ways.length === 0 || looping) {
    drop(skb, looping ? 'SKB_DROP_REASON_RECURSION_LIMIT' : refusal, dev.ref)
    return
  }
  const cause = deliver(skb, TO_TUNNEL)
  ns.xmitRecursion++
  for (const way of ways) send(skb, way.remote, dev, vxlan, cause)
  ns.xmitRecursion--
}

type Way = { readonly kind: 'way'; readonly remote: VxlanRemote }

/** The first half of vxlan_xmit_one(): whether a remote end can be reached at all. */
function wayTo(
  remote: VxlanRemote,
  skb: SkBuff,
  dev: NetDevice,
  vxlan: VxlanDevice,
): Way | { readonly kind: 'none'; readonly reason: DropReason } | { readonly kind: 'undetermined'; readonly what: string } {
  if (isMulticast(remote.address)) return { kind: 'undetermined', what: 'VXLAN to a multicast group' }
  // Without a device: `dev` of `ip link add` binds only the remote end that is given with it, not those of forwarding entries.
  const route = lookupOutput(dev.ns, { dst: remote.address, src: vxlan.link.local ?? 0, mark: skb.mark, tos: 0, oif: undefined })
  if (route.error !== undefined) return { kind: 'none', reason: 'SKB_DROP_REASON_IP_OUTNOROUTES' }
  // A tunnel whose way leads through itself: -ELOOP.
  if (route.found.device === dev) return { kind: 'none', reason: 'SKB_DROP_REASON_RECURSION_LIMIT' }
  if (route.found.result === ROUTE_LOCAL) return { kind: 'undetermined', what: 'VXLAN to an address of its own host' }
  const room = (route.found.device?.mtu ?? 0) - HEADROOM
  if (skbLength(skb.pkt) > room) {
    // skb_tunnel_check_pmtu() answers for a bridge port; otherwise what is sent here learns the size, and this one is fragmented outside.
    if (dev.bridge !== undefined) return { kind: 'undetermined', what: 'a frame that a VXLAN bridge port cannot carry whole' }
    if (skb.pkt.etherType === ETH_P.IP) dev.ns.sockets.learnPathMtu(skb.pkt.dst, room)
  }
  return { kind: 'way', remote }
}

/** The second half: udp_tunnel_xmit_skb(). DF is clear (VXLAN_DF_UNSET), the TTL the namespace's own, ECN the inner packet's. */
function send(skb: SkBuff, remote: VxlanRemote, dev: NetDevice, vxlan: VxlanDevice, cause: number): void {
  const { pkt } = skb
  const { link } = vxlan
  const frame = emitPacket(pkt)
  const payload = new Uint8Array(VXLAN.LENGTH + frame.length)
  emitVxlan({ vni: link.vni }, payload)
  payload.set(frame, VXLAN.LENGTH)
  const outer = new Packet()
  outer.etherType = ETH_P.IP
  outer.protocol = IPPROTO.UDP
  outer.tos = outerEcn(pkt)
  outer.src = link.local ?? 0
  outer.dst = remote.address
  const hash = skb.hash || flowHash(pkt)
  outer.sport = flowSourcePort(hash)
  outer.dport = link.port
  outer.payload = payload
  // skb_scrub_packet() within one namespace leaves the mark.
  const sent = localOut(dev.ns, outer, {
    how: ENCAPSULATED,
    cause,
    mark: skb.mark,
    parent: skb.packet,
    // skb_clear_hash_if_not_l4()
    hash: skb.hash !== 0 || hashesPorts(pkt) ? hash : 0,
  })
  if (sent === 'OK') vxlan.count(skbLength(pkt))
  else vxlan.countDrop()
}

const ECN_MASK = 3
const ECT_0 = 2

/** INET_ECN_encapsulate(): congestion that the inner packet has met is not the outer one's. */
function outerEcn(inner: Packet): number {
  const ecn = inner.etherType === ETH_P.IP ? inner.tos & ECN_MASK : 0
  return ecn === ECN_MASK ? ECT_0 : ecn
}

/**
 * vxlan_rcv(): a datagram has come to the tunnel's socket (`socket`, a recorder ref) on `port`. The outer packet's journey ends
 * here; the frame inside comes in through the device of its VNI.
 */
export function vxlanRcv(skb: SkBuff, ns: NetworkNamespace, port: number, socket: number): void {
  const { pkt } = skb
  const header = parseVxlan(pkt.payload)
  if (!header.ok) {
    drop(skb, 'SKB_DROP_REASON_VXLAN_INVALID_HDR', socket)
    return
  }
  const { vni } = header.value
  const dev = [...ns.devices.values()].find((d) => d.up && d.vxlan?.link.vni === vni && d.vxlan.link.port === port)
  if (dev?.vxlan === undefined) {
    drop(skb, 'SKB_DROP_REASON_VXLAN_VNI_NOT_FOUND', socket)
    return
  }
  const inner = parsePacket(pkt.payload.subarray(VXLAN.LENGTH), 'ethernet')
  if (!inner.ok) {
    undetermined(skb, 'tunnel', 'the frame in a VXLAN datagram', dev.ref)
    return
  }
  ns.kernel.rec.step(STEP.decapsulate, skb, dev.ref, pkt.src | 0, vni)
  if (inner.value.ethSrc === dev.mac) {
    drop(skb, 'SKB_DROP_REASON_LOCAL_MAC', dev.ref)
    return
  }
  const { link, fdb } = dev.vxlan
  if (link.learning && fdb.snoop(skb, inner.value.ethSrc as Mac, pkt.src) === 'entry-exists') {
    drop(skb, 'SKB_DROP_REASON_VXLAN_ENTRY_EXISTS', dev.ref)
    return
  }
  const cause = deliver(skb, TO_TUNNEL, socket)
  const frame = new SkBuff(inner.value, ns)
  frame.cause = cause
  frame.mark = skb.mark
  frame.hash = skb.hash
  born(frame, DECAPSULATED, skb.packet, -1)
  netifReceive(frame, dev)
}
