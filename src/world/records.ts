import type { Ipv4, Mac } from '../net/address.ts'
import type {
  AddressId,
  ChainId,
  ConntrackId,
  DeviceId,
  FaultId,
  FdbId,
  FileId,
  IpsetId,
  IpvsConnectionId,
  IpvsDestinationId,
  IpvsServiceId,
  NeighbourId,
  NetnsId,
  NftChainId,
  NftRuleId,
  NftSetId,
  NftTableId,
  NoteId,
  ObjectId,
  PolicyRuleId,
  ProcessId,
  RouteId,
  RuleId,
  SocketId,
  SysctlId,
} from './ids.ts'
import type { HookName, RuleSpec, TableName } from './netfilter.ts'
import type { NftChainType, NftElement, NftFamily, NftHook, NftStatement, NftType } from './nft.ts'

// Every record: plain, immutable, JSON-ready, flat. Addresses are branded integers; linux/ prints them.

/** Who made a record, and for which Kubernetes object: what the page shows as provenance. */
export interface Origin {
  readonly component:
    | 'kernel'
    | 'kubelet'
    | 'kube-proxy'
    | 'control-plane'
    | 'cni'
    | 'cloud'
    | 'fabric'
    | 'runtime'
    | 'user'
    | 'import'
  readonly object?: { readonly kind: string; readonly namespace?: string; readonly name: string }
  /** A field, a rule's purpose or a file and line, in the component's own terms: `spec.podCIDR`, `kubernetesServicesChain`. */
  readonly detail?: string
}

export type NetnsRole = 'node' | 'pod' | 'switch' | 'router' | 'gateway' | 'internet' | 'client' | 'load-balancer'

export interface NetnsRecord {
  readonly kind: 'netns'
  readonly id: NetnsId
  /** As users write it: `node1`, `pod/client`, `pod/kube-system/coredns-a`, `fabric`, `internet`. */
  readonly name: string
  readonly role: NetnsRole
  /** For a pod: the node whose kernel it shares. */
  readonly node?: NetnsId
  /** For a pod: its containers, the pause container first; one network namespace for all. */
  readonly containers?: readonly { readonly name: string; readonly image?: string }[]
  readonly origin: Origin
}

export type DeviceLink =
  | { readonly kind: 'loopback' }
  | { readonly kind: 'veth'; readonly peer: DeviceId }
  /** `ageing` in nanoseconds (brctl's 300 s by default). */
  | { readonly kind: 'bridge'; readonly ageing: number }
  /** One end of a cable; `latency` in nanoseconds one way. A NIC without a peer is unplugged. */
  | { readonly kind: 'physical'; readonly peer?: DeviceId; readonly latency: number }
  | { readonly kind: 'dummy' }
  /** drivers/net/vxlan, one VNI. The tunnel's own forwarding entries are `fdb` records with a `remote`. */
  | {
      readonly kind: 'vxlan'
      readonly vni: number
      /** UDP port it listens on and sends to: 4789 (IANA), or 8472 as Linux had it first and flannel keeps it. */
      readonly port: number
      /** Source of the outer packets; the route's choice when absent. */
      readonly local?: Ipv4
      /** Underlying device that outer packets are bound to (`dev eth0`). */
      readonly device?: DeviceId
      /** Whether it learns from what arrives where a MAC lives; flannel turns that off. */
      readonly learning: boolean
      /** Of what was learned, nanoseconds. */
      readonly ageing: number
    }
  /** Kept from an import, not modelled: `type` as `ip -d link` says it. A packet that meets it is `undetermined`. */
  | { readonly kind: 'unknown'; readonly type: string }

export interface DeviceRecord {
  readonly kind: 'device'
  readonly id: DeviceId
  readonly netns: NetnsId
  readonly ifindex: number
  readonly name: string
  readonly mac: Mac
  readonly mtu: number
  readonly up: boolean
  readonly link: DeviceLink
  /** Set on a bridge port. `port` is the bridge's port number, from 1. */
  readonly master?: {
    readonly bridge: DeviceId
    readonly port: number
    readonly hairpin: boolean
    readonly learning: boolean
    readonly flood: boolean
  }
  readonly origin: Origin
}

export type Scope = 'global' | 'site' | 'link' | 'host' | 'nowhere'

export interface AddressRecord {
  readonly kind: 'address'
  readonly id: AddressId
  readonly netns: NetnsId
  readonly device: DeviceId
  readonly address: Ipv4
  readonly prefixLength: number
  readonly scope: Scope
  readonly broadcast?: Ipv4
  readonly label?: string
  readonly secondary?: boolean
  readonly origin: Origin
}

export type RouteType = 'unicast' | 'local' | 'broadcast' | 'multicast' | 'blackhole' | 'unreachable' | 'prohibit' | 'throw'
export interface Nexthop {
  readonly via?: Ipv4
  readonly device?: DeviceId
  readonly onlink?: boolean
  readonly weight?: number
}
/** Routing tables 253 default, 254 main, 255 local, as in rt_tables. */
export const RT_TABLE = { default: 253, main: 254, local: 255 } as const

export interface RouteRecord {
  readonly kind: 'route'
  readonly id: RouteId
  readonly netns: NetnsId
  readonly table: number
  readonly type: RouteType
  readonly dst: Ipv4
  readonly prefixLength: number
  readonly tos: number
  /** Empty for blackhole and its kin; more than one is ECMP. */
  readonly nexthops: readonly Nexthop[]
  readonly scope: Scope
  readonly protocol: string
  readonly prefSrc?: Ipv4
  readonly metric: number
  readonly origin: Origin
}

export interface PolicyRuleRecord {
  readonly kind: 'policy-rule'
  readonly id: PolicyRuleId
  readonly netns: NetnsId
  readonly priority: number
  readonly invert: boolean
  readonly from?: { readonly address: Ipv4; readonly length: number }
  readonly to?: { readonly address: Ipv4; readonly length: number }
  readonly iif?: string
  readonly oif?: string
  readonly fwmark?: { readonly value: number; readonly mask: number }
  readonly action:
    | { readonly kind: 'lookup'; readonly table: number }
    | { readonly kind: 'blackhole' | 'unreachable' | 'prohibit' }
  /** A lookup's result is passed over when its prefix is this long or shorter (`suppress_prefixlength`). */
  readonly suppressPrefixLength?: number
  readonly origin: Origin
}

/** include/net/neighbour.h NUD_*. */
export type NudState = 'NONE' | 'INCOMPLETE' | 'REACHABLE' | 'STALE' | 'DELAY' | 'PROBE' | 'FAILED' | 'NOARP' | 'PERMANENT'

export interface NeighbourRecord {
  readonly kind: 'neighbour'
  readonly id: NeighbourId
  readonly netns: NetnsId
  readonly device: DeviceId
  readonly address: Ipv4
  readonly mac?: Mac
  readonly state: NudState
  /** Solicits sent without an answer. */
  readonly probes: number
  /** Packets waiting in arp_queue. */
  readonly queued: number
  readonly origin: Origin
}

export interface FdbRecord {
  readonly kind: 'fdb'
  readonly id: FdbId
  readonly netns: NetnsId
  readonly bridge: DeviceId
  readonly mac: Mac
  /** The port; the bridge device itself for its own addresses. */
  readonly port: DeviceId
  readonly local: boolean
  readonly static: boolean
  /**
   * Of a VXLAN device's own entry, whose `bridge` and `port` are both that device: the VTEP behind which the address lives.
   * The entry of 00:00:00:00:00:00 is for every address that has none; it may be there once for each remote.
   */
  readonly remote?: Ipv4
  readonly origin: Origin
}

export interface SysctlRecord {
  readonly kind: 'sysctl'
  readonly id: SysctlId
  readonly netns: NetnsId
  /** `net.ipv4.ip_forward`, `net.ipv4.conf.eth0.rp_filter`. */
  readonly key: string
  readonly value: string
  readonly origin: Origin
}

export interface Counters {
  readonly packets: number
  readonly bytes: number
}

export interface ChainRecord {
  readonly kind: 'chain'
  readonly id: ChainId
  readonly netns: NetnsId
  readonly table: TableName
  readonly name: string
  /** Base chains only. */
  readonly hook?: HookName
  readonly policy?: 'ACCEPT' | 'DROP'
  /** As loaded; what a run adds is in the trace's cells. */
  readonly counters: Counters
  readonly rules: readonly RuleId[]
  readonly origin: Origin
}

export interface RuleRecord {
  readonly kind: 'rule'
  readonly id: RuleId
  readonly netns: NetnsId
  readonly table: TableName
  readonly chain: string
  readonly spec: RuleSpec
  readonly counters: Counters
  readonly origin: Origin
}

export interface IpsetRecord {
  readonly kind: 'ipset'
  readonly id: IpsetId
  readonly netns: NetnsId
  readonly name: string
  readonly type: string
  readonly options: readonly string[]
  readonly entries: readonly string[]
  readonly origin: Origin
}

/** A table of nftables (struct nft_table) that no iptables tool keeps. */
export interface NftTableRecord {
  readonly kind: 'nft-table'
  readonly id: NftTableId
  readonly netns: NetnsId
  readonly family: NftFamily
  readonly name: string
  /** `dormant`: its base chains are not registered. */
  readonly flags: readonly string[]
  readonly comment?: string
  readonly handle: number
  /** Objects that are kept as written and not modelled: flowtables, named counters, helpers. */
  readonly others: readonly string[]
  readonly origin: Origin
}

export interface NftChainRecord {
  readonly kind: 'nft-chain'
  readonly id: NftChainId
  readonly netns: NetnsId
  readonly family: NftFamily
  /** The table's name. */
  readonly table: string
  readonly name: string
  readonly base?: {
    readonly type: NftChainType
    readonly hook: NftHook
    readonly priority: number
    readonly policy: 'accept' | 'drop'
    /** Of ingress and egress hooks. */
    readonly device?: string
  }
  readonly comment?: string
  readonly handle: number
  readonly rules: readonly NftRuleId[]
  readonly origin: Origin
}

export interface NftRuleRecord {
  readonly kind: 'nft-rule'
  readonly id: NftRuleId
  readonly netns: NetnsId
  readonly family: NftFamily
  readonly table: string
  readonly chain: string
  readonly handle: number
  /** In the order they are evaluated. */
  readonly statements: readonly NftStatement[]
  readonly comment?: string
  readonly origin: Origin
}

/** A named set, or a map when it has data. */
export interface NftSetRecord {
  readonly kind: 'nft-set'
  readonly id: NftSetId
  readonly netns: NetnsId
  readonly family: NftFamily
  readonly table: string
  readonly name: string
  /** One type a field. */
  readonly type: readonly NftType[]
  /** Of a map: `verdict` alone, or a type a field. */
  readonly data?: readonly NftType[]
  /** `typeof` spelling of its type, which nft prints back. */
  readonly typeOf?: string
  /** `interval`, `timeout`, `dynamic`, `constant`. */
  readonly flags: readonly string[]
  /** Nanoseconds. */
  readonly timeout?: number
  readonly gcInterval?: number
  readonly size?: number
  readonly policy?: string
  readonly autoMerge?: true
  readonly comment?: string
  /** Statements of the set itself (`counter`), kept as written. */
  readonly stateful?: string
  readonly handle: number
  /** As it is at this moment; elements whose time is over may still be listed. */
  readonly elements: readonly NftElement[]
  readonly origin: Origin
}

/** A virtual server of IPVS (struct ip_vs_service). */
export interface IpvsServiceRecord {
  readonly kind: 'ipvs-service'
  readonly id: IpvsServiceId
  readonly netns: NetnsId
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly address: Ipv4
  readonly port: number
  /** `rr`, `wlc` …, as ipvsadm names them. */
  readonly scheduler: string
  /** ipvsadm's scheduler flags: `sh-port`, `mh-port` … */
  readonly flags: readonly string[]
  /** For how long a client keeps its real server, seconds. */
  readonly persistence?: number
  readonly origin: Origin
}

/** A real server of IPVS (struct ip_vs_dest). */
export interface IpvsDestinationRecord {
  readonly kind: 'ipvs-destination'
  readonly id: IpvsDestinationId
  readonly netns: NetnsId
  readonly service: IpvsServiceId
  readonly address: Ipv4
  readonly port: number
  readonly weight: number
  readonly forwarding: 'masq' | 'tunnel' | 'droute' | 'local'
  readonly origin: Origin
}

/** An address and port, as IPVS keeps them. */
export interface IpvsEndpoint {
  readonly address: Ipv4
  readonly port: number
}

/** One connection of IPVS (struct ip_vs_conn), or a template: what persistence remembers of a client. When it ends is in the cell `expires`. */
export interface IpvsConnectionRecord {
  readonly kind: 'ipvs-connection'
  readonly id: IpvsConnectionId
  readonly netns: NetnsId
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  /** A template's client has port 0. */
  readonly client: IpvsEndpoint
  readonly virtual: IpvsEndpoint
  readonly destination: IpvsEndpoint
  /** Its real server, also when that has been removed since. */
  readonly server: IpvsDestinationId
  readonly forwarding: IpvsDestinationRecord['forwarding']
  /** As ip_vs_state_name() has it: `SYN_RECV`, `ESTABLISHED`, `UDP`, `NONE`, `ASSURED` … */
  readonly state: string
  readonly template: boolean
  /** Counts among its real server's ActiveConn; otherwise InActConn. */
  readonly active: boolean
  readonly origin: Origin
}

/** For ICMP echo: `sport` is the id, `dport` is type << 8 | code, as the kernel's tuple has it. */
export interface Tuple {
  readonly src: Ipv4
  readonly dst: Ipv4
  readonly sport: number
  readonly dport: number
}
export type TcpCtState =
  | 'NONE'
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'ESTABLISHED'
  | 'FIN_WAIT'
  | 'CLOSE_WAIT'
  | 'LAST_ACK'
  | 'TIME_WAIT'
  | 'CLOSE'
  | 'SYN_SENT2'

export interface ConntrackRecord {
  readonly kind: 'conntrack'
  readonly id: ConntrackId
  readonly netns: NetnsId
  readonly protocol: number
  readonly original: Tuple
  readonly reply: Tuple
  readonly tcpState?: TcpCtState
  readonly seenReply: boolean
  readonly assured: boolean
  readonly confirmed: boolean
  readonly dying: boolean
  readonly srcNat: boolean
  readonly dstNat: boolean
  readonly mark: number
  readonly zone: number
  /** What the packet that made it was related to (an ICMP error, a helper). */
  readonly master?: ConntrackId
  readonly origin: Origin
}

export type TcpState =
  | 'CLOSED'
  | 'LISTEN'
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'ESTABLISHED'
  | 'FIN_WAIT1'
  | 'FIN_WAIT2'
  | 'CLOSE_WAIT'
  | 'CLOSING'
  | 'LAST_ACK'
  | 'TIME_WAIT'

export interface SocketRecord {
  readonly kind: 'socket'
  readonly id: SocketId
  readonly netns: NetnsId
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'raw'
  /** `icmp` sockets keep their echo id as the port. Device set when bound to one. */
  readonly local: { readonly address: Ipv4; readonly port: number }
  readonly remote?: { readonly address: Ipv4; readonly port: number }
  readonly state: TcpState | 'UNCONN' | 'ESTAB'
  readonly receiveQueue: number
  readonly sendQueue: number
  readonly process?: ProcessId
  /** A socket of the kernel's own, whose datagrams a tunnel device takes (udp_sock.encap_type). */
  readonly encap?: 'vxlan'
  readonly origin: Origin
}

export interface ProcessRecord {
  readonly kind: 'process'
  readonly id: ProcessId
  readonly netns: NetnsId
  readonly pid: number
  readonly container?: string
  readonly argv: readonly string[]
  readonly state: 'running' | 'exited'
  readonly exitCode?: number
  /** stdout and stderr as a terminal would show them. */
  readonly output: string
  readonly origin: Origin
}

/** A Kubernetes object as the control plane would hold it: what was given plus what was filled in. */
export interface ObjectRecord {
  readonly kind: 'object'
  readonly id: ObjectId
  readonly apiVersion: string
  readonly objectKind: string
  readonly namespace?: string
  readonly name: string
  readonly manifest: Readonly<Record<string, unknown>>
  /** Paths that Hopscope filled in as the control plane would: `status.podIP`. */
  readonly filled: readonly string[]
  readonly origin: Origin
}

/** A text file that programs of a namespace read: what decides how names resolve there. */
export interface FileRecord {
  readonly kind: 'file'
  readonly id: FileId
  readonly netns: NetnsId
  /** `/etc/resolv.conf` */
  readonly path: string
  readonly content: string
  readonly origin: Origin
}

/** A CPU of the machine is interrupted while it handles the first packet of a flow to this port, between PREROUTING and FORWARD. */
export interface FaultRecord {
  readonly kind: 'fault'
  readonly id: FaultId
  readonly netns: NetnsId
  /** IP protocol number. */
  readonly protocol: number
  readonly port: number
  /** ns */
  readonly duration: number
  readonly origin: Origin
}

/** Something the input had that is kept but not modelled; shown to the user in plain words. */
export interface NoteRecord {
  readonly kind: 'note'
  readonly id: NoteId
  readonly netns?: NetnsId
  readonly what: string
  readonly where?: string
  readonly origin: Origin
}

export type WorldRecord =
  | NetnsRecord
  | DeviceRecord
  | AddressRecord
  | RouteRecord
  | PolicyRuleRecord
  | NeighbourRecord
  | FdbRecord
  | SysctlRecord
  | ChainRecord
  | RuleRecord
  | IpsetRecord
  | NftTableRecord
  | NftChainRecord
  | NftRuleRecord
  | NftSetRecord
  | IpvsServiceRecord
  | IpvsDestinationRecord
  | IpvsConnectionRecord
  | ConntrackRecord
  | SocketRecord
  | ProcessRecord
  | ObjectRecord
  | NoteRecord
  | FileRecord
  | FaultRecord

export type RecordKind = WorldRecord['kind']
export type RecordOf<K extends RecordKind> = Extract<WorldRecord, { kind: K }>
