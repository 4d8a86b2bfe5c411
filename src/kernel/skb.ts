import type { Packet } from '../net/packet.ts'
import type { ConntrackEntry } from './conntrack/entry.ts'
import type { NetDevice } from './device.ts'
import type { NetworkNamespace } from './namespace.ts'
import { PACKET_HOST, type RouteLookup, type Skb, type SocketLike } from './types.ts'

/** What br_netfilter remembers of a bridged frame while the IP hooks have it (struct nf_bridge_info). */
export interface BridgeInfo {
  readonly physIn: NetDevice
  /** Destination as it came in: br_nf_ipv4_daddr_was_changed compares with it. */
  readonly originalDst: number
  /** Source MAC it came in with (nf_bridge->neigh_header), put back after the neighbour has written its own. */
  readonly originalSource: number
  /** A frame for another machine's MAC must not look like one to the IP hooks: pkt_otherhost. */
  otherHost: boolean
  inPrerouting: boolean
  /** DNATed and staying on this bridge: the neighbour rewrites the header, then bridging goes on. */
  bridgedDnat: boolean
}

const NO_FRAGMENTS: readonly number[] = []

/** A packet in flight (struct sk_buff). One per copy; `pkt` is its own. */
export class SkBuff implements Skb {
  packet = -1
  cause = -1
  netns: number
  device = -1
  readonly pkt: Packet
  ns: NetworkNamespace
  inDev: NetDevice | undefined = undefined
  outDev: NetDevice | undefined = undefined
  mark = 0
  packetType = PACKET_HOST
  ct: ConntrackEntry | undefined = undefined
  ctInfo = 0
  dst: RouteLookup | undefined = undefined
  physIn: NetDevice | undefined = undefined
  physOut: NetDevice | undefined = undefined
  traced = false
  socket: SocketLike | undefined = undefined
  gateway = 0
  nfBridge: BridgeInfo | undefined = undefined
  /** IPCB(skb)->frag_max_size: length of the longest fragment of a datagram that was put together here, 0 for any other. */
  fragMaxSize = 0
  /** frag_list: data octets of each fragment that it was put together from, or is to leave in; empty for any other. */
  fragments: readonly number[] = NO_FRAGMENTS
  /** IPSKB_DOREDIRECT */
  doRedirect = false
  /** skb->hash where it is one of ports (l4_hash): a connected socket's, or what a tunnel made of its flow. 0 for none; it stays through every namespace. */
  hash = 0
  /** dst_mtu() of what is sent here, 0 when the device's holds. */
  pathMtu = 0
  /** ipvs_property: IPVS has dealt with it, as a request or as a reply. */
  ipvsProperty = false
  /** skb->dst_pending_confirm: every neighbour that it is sent to works, in every namespace of one machine that it comes through. */
  confirm = false

  constructor(pkt: Packet, ns: NetworkNamespace) {
    this.pkt = pkt
    this.ns = ns
    this.netns = ns.ref
  }

  /** skb_scrub_packet(): what a packet loses when it crosses into another namespace; `confirm` it keeps. */
  scrub(): void {
    this.mark = 0
    this.ct = undefined
    this.ctInfo = 0
    this.dst = undefined
    this.physIn = undefined
    this.physOut = undefined
    this.traced = false
    this.ipvsProperty = false
    this.socket = undefined
    this.gateway = 0
    this.nfBridge = undefined
    this.doRedirect = false
    this.fragMaxSize = 0
    this.fragments = NO_FRAGMENTS
    this.pathMtu = 0
    this.outDev = undefined
  }
}
