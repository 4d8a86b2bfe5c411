// The scenario document: the only thing that is stored, shared or imported. schema.ts validates input into these shapes.

export type Language = 'en' | 'zh'

/** A Kubernetes manifest, as given. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly [k: string]: unknown
  }
  readonly [k: string]: unknown
}

export interface ClusterConfig {
  readonly podCIDR: string
  readonly serviceCIDR: string
  readonly network: NetworkConfig
  readonly kubeProxy: KubeProxyConfig
  /** CoreDNS where the objects have no DNS: always, or never; when not said, where a journey asks for a name. */
  readonly dns?: 'coredns' | 'none'
  /** Machines on the nodes' own segment that are no part of the cluster. */
  readonly clients?: readonly ClientConfig[]
  /**
   * How the cloud's load balancers of layer 4 bring packets to nodes: rewritten to a node port (when it is not said), or `direct`, as they
   * are, so that nodes answer past the balancer (direct server return). Those of ipMode Proxy end the connections in any case.
   */
  readonly loadBalancer?: 'node-port' | 'direct'
  /** Nodes whose cable is out, by name: up and running, and cut off from all others. */
  readonly unplugged?: readonly string[]
}

/** A machine with a shell, `client/NAME` as a place. Without an address it gets one of the nodes' subnet, from .100 upwards. */
export interface ClientConfig {
  readonly name: string
  readonly address?: string
}

/**
 * Another cluster, on the far side of the Internet: nodes, pods and Services of its own, behind its own gateway. Its nodes and pods
 * are places by their own names, which no other cluster may have; its network is `NAME/fabric`, `NAME/gateway`.
 */
export interface PeerCluster {
  readonly name: string
  readonly cluster: ClusterConfig
  readonly objects: readonly Manifest[]
}

/** kube-proxy's `mode`, as KubeProxyConfiguration names them; `userspace` until Kubernetes 1.25. */
export const KUBE_PROXY_MODES = ['iptables', 'ipvs', 'nftables', 'userspace'] as const
export type KubeProxyMode = (typeof KUBE_PROXY_MODES)[number]

/** Fields of KubeProxyConfiguration that decide a packet's way. */
export interface KubeProxyConfig {
  readonly mode: KubeProxyMode
  /** `ipvs.scheduler`; rr when it is not said. */
  readonly scheduler?: string
  readonly masqueradeAll?: boolean
  /** `ipvs.strictARP`: nodes do not answer ARP for virtual addresses. */
  readonly strictARP?: boolean
  /** False: a kube-proxy that cannot delete conntrack entries (no conntrack tool in its image, the bugs of old versions). */
  readonly conntrackCleanup?: boolean
}

/** `fabric`: how nodes reach each other's pods. `l2`: host routes on one switch; `cloud`: a router with the provider's route table. */
export interface NetworkConfig {
  readonly plugin: 'bridge'
  readonly fabric: 'l2' | 'cloud'
  readonly mtu: number
  /** The bridge plugin's `hairpinMode`, kubenet's `hairpin-veth`: a bridge port may send back what came in through it. Off when not said. */
  readonly hairpinMode?: boolean
}

/** A change of objects in the middle of a journey: what `kubectl apply` and `kubectl delete` would do then. */
export interface ScheduledChange {
  /** Index of the journey, from 0. */
  readonly journey: number
  /** Since that journey began, as Kubernetes writes durations: `1500ms`, `2s`. */
  readonly at: string
  readonly apply?: readonly Manifest[]
  readonly delete?: readonly { readonly kind: string; readonly namespace?: string; readonly name: string }[]
  /** Nodes whose cable is pulled then, by name. The others notice, each in its own time. */
  readonly unplug?: readonly string[]
}

/** Per namespace, replaces what would have been generated. Each value is the text of Linux's own tool. */
export interface Override {
  readonly sysctl?: Readonly<Record<string, string>>
  /** iptables-save text; the tables it names replace the generated ones. */
  readonly iptables?: string
  /** nft text, a listing or commands; the tables it names replace the generated ones. */
  readonly nft?: string
  /** `ip addr` text: devices and addresses. */
  readonly addr?: string
  /** `ip route` text (main table, or `table all`). */
  readonly routes?: string
  readonly rules?: string
  readonly neigh?: string
  /** `bridge fdb` text: entries of bridges, and the remote ends that VXLAN devices know. */
  readonly fdb?: string
  /**
   * Not Linux's: one CPU is interrupted for so long while it handles the first packet of a flow to this UDP port, between
   * PREROUTING and FORWARD, and another CPU handles what comes meanwhile. The engine does one thing at a time otherwise.
   */
  readonly stall?: { readonly udp: number; readonly microseconds: number }
}

export interface JourneySpec {
  readonly from: string
  readonly container?: string
  readonly run: string
}

/** What a shared link opens at. */
export interface ViewSpec {
  /** The step as the page counts it: 1 is the first, 0 the state before it. */
  readonly at?: number
  /** The same, counted from 0: how links said it before, and the `seq` of a trace. `at` is taken where both are given. */
  readonly step?: number
  readonly follow?: number
  readonly panels?: readonly string[]
  readonly language?: Language
}

export interface ScenarioDocument {
  readonly hopscope: 1
  readonly title: string
  /** Seed of every random choice of the run (statistic mode random, ports, TCP sequence numbers). */
  readonly seed: number
  readonly cluster: ClusterConfig
  readonly objects: readonly Manifest[]
  readonly overrides: Readonly<Record<string, Override>>
  readonly journeys: readonly JourneySpec[]
  readonly changes?: readonly ScheduledChange[]
  readonly peers?: readonly PeerCluster[]
  readonly view?: ViewSpec
}

/** Where in the input, and what was expected there. Every refusal of user input is one of these. */
export interface InputError {
  readonly kind: 'input'
  readonly message: string
  readonly file?: string
  /** Path inside the document: `objects[3].spec.nodeName`. */
  readonly path?: string
  /** From 1. */
  readonly line?: number
  readonly column?: number
}
