import type { PacketField } from '../net/packet.ts'
import type { HookName, TableName } from '../world/netfilter.ts'
import type { NftFamily } from '../world/nft.ts'
import type { NudState } from '../world/records.ts'

// A step holds facts, never prose. In the engine a step is one row of integers (columns.ts); this union is what a reader
// decodes a row into. Record ids are plain strings here: the reader resolves them in the world at that step.

/** Where a hop is: on one device, or in a namespace's stack between two devices. */
export type Place = 'device' | 'stack'
export type PacketOrigin =
  | 'socket' // a process or the TCP machine sends
  | 'arp' // the neighbour layer asks or answers
  | 'icmp' // the stack itself reports or answers (icmp_send, icmp_reply)
  | 'reset' // nf_send_reset, tcp_v4_send_reset
  | 'clone' // flooding: one copy a port
  | 'fragment'
  | 'reassembled'
  | 'encapsulated'
  | 'decapsulated'
export const PACKET_ORIGINS = [
  'socket',
  'arp',
  'icmp',
  'reset',
  'clone',
  'fragment',
  'reassembled',
  'encapsulated',
  'decapsulated',
] as const satisfies readonly PacketOrigin[]

export type CtInfo = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'ESTABLISHED_REPLY' | 'RELATED_REPLY' | 'INVALID' | 'UNTRACKED'
export const CT_INFOS = [
  'ESTABLISHED',
  'RELATED',
  'NEW',
  'ESTABLISHED_REPLY',
  'RELATED_REPLY',
  'INVALID',
  'UNTRACKED',
] as const satisfies readonly CtInfo[]

export const HOOKS = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const satisfies readonly HookName[]
/** NF_INET_* numbers (include/uapi/linux/netfilter.h). */
export const HOOK = { PREROUTING: 0, INPUT: 1, FORWARD: 2, OUTPUT: 3, POSTROUTING: 4 } as const

/** include/net/dropreason-core.h, Linux 6.x. Only reasons that the engine can give. */
export const DROP_REASONS = [
  'SKB_DROP_REASON_NOT_SPECIFIED',
  'SKB_DROP_REASON_NO_SOCKET',
  'SKB_DROP_REASON_NETFILTER_DROP',
  'SKB_DROP_REASON_OTHERHOST',
  'SKB_DROP_REASON_IP_INHDR',
  'SKB_DROP_REASON_IP_RPFILTER',
  'SKB_DROP_REASON_IP_INNOROUTES',
  'SKB_DROP_REASON_IP_OUTNOROUTES',
  'SKB_DROP_REASON_IP_NOPROTO',
  'SKB_DROP_REASON_NEIGH_FAILED',
  'SKB_DROP_REASON_NEIGH_QUEUEFULL',
  'SKB_DROP_REASON_NEIGH_DEAD',
  'SKB_DROP_REASON_PKT_TOO_BIG',
  'SKB_DROP_REASON_DEV_READY',
  'SKB_DROP_REASON_TCP_FLAGS',
  'SKB_DROP_REASON_TCP_INVALID_SEQUENCE',
  'SKB_DROP_REASON_TCP_RESET',
  'SKB_DROP_REASON_UNHANDLED_PROTO',
  'SKB_DROP_REASON_IP_INADDRERRORS',
  'SKB_DROP_REASON_NO_TX_TARGET',
  'SKB_DROP_REASON_BRIDGE_INGRESS_STP_STATE',
  'SKB_DROP_REASON_DUP_FRAG',
  'SKB_DROP_REASON_FRAG_REASM_TIMEOUT',
  'SKB_DROP_REASON_IP_INVALID_SOURCE',
  'SKB_DROP_REASON_TCP_CLOSE',
  'SKB_DROP_REASON_IP_INVALID_DEST',
  'SKB_DROP_REASON_IP_LOCALNET',
  'SKB_DROP_REASON_TCP_OLD_DATA',
  'SKB_DROP_REASON_VXLAN_INVALID_HDR',
  'SKB_DROP_REASON_VXLAN_VNI_NOT_FOUND',
  'SKB_DROP_REASON_VXLAN_ENTRY_EXISTS',
  'SKB_DROP_REASON_LOCAL_MAC',
  'SKB_DROP_REASON_RECURSION_LIMIT',
  'SKB_DROP_REASON_QUEUE_PURGE',
] as const
export type DropReason = (typeof DROP_REASONS)[number]

export const NUD_STATES = [
  'NONE',
  'INCOMPLETE',
  'REACHABLE',
  'STALE',
  'DELAY',
  'PROBE',
  'FAILED',
  'NOARP',
  'PERMANENT',
] as const satisfies readonly NudState[]

export const RULE_VERDICTS = [
  'continue',
  'accept',
  'drop',
  'return',
  'jump',
  'goto',
  'reject',
  'nat',
  'undetermined',
  'stolen',
] as const
/** `continue`: the target acted (MARK, LOG …) or there was none, and the walk goes on. `nat`: bound, and the table accepts. */
export type RuleVerdict = (typeof RULE_VERDICTS)[number]

export const ROUTE_PURPOSES = ['input', 'output', 'reroute', 'rp_filter', 'reply'] as const
export type RoutePurpose = (typeof ROUTE_PURPOSES)[number]
export const ROUTE_RESULTS = [
  'forward',
  'local',
  'broadcast',
  'multicast',
  'unreachable',
  'blackhole',
  'prohibit',
  'none',
] as const
/** `none`: no route at all (-ENETUNREACH). */
export type RouteResult = (typeof ROUTE_RESULTS)[number]

/**
 * What the engine refuses to guess about, each a kind of thing that it has met and does not model. Whoever ends a packet as
 * undetermined names one of these; the page says in words what each is.
 */
export const UNDETERMINED = ['device', 'cable', 'process', 'match', 'target', 'chain', 'nftables', 'ipvs', 'tunnel'] as const
export type Undetermined = (typeof UNDETERMINED)[number]

export const BRIDGE_DECISIONS = ['forward', 'flood', 'local', 'local+flood', 'drop'] as const
export type BridgeDecision = (typeof BRIDGE_DECISIONS)[number]
export const NEIGH_REASONS = [
  'solicit',
  'reply',
  'request-seen',
  'timeout',
  'used-stale',
  'confirmed',
  'probe',
  'delay-expired',
  'reachable-expired',
  'gratuitous',
  'created',
] as const
export type NeighReason = (typeof NEIGH_REASONS)[number]
export const PROCESS_EVENTS = [
  'start',
  'connect',
  'listen',
  'send',
  'receive',
  'output',
  'sleep',
  'exit',
  'error',
  'resolve',
] as const
export type ProcessEvent = (typeof PROCESS_EVENTS)[number]
export const CT_CHANGES = ['new', 'update', 'confirm', 'destroy', 'clash'] as const
export type CtChange = (typeof CT_CHANGES)[number]
/** `tunnel`: what is left of it travels inside another packet, or is the packet that was inside it. */
export const DELIVER_TO = ['socket', 'icmp', 'arp', 'discard', 'reassembly', 'tunnel'] as const
export type DeliverTo = (typeof DELIVER_TO)[number]
export const NAT_BINDINGS = ['rule', 'null', 'existing', 'icmp-error'] as const
export type NatBinding = (typeof NAT_BINDINGS)[number]

export const WORLD_CHANGES = [
  ...(['apply', 'delete', 'terminate', 'attach', 'detach', 'sync', 'start', 'configure', 'unplug', 'drained'] as const),
] as const
/**
 * What changed around the packets. `apply`, `delete`: an object, as by kubectl, with what the control plane made of it;
 * `terminate`: a pod has its deletionTimestamp and its grace period runs; `attach`, `detach`: a pod's namespace, by the
 * runtime and the network plugin; `sync`: kube-proxy brought a node's rules up to date; `start`: containers on the host's network
 * run; `configure`: another component brought a machine's rules or routes up to date, because of an object; `unplug`: a
 * node's cable is pulled; `drained`: kube-proxy removed real servers that it had left at weight 0 (`removed`: how many).
 */
export type WorldChangeKind = (typeof WORLD_CHANGES)[number]

/** Why a real server was taken: the scheduler chose it, or the client has it already (persistence). `none`: there is none to take. */
export const IPVS_REASONS = ['scheduler', 'template', 'none'] as const
export type IpvsReason = (typeof IPVS_REASONS)[number]
/** Which way a packet of a connection goes; an ICMP error about one goes with what it answers. */
export const IPVS_DIRECTIONS = ['request', 'reply', 'request-error', 'reply-error'] as const
export type IpvsDirection = (typeof IPVS_DIRECTIONS)[number]
export const IPVS_CHANGES = ['new', 'update', 'destroy'] as const
export type IpvsChange = (typeof IPVS_CHANGES)[number]

/** A table of nftables by family and name, as `nft list tables` has it: `ip kube-proxy`. */
export type NftTableName = `${NftFamily} ${string}`

export type Step =
  // A packet comes to be.
  | { kind: 'born'; how: PacketOrigin; parent?: number; process?: string }
  // The four ends of a hop, and its beginning. `device` of the event is the place when `place` is 'device'.
  | { kind: 'enter'; place: Place; direction: 'in' | 'out' }
  | { kind: 'depart'; to: string /** device or netns id the packet goes to next */ }
  | { kind: 'deliver'; to: DeliverTo; socket?: string }
  | { kind: 'drop'; reason: DropReason; decidedBy?: string /** rule, chain, route, neighbour, sysctl id */ }
  | { kind: 'wait'; neighbour: string }
  | { kind: 'undetermined'; what: string; decidedBy?: string }
  // Header fields.
  | { kind: 'rewrite'; field: PacketField; from: number; to: number; detail?: string }
  // Bridge.
  | { kind: 'bridge.learn'; fdb: string; moved: boolean }
  | { kind: 'bridge.decide'; decision: BridgeDecision; port?: string; fdb?: string; ports: number }
  /** br_netfilter hands the bridged packet to the IP hooks, or does not because the sysctl says no. */
  | { kind: 'bridge.nf'; hook: HookName; enabled: boolean; sysctl?: string }
  // Tunnels. `fdb` the entry that names the remote end, where the tunnel has a forwarding database.
  | { kind: 'encapsulate'; fdb?: string; remote: number; vni: number }
  | { kind: 'decapsulate'; device: string; remote: number; vni: number }
  // Neighbours.
  | { kind: 'neigh.lookup'; neighbour?: string; state: NudState; address: number }
  | { kind: 'neigh.state'; neighbour: string; from: NudState; to: NudState; reason: NeighReason }
  | { kind: 'arp.process'; op: 'request' | 'reply'; target: number; answer: 'reply' | 'update' | 'ignore' | 'proxy' }
  // Routing.
  | {
      kind: 'route'
      purpose: RoutePurpose
      result: RouteResult
      route?: string
      policyRule?: string
      address: number /** looked up */
      via?: number
      /** `via` is what an ICMP redirect told of, not the route's own. */
      redirected?: true
      outDevice?: string
    }
  | { kind: 'rp_filter'; mode: 'off' | 'strict' | 'loose'; ok: boolean; route?: string; sysctl?: string }
  | { kind: 'forward'; allowed: boolean; sysctl?: string }
  | { kind: 'mtu'; mtu: number; length: number; action: 'fragment' | 'frag-needed' }
  | { kind: 'reassemble'; complete: boolean; fragments: number }
  // Netfilter.
  | { kind: 'hook'; hook: HookName; bridged: boolean }
  | { kind: 'chain'; chain: string; table: TableName | NftTableName }
  | { kind: 'rule'; rule: string; tried: number; verdict: RuleVerdict; target?: string /** chain id jumped to */; length: number }
  | { kind: 'policy'; chain: string; tried: number; verdict: 'accept' | 'drop' | 'return'; length: number }
  | { kind: 'log'; prefix: string }
  | { kind: 'ct.lookup'; conntrack?: string; info: CtInfo }
  | { kind: 'ct.change'; conntrack: string; change: CtChange; state?: string }
  | { kind: 'nat'; conntrack: string; manip: 'src' | 'dst'; binding: NatBinding }
  // IPVS.
  /** `figure`: what the scheduler went by. rr, wrr: the turn's weight; lc, wlc, sed, nq: the server's overhead; sh, dh, mh: the bucket. */
  | { kind: 'ipvs.schedule'; service: string; destination?: string; reason: IpvsReason; figure: number }
  | { kind: 'ipvs.packet'; connection: string; direction: IpvsDirection; length: number }
  | { kind: 'ipvs.change'; connection: string; change: IpvsChange; state: string }
  // Sockets and processes.
  | { kind: 'socket.lookup'; socket?: string }
  | { kind: 'tcp.state'; socket: string; from: string; to: string }
  | { kind: 'tcp.retransmit'; socket: string; attempt: number; timeout: number /** ns until the next */ }
  | { kind: 'socket.data'; socket: string; direction: 'send' | 'receive'; bytes: number }
  | { kind: 'process'; process: string; event: ProcessEvent; text: string }
  | { kind: 'timer'; what: string; record?: string }
  // Proxies: programs that end one connection and open another.
  /** Where a proxy sends what came in: the rule of an object that decided, the service port it names, the endpoint it chose. */
  | { kind: 'proxy.route'; process: string; object?: string; rule: string; service?: string; endpoint?: string }
  /** A proxy read bytes from one socket and wrote them to the other: kernel, process and kernel again. */
  | { kind: 'proxy.copy'; process: string; from: string; to: string; bytes: number }
  // The cluster.
  /** `record`: the object, the pod's namespace, the node. `added` and `removed` count the rules that a sync changed. */
  | { kind: 'change'; change: WorldChangeKind; record: string; added: number; removed: number }

export type StepKind = Step['kind']

export interface TraceEvent {
  readonly seq: number
  /** Virtual time, ns since the run began. */
  readonly t: number
  /** seq of the event that made this one happen; -1 for the beginning of a journey. */
  readonly cause: number
  /** Packet number, from 0; -1 when no packet is concerned. */
  readonly packet: number
  readonly netns: string
  readonly device: string | undefined
  readonly step: Step
}
