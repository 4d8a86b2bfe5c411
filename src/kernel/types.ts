import type { Prng } from '../base/prng.ts'
import type { Ipv4, Mac } from '../net/address.ts'
import type { Packet } from '../net/packet.ts'
import type { TraceRecorder } from '../trace/recorder.ts'
import type { DropReason, Undetermined } from '../trace/step.ts'
import type { StepAt } from '../trace/trace.ts'
import type { AddrType } from '../world/netfilter.ts'
import type { DeviceRecord, NetnsRecord, PolicyRuleRecord, RouteException, RouteRecord } from '../world/records.ts'
import type { ConntrackEntry } from './conntrack/entry.ts'

// The shapes that the kernel's rooms share. Each room (fib/, netfilter/, conntrack/, sockets/, devices/, path/) implements
// one of them and imports only this file and its own.

/**
 * A timer of the wheel, which goes by ticks: those that fall into one tick run together, before any packet that they send has
 * arrived, and of them the pinned ones first (run_timer_softirq()).
 */
export type TickTimer = 'pinned' | 'global'

/** A woken process: where it shares its CPU with the network's softirq, it runs once that has nothing more to do. */
export type WokenTask = 'task'

/** A scheduled call; `cancel` is idempotent. */
export interface Timer {
  cancel(): void
}

/** One machine room: every namespace of the run shares the clock, the random source and the recorder. */
export interface Kernel {
  readonly rec: TraceRecorder
  readonly rng: Prng
  /** Virtual ns. */
  readonly now: number
  /** Calls `fn` at now + delay (ns). Calls at one instant run in the order they were scheduled. `cause` is kept as the cause of its steps. */
  schedule(delay: number, fn: () => void, tick?: TickTimer | WokenTask): Timer
  readonly namespaces: ReadonlyMap<string, Namespace>
  /** Processes that watch Kubernetes objects: called with the seq of the step that changed some. */
  readonly objectWatches?: Set<(cause: number) => void>
}

/** One network namespace at run time. */
export interface Namespace {
  readonly kernel: Kernel
  readonly record: NetnsRecord
  /** `node1`, `pod/client`: the part of ids after `netns:`. */
  readonly name: string
  /** recorder ref of the netns id */
  readonly ref: number
  readonly devices: ReadonlyMap<string, Device>
  readonly loopback: Device | undefined
  /** Integer value of a sysctl; a missing one has the kernel's default. Key in full: `net.ipv4.ip_forward`. */
  sysctl(key: string): number
  /** Ref of the sysctl's record, -1 when the namespace has none and the default holds. */
  sysctlRef(key: string): number
  readonly fib: Fib
  readonly netfilter: Netfilter
  readonly sockets: Sockets
  /** Sequence numbers for record ids, by kind: `ct`, `sock`, `proc` … from 1. */
  nextId(kind: string): number
  /** Next IP id of this namespace (deterministic). */
  nextIpId(): number
}

export interface Device {
  readonly ns: Namespace
  record: DeviceRecord
  readonly name: string
  readonly ifindex: number
  readonly mac: Mac
  readonly mtu: number
  /** recorder ref of the device id */
  readonly ref: number
  /** The bridge this is a port of. */
  readonly bridge: Device | undefined
  /** Primary addresses in order. */
  readonly addresses: readonly { readonly address: Ipv4; readonly prefixLength: number; readonly scope: string }[]
}

/**
 * A packet in flight: the wire fields (`pkt`), and what the kernel keeps beside them. It is its own StepAt: `netns` and
 * `device` follow it as it moves.
 */
export interface Skb extends StepAt {
  readonly pkt: Packet
  /** Where it came in; undefined for one that was made here and has not been received. */
  inDev: Device | undefined
  /** Where it goes out, once routed. */
  outDev: Device | undefined
  mark: number
  /** 0 at PACKET_HOST … as in if_packet.h: HOST, BROADCAST, MULTICAST, OTHERHOST. */
  packetType: number
  /** nf_conntrack. `ctInfo` is an index into CT_INFOS; 6 (UNTRACKED) with no entry after NOTRACK. */
  ct: ConntrackEntry | undefined
  ctInfo: number
  /** Route decided for it (skb_dst). */
  dst: RouteLookup | undefined
  /** Bridge port it came in and goes out through, while a bridge handles it or br_netfilter lends it to the IP hooks. */
  physIn: Device | undefined
  physOut: Device | undefined
  /** Set by TRACE. */
  traced: boolean
  /** The socket that sent it, for errors on the way out. */
  socket: SocketLike | undefined
  /** Next hop's address once routed, 0 when it is the destination itself. */
  gateway: number
}
export const PACKET_HOST = 0
export const PACKET_BROADCAST = 1
export const PACKET_MULTICAST = 2
export const PACKET_OTHERHOST = 3

export interface SocketLike {
  readonly ref: number
  /** sk_wmem_alloc: a packet of the socket's takes up so many bytes more (or less) of its send buffer. */
  charge?(bytes: number): void
}

// --- fib/ ------------------------------------------------------------------------------------------------------------

/** struct flowi4. Addresses 0 when open; `iif`/`oif` undefined when open. */
export interface Flow {
  dst: number
  src: number
  mark: number
  tos: number
  iif: Device | undefined
  oif: Device | undefined
}

export interface RouteLookup {
  /** Index into ROUTE_RESULTS. */
  result: number
  route: RouteRecord | undefined
  policyRule: PolicyRuleRecord | undefined
  nexthop: number
  /** 0 when the destination is on-link. */
  gateway: number
  device: Device | undefined
  /** Source address the route prefers: prefSrc, else by inet_select_addr for the scope. 0 when none. */
  source: number
  /** RTCF_REDIRECTED: the gateway is an ICMP redirect's. */
  redirected?: RouteException
}

/** A socket that an ICMP redirect is about: sk_bound_dev_if is what its way is looked up with. */
export interface ErrorSocket {
  readonly device: Device | undefined
}

export interface Fib {
  /** fib_lookup: policy rules by priority, then longest prefix in each table. A fresh object or the shared cache's: never written to. */
  lookup(flow: Flow): RouteLookup
  /** There are policy rules or local routes that the kernel did not make itself: fib4_has_custom_rules(), fib_has_custom_local_routes. */
  readonly ownRules?: boolean
  /** inet_addr_type(): what an address is to this namespace, as an AddrType name. With a device: inet_dev_addr_type(). */
  addressType(address: number, device?: Device): AddrType
  /** inet_select_addr(). */
  selectSource(device: Device | undefined, dst: number, scope: 'global' | 'link' | 'host'): number
}

// --- netfilter/ ------------------------------------------------------------------------------------------------------

export const NF_DROP = 0
export const NF_ACCEPT = 1
/** The packet's story has ended or goes on elsewhere; its closing step is written. */
export const NF_STOLEN = 2

export interface Netfilter {
  /** Nothing is registered here at all: callers skip the hook, and no step is written. */
  readonly empty: boolean
  /** True when a packet can be changed or dropped at this hook. */
  hasHook(hook: number): boolean
  /**
   * NF_HOOK: walks every chain registered at `hook` (HOOK numbers) in priority order: defrag is the caller's, conntrack,
   * the tables' base chains, NAT, confirm. Writes all steps. When the answer is not NF_ACCEPT the packet's closing step has
   * been written too (drop, undetermined) and any ICMP error or reset has been sent.
   * `bridged` when br_netfilter calls.
   */
  hook(hook: number, skb: Skb, inDev: Device | undefined, outDev: Device | undefined, bridged: boolean): number
  /** conntrack is active in this namespace (some rule or the nat table needs it), so fragments are reassembled at PREROUTING and OUTPUT. */
  readonly tracking: boolean
  /** nf_ct_attach(): an ICMP error or a reset, before it is sent, joins the connection of the packet that it is about. */
  attach(skb: Skb, offending: Skb): void
  /** nf_ct_set_closing(): the connection of a packet that a reset is about to answer is over. */
  setClosing(offending: Skb): void
  /** nf_conntrack_put(): before the closing step of a packet that ends other than by delivery, so that an unconfirmed entry ends with it. */
  release(skb: Skb): void
}

// --- sockets/ --------------------------------------------------------------------------------------------------------

export interface QuotedHeader {
  readonly protocol: number
  readonly src: number
  readonly dst: number
  readonly sport: number
  readonly dport: number
  /** Of ICMP alone. */
  readonly icmpType?: number
}

export interface Sockets {
  /** tcp_v4_rcv, udp_rcv: write deliver or drop. For UDP without a socket: the port unreachable too; for TCP: the reset. */
  tcpReceive(skb: Skb): void
  udpReceive(skb: Skb): void
  /** An echo reply, or any ICMP for raw and ping sockets. Returns whether a socket took it. */
  icmpReceive(skb: Skb): boolean
  /** tcp_v4_err, udp_err, ping_err: an ICMP error arrived that quotes a packet of ours. `info` is the MTU for frag-needed. */
  /** For a redirect: the socket that it is about, whose kind follows it. */
  icmpError(skb: Skb, quoted: QuotedHeader, type: number, code: number, info: number): ErrorSocket | undefined
}

// --- path/ (what the other rooms call) -------------------------------------------------------------------------------

export interface Path {
  /** Sends a packet that this namespace makes. Routes by pkt.dst (pkt.src 0: chosen), fills ident and ttl when 0, runs OUTPUT. Returns 0 or an errno name. */
  localOut(ns: Namespace, pkt: Packet, options: LocalOut): SendResult
  /** icmp_send(): rate and sanity rules of RFC 1122 3.2.2 included. `info` is the second header word. */
  icmpSend(ns: Namespace, offending: Skb, type: number, code: number, info?: number): void
  /** nf_send_reset() */
  sendReset(ns: Namespace, offending: Skb, hook: number): void
  /** Ends the packet here, writing its closing step. */
  drop(skb: Skb, reason: DropReason, decidedBy?: number): void
  undetermined(skb: Skb, kind: Undetermined, what: string, decidedBy?: number): void
  /** ip_route_me_harder after OUTPUT changed address or mark. False: dropped. */
  reroute(ns: Namespace, skb: Skb): boolean
  /** socket(AF_PACKET, SOCK_RAW, ETH_P_ARP), bound to a device. `received` sees every ARP frame that comes in, beside the kernel's own ARP. */
  openArp?(dev: Device, owner: number, received: (skb: Skb) => void): ArpSocket
}

/** A process's own ARP on one device. */
export interface ArpSocket {
  /** `parent`: the packet that this one answers, -1 for none. */
  send(frame: { op: number; ethDst: number; spa: number; tha: number; tpa: number; parent: number }, cause: number): void
  close(): void
}

export interface LocalOut {
  readonly how: number // PACKET_ORIGINS index
  readonly cause: number
  readonly mark?: number
  readonly process?: number // ref
  readonly socket?: SocketLike
  readonly oif?: Device
  /** The transport has proof that the next hop forwards for it: skb_set_dst_pending_confirm(). */
  readonly confirm?: boolean
  /** skb->hash, as the socket sets it (sk_txhash): what a tunnel tells its flows apart by. */
  readonly hash?: number
  /** Bytes that the path is known to take: what is longer is fragmented here already. */
  readonly pathMtu?: number
  /** Fragmenting is forbidden (DF) unless this is false. */
  readonly parent?: number
}
export type SendResult = 'OK' | 'ENETUNREACH' | 'EHOSTUNREACH' | 'EACCES' | 'EPERM' | 'EINVAL' | 'EMSGSIZE'
