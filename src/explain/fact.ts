import type {
  CtChange,
  CtInfo,
  DeliverTo,
  DropReason,
  IpvsChange,
  IpvsDirection,
  IpvsReason,
  NeighReason,
  NftTableName,
  ProcessEvent,
  RoutePurpose,
  RouteResult,
  WorldChangeKind,
} from '../trace/step.ts'
import type { HookName, TableName } from '../world/netfilter.ts'
import type { NudState } from '../world/records.ts'
import type { ClashFact, DnsFact, LookupPart } from './dns-fact.ts'
import type { Sentence, Span } from './sentence.ts'

// What a sentence needs to know, in no language yet. Names of things are spans already: they read the same everywhere.

/** What a rule is for. kube-proxy's and the CNI plugin's rules are known by their origin, or by their names and comments when imported. */
export type RuleRole =
  /** A base chain hands the packet to a component's chain. */
  | { readonly kind: 'jump-to-component'; readonly component: string; readonly chain: Span }
  /** KUBE-SERVICES: a cluster IP and port. */
  | { readonly kind: 'service'; readonly service?: Span; readonly clusterIP?: Span }
  /** KUBE-SVC: one endpoint's share. `probability` is the rule's own, undefined for the last, which takes what is left. */
  | {
      readonly kind: 'endpoint'
      readonly service?: Span
      readonly index: number
      readonly count: number
      readonly probability?: string
    }
  | { readonly kind: 'mark-masquerade'; readonly why: 'off-cluster' | 'hairpin' | 'all' | 'other'; readonly service?: Span }
  /** `nft`: by kube-proxy's chain mark-for-masquerade and not KUBE-MARK-MASQ. */
  | { readonly kind: 'set-masquerade-mark'; readonly mark: Span; readonly nft?: true }
  | {
      readonly kind: 'dnat'
      readonly service?: Span
      readonly to: Span
      readonly pod?: Span
      readonly index?: number
      readonly count?: number
      readonly probability?: string
    }
  /** CNI portmap: a port of the node that leads to a pod. */
  | { readonly kind: 'host-port'; readonly ports: Span; readonly pod?: Span }
  | { readonly kind: 'host-port-dnat'; readonly to: Span; readonly pod?: Span }
  /** A load balancer's choice among its targets. `probability` as with an endpoint. */
  | {
      readonly kind: 'balance'
      readonly service?: Span
      readonly to: Span
      readonly node?: Span
      readonly index: number
      readonly count: number
      readonly probability?: string
    }
  /** Answers to what a load balancer sent go back through it: the connection is marked, and its answers take the mark over. */
  | { readonly kind: 'way-back'; readonly step: 'mark' | 'answer'; readonly service?: Span }
  | { readonly kind: 'no-endpoints'; readonly service?: Span; readonly local: boolean; readonly with: Span }
  | { readonly kind: 'unmarked'; readonly nft?: true }
  | { readonly kind: 'clear-mark' }
  | { readonly kind: 'masquerade-marked'; readonly address?: Span }
  | { readonly kind: 'egress-masquerade'; readonly address?: Span }
  | { readonly kind: 'drop-invalid' }
  | { readonly kind: 'accept-marked' }
  | { readonly kind: 'accept-replies' }
  | { readonly kind: 'localnet' }
  | { readonly kind: 'nodeports' }
  /** Userspace mode: to the port on which kube-proxy itself listens for the Service. */
  | { readonly kind: 'to-proxy'; readonly service?: Span; readonly port: Span }
  | { readonly kind: 'accept-to-proxy'; readonly service?: Span }
  // kube-proxy's table of nftables.
  /** A base chain asks one of kube-proxy's chains: its name says what for. */
  | { readonly kind: 'nft-next'; readonly chain: Span; readonly purpose: string }
  /** A verdict map that holds the packet's destination. */
  | { readonly kind: 'nft-lookup'; readonly service?: Span; readonly map: Span; readonly key: Span; readonly chain: Span }
  /** The client's address is in the endpoint's set. */
  | { readonly kind: 'nft-affinity'; readonly service?: Span; readonly endpoint: Span }
  /** It is put there, for `time`. */
  | { readonly kind: 'nft-remember'; readonly service?: Span; readonly time?: Span }
  /** To all endpoints, or with the Local policy to those on this node. */
  | { readonly kind: 'nft-external'; readonly service?: Span; readonly local: boolean }
  /** `allocated`: a cluster IP without such a port; else an address that no Service has. */
  | { readonly kind: 'nft-cluster-ip'; readonly allocated: boolean; readonly with: Span }
  /** Outside loadBalancerSourceRanges. */
  | { readonly kind: 'source-range'; readonly service?: Span }
  /** Anything else: who made it, what it matches in iptables' words, what it does. */
  | {
      readonly kind: 'plain'
      readonly component: string
      readonly comment?: string
      readonly target: Span
      readonly object?: Span
    }

export type DropCause =
  | { readonly kind: 'rule'; readonly rule: Span; readonly role: RuleRole }
  | { readonly kind: 'policy'; readonly chain: Span }
  | { readonly kind: 'sysctl'; readonly sysctl: Span }
  | { readonly kind: 'neighbour'; readonly address: Span; readonly device: Span; readonly service?: Span; readonly owner?: Span }
  | { readonly kind: 'route'; readonly route: Span }
  | { readonly kind: 'device'; readonly device: Span }
  /** A bridge would have to send the frame back out of the port that it came in through. */
  | { readonly kind: 'hairpin-off'; readonly port: Span; readonly bridge: Span; readonly address?: Span; readonly owner?: Span }
  | { readonly kind: 'conntrack'; readonly entry: Span }
  | { readonly kind: 'other'; readonly record: Span }

/** Where a translation comes from: a rule just now, the binding that conntrack keeps, or the reverse of it. */
export type NatWhy =
  | { readonly kind: 'rule'; readonly role: RuleRole }
  | { readonly kind: 'binding'; readonly entry?: Span; readonly service?: Span }
  | { readonly kind: 'reverse'; readonly entry?: Span; readonly service?: Span }

export type Fact =
  // Birth
  | { readonly kind: 'sent'; readonly where: Span; readonly who?: Span; readonly packet: Span }
  | {
      readonly kind: 'arp-asked'
      readonly where: Span
      readonly target: Span
      readonly waiting?: number
      readonly unicast: boolean
    }
  | { readonly kind: 'arp-answered'; readonly where: Span; readonly address: Span; readonly mac: Span; readonly asker: Span }
  | { readonly kind: 'icmp-reported'; readonly where: Span; readonly error: Span; readonly to: Span; readonly about?: number }
  | { readonly kind: 'echo-answered'; readonly where: Span; readonly to: Span }
  | { readonly kind: 'reset-sent'; readonly where: Span; readonly to: Span; readonly about?: number }
  | { readonly kind: 'copied'; readonly where: Span; readonly of?: number }
  | { readonly kind: 'fragmented'; readonly where: Span; readonly of?: number }
  | { readonly kind: 'made-whole'; readonly where: Span }
  | { readonly kind: 'encapsulated'; readonly where: Span; readonly of?: number }
  | { readonly kind: 'decapsulated'; readonly where: Span; readonly of?: number }
  // A hop's beginning and ends
  | {
      readonly kind: 'entered-device'
      readonly device: Span
      readonly where: Span
      readonly direction: 'in' | 'out'
      readonly link: string
      readonly port?: Span
    }
  | {
      readonly kind: 'entered-stack'
      readonly where: Span
      readonly direction: 'in' | 'out'
      readonly device?: Span
      readonly resumed: boolean
      readonly arp: boolean
    }
  | { readonly kind: 'left-over-veth'; readonly device: Span; readonly peer: Span; readonly there: Span }
  | { readonly kind: 'left-over-wire'; readonly device: Span; readonly peer: Span; readonly there: Span }
  | { readonly kind: 'left-through-loopback'; readonly device: Span; readonly where: Span }
  | { readonly kind: 'left-to-bridge'; readonly port: Span; readonly bridge: Span }
  | { readonly kind: 'left-to-port'; readonly port: Span; readonly bridge: Span }
  | { readonly kind: 'left-to-stack'; readonly device?: Span; readonly where: Span }
  | { readonly kind: 'left-to-device'; readonly device: Span; readonly where: Span; readonly arp: boolean }
  | { readonly kind: 'delivered'; readonly to: DeliverTo; readonly where: Span; readonly socket?: Span; readonly process?: Span }
  | { readonly kind: 'dropped'; readonly reason: DropReason; readonly where: Span; readonly cause?: DropCause }
  | { readonly kind: 'waiting'; readonly where: Span; readonly address: Span; readonly device?: Span }
  | { readonly kind: 'not-modelled'; readonly what: string; readonly where: Span; readonly cause?: Span }
  | {
      readonly kind: 'into-tunnel'
      readonly device: Span
      readonly remote: Span
      readonly vni: number
      readonly mac: Span
      /** The forwarding entry that named the remote end; one for every address unknown (`any`). */
      readonly entry?: Span
      readonly any: boolean
    }
  | { readonly kind: 'out-of-tunnel'; readonly device: Span; readonly remote: Span; readonly vni: number; readonly where: Span }
  // Header fields
  | {
      readonly kind: 'mac-set'
      readonly which: 'src' | 'dst'
      /** Old and new address; the new one alone where there was no link-layer header before. */
      readonly value: Span
      readonly owner?: Span
    }
  | { readonly kind: 'ttl'; readonly change: Span }
  | { readonly kind: 'translated'; readonly which: 'src' | 'dst'; readonly change: Span; readonly why: NatWhy }
  | { readonly kind: 'marked'; readonly change: Span; readonly masquerade: 'set' | 'cleared' | 'other' }
  | { readonly kind: 'field-set'; readonly field: Span; readonly change: Span }
  | { readonly kind: 'quote-translated'; readonly change?: Span }
  // Bridge
  | { readonly kind: 'fdb-learned'; readonly bridge: Span; readonly mac: Span; readonly port: Span; readonly moved: boolean }
  | { readonly kind: 'vtep-learned'; readonly tunnel: Span; readonly mac: Span; readonly remote: Span; readonly moved: boolean }
  | { readonly kind: 'bridge-forwarded'; readonly bridge: Span; readonly mac: Span; readonly port: Span }
  | {
      readonly kind: 'bridge-flooded'
      readonly bridge: Span
      readonly mac: Span
      readonly broadcast: boolean
      readonly ports: number
      readonly local: boolean
    }
  | { readonly kind: 'bridge-took'; readonly bridge: Span; readonly mac: Span; readonly broadcast: boolean }
  | { readonly kind: 'bridge-refused'; readonly bridge: Span; readonly port?: Span }
  | {
      readonly kind: 'bridge-nf'
      readonly bridge: Span
      readonly hook: HookName
      readonly enabled: boolean
      readonly sysctl?: Span
    }
  // Neighbours
  | {
      readonly kind: 'neigh-looked-up'
      readonly address: Span
      readonly state: NudState
      readonly mac?: Span
      readonly entry?: Span
    }
  | {
      readonly kind: 'neigh-changed'
      readonly address: Span
      readonly entry: Span
      readonly from: NudState
      readonly to: NudState
      readonly reason: NeighReason
      readonly mac?: Span
      readonly probes: number
    }
  | {
      readonly kind: 'arp-processed'
      readonly where: Span
      readonly op: 'request' | 'reply'
      readonly target: Span
      readonly sender: Span
      readonly answer: 'reply' | 'update' | 'ignore' | 'proxy'
    }
  // Routing
  | {
      readonly kind: 'routed'
      readonly where: Span
      readonly purpose: RoutePurpose
      readonly result: RouteResult
      readonly address: Span
      readonly route?: Span
      readonly via?: Span
      /** `via` is not the route's own: an ICMP redirect told of it. */
      readonly redirected?: true
      readonly device?: Span
      readonly table?: Span
      /** The rule of the routing policy that named the table, unless it is one of the three that every host has. */
      readonly policy?: Span
      /** The next best route of the same table, which also covers the address but is less specific. */
      readonly over?: Span
      /** Who owns the address, when somebody in the cluster does. */
      readonly owner?: Span
      readonly isDefault: boolean
    }
  | {
      readonly kind: 'rp-filtered'
      readonly ok: boolean
      readonly mode: 'off' | 'strict' | 'loose'
      readonly source: Span
      readonly route?: Span
      readonly sysctl?: Span
    }
  | { readonly kind: 'forwarding'; readonly where: Span; readonly allowed: boolean; readonly sysctl?: Span }
  | { readonly kind: 'too-big'; readonly length: number; readonly mtu: number; readonly action: 'fragment' | 'frag-needed' }
  | { readonly kind: 'reassembling'; readonly complete: boolean; readonly fragments: number }
  // Netfilter
  | { readonly kind: 'hook'; readonly where: Span; readonly hook: HookName; readonly bridged: boolean }
  | { readonly kind: 'chain'; readonly chain: Span; readonly table: TableName | NftTableName; readonly hook?: HookName }
  | { readonly kind: 'rule'; readonly rule: Span; readonly role: RuleRole; readonly tried: number }
  | { readonly kind: 'policy'; readonly chain: Span; readonly verdict: 'accept' | 'drop' | 'return'; readonly tried: number }
  | { readonly kind: 'logged'; readonly prefix: Span }
  | { readonly kind: 'ct-found'; readonly info: CtInfo; readonly entry?: Span; readonly translates: boolean }
  | { readonly kind: 'ct-changed'; readonly change: CtChange; readonly entry: Span; readonly state?: Span }
  | ClashFact
  /** kube-proxy's cleanup after a sync: no packet has anything to do with it. */
  | { readonly kind: 'ct-cleaned'; readonly entry: Span; readonly where: Span }
  | {
      readonly kind: 'nat-bound'
      readonly entry: Span
      readonly manip: 'src' | 'dst'
      readonly binding: 'rule' | 'null' | 'existing' | 'icmp-error'
      readonly change?: Span
    }
  // IPVS
  | {
      readonly kind: 'ipvs-scheduled'
      readonly where: Span
      /** The virtual server, and the Kubernetes Service that it stands for. */
      readonly server: Span
      readonly service?: Span
      readonly scheduler: string
      readonly reason: IpvsReason
      readonly figure: number
      readonly to?: Span
      readonly pod?: Span
      readonly count: number
    }
  | { readonly kind: 'ipvs-packet'; readonly direction: IpvsDirection; readonly connection: Span; readonly service?: Span }
  | {
      readonly kind: 'ipvs-changed'
      readonly change: IpvsChange
      readonly connection: Span
      readonly state: Span
      readonly template: boolean
    }
  // Sockets and processes
  | { readonly kind: 'socket-found'; readonly where: Span; readonly socket?: Span; readonly to: Span; readonly process?: Span }
  | { readonly kind: 'tcp-changed'; readonly socket: Span; readonly from: string; readonly to: string; readonly process?: Span }
  | { readonly kind: 'retransmitted'; readonly socket: Span; readonly attempt: number; readonly seconds: string }
  | {
      readonly kind: 'data'
      readonly socket: Span
      readonly direction: 'send' | 'receive'
      readonly bytes: number
      readonly process?: Span
    }
  | {
      readonly kind: 'process'
      readonly process: Span
      readonly where: Span
      readonly event: ProcessEvent
      readonly text: string
    }
  | { readonly kind: 'timer'; readonly what: Span; readonly record?: Span }
  // Names
  | DnsFact
  // Proxies
  | {
      readonly kind: 'proxy-routed'
      readonly process: Span
      /** The Ingress, or in userspace mode the Service. */
      readonly object?: Span
      readonly rule: Span
      readonly service?: Span
      readonly endpoint?: Span
      readonly layer: 4 | 7
    }
  | { readonly kind: 'proxy-copied'; readonly process: Span; readonly bytes: number; readonly from: Span; readonly to: Span }
  // The cluster
  | {
      readonly kind: 'cluster-changed'
      readonly where: Span
      readonly change: WorldChangeKind
      readonly what: Span
      /** A controller made it of other objects. */
      readonly derived: boolean
      readonly added: number
      readonly removed: number
      /** kube-proxy runs in IPVS mode there. */
      readonly ipvs: boolean
    }

/** What decided how a journey ended, beyond the step itself. */
export type VerdictFact =
  | {
      readonly kind: 'answered'
      readonly command: Span
      /** How the command came by the address of the name that it was given. */
      readonly lookup?: LookupPart
      /** Explains what became of the first of the lookup's packets that was lost. */
      readonly lost?: Sentence
      /** The Service that the request went to, and the endpoint that answered. */
      readonly service?: { readonly object?: Span; readonly change: Span; readonly pod?: Span }
      /** Translations of the destination by anything but a Service's rules, in order: a load balancer, a host port, a gateway. */
      readonly destinations: readonly { readonly where: Span; readonly change: Span; readonly owner?: Span }[]
      /** Translations of the source on the way out, in order. */
      readonly masquerades: readonly { readonly where: Span; readonly change: Span }[]
      /** The namespaces that the first request went through, in order. */
      readonly way: readonly Span[]
      /** Proxies that ended the connection on its way and decided for themselves, in order. */
      readonly proxies: readonly ProxyPart[]
      readonly exitCode: number
    }
  | {
      readonly kind: 'failed'
      readonly command: Span
      readonly error: string
      /** Explains the deciding step. */
      readonly because?: Sentence
      readonly extra?: VerdictExtra
    }
  | { readonly kind: 'undetermined'; readonly command: Span; readonly what: string; readonly because?: Sentence }

/** What one proxy did for a journey. */
export interface ProxyPart {
  readonly process: Span
  readonly where: Span
  readonly layer: 4 | 7
  readonly object?: Span
  readonly rule: Span
  readonly service?: Span
  readonly endpoint?: Span
  /** Moves of bytes from one socket to the other, counted at layer 4 alone. */
  readonly copies: number
  readonly bytes: number
}

/** Facts that no single step shows. */
export type VerdictExtra =
  /** An endpoint of a Service is asked for on the link, and nobody has that address. */
  | { readonly kind: 'stale-endpoint'; readonly service?: Span; readonly address: Span }
  | { readonly kind: 'nobody-has'; readonly address: Span }
  /** conntrack still translates to an endpoint that is gone. */
  | { readonly kind: 'stale-entry'; readonly entry: Span; readonly address: Span; readonly where: Span }
  /** The reply was switched past the IP hooks, so nobody undid the translation. */
  | {
      readonly kind: 'reply-not-translated'
      readonly sysctl: Span
      readonly bridge: Span
      readonly expected: Span
      readonly got: Span
      readonly service?: Span
    }
  /** The sender gets no ICMP error for this, so it only notices by waiting. */
  | { readonly kind: 'silent' }
  /** A name could not be resolved, after so many questions. */
  | { readonly kind: 'unresolved'; readonly asked: number; readonly duration: number; readonly waits: number }
  /** Somebody listens on the port already. */
  | { readonly kind: 'port-taken'; readonly socket: Span; readonly process?: Span; readonly pod: boolean }

export type FactKind = Fact['kind']
export type FactOf<K extends FactKind> = Extract<Fact, { kind: K }>
export type RoleOf<K extends RuleRole['kind']> = Extract<RuleRole, { kind: K }>
