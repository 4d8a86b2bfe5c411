import type { Ipv4, Ipv4Prefix } from '../net/address.ts'
import type { ClusterConfig } from '../scenario/document.ts'
import type { ObjectRecord } from '../world/records.ts'
import type { PodDns } from './dns.ts'
import type { Site } from './site.ts'

// What the generators need of the objects, read and completed once by fill-in.ts. Everything optional in the API has its
// value here.

/** What a NoteRecord says. */
export interface ClusterNote {
  readonly what: string
  readonly where: string
  readonly added?: true
}

export interface Cluster {
  readonly site: Site
  readonly config: ClusterConfig
  readonly podCIDR: Ipv4Prefix
  readonly serviceCIDR: Ipv4Prefix
  /** The subnet that the nodes' InternalIPs are in, and the address of its gateway. */
  readonly nodeSubnet: Ipv4Prefix
  readonly gateway: Ipv4
  readonly nodes: readonly ClusterNode[]
  readonly clients: readonly ClusterClient[]
  readonly balancers: readonly ClusterBalancer[]
  readonly healthChecks: readonly ServiceHealthCheck[]
  readonly albs: readonly ClusterAlb[]
  readonly pods: readonly ClusterPod[]
  readonly podsOf: (node: ClusterNode) => readonly ClusterPod[]
  readonly services: readonly ClusterService[]
  readonly slices: readonly ClusterSlice[]
  /** The slices that list an address. */
  readonly slicesOf: (address: Ipv4) => readonly ClusterSlice[]
  readonly objects: readonly ObjectRecord[]
  /** What was kept but not modelled: the text of notes. */
  readonly notes: readonly ClusterNote[]
}

export interface ClusterNode {
  readonly name: string
  readonly ip: Ipv4
  /** The address that the Internet gateway translates to and from. */
  readonly externalIp: Ipv4
  readonly podCIDR: Ipv4Prefix
  readonly labels: Readonly<Record<string, string>>
}

/** A machine beside the nodes, no part of the cluster. */
export interface ClusterClient {
  readonly name: string
  /** `client/laptop` */
  readonly place: string
  readonly ip: Ipv4
}

/** A Service's healthCheckNodePort, which kube-proxy serves on every node. */
export interface ServiceHealthCheck {
  readonly namespace: string
  readonly name: string
  readonly port: number
}

/** The cloud's load balancer in front of one Service. */
export interface ClusterBalancer {
  /** `lb/web` */
  readonly place: string
  readonly service: { readonly namespace: string; readonly name: string }
  readonly vips: readonly Ipv4[]
  /** Its own address, that of the machine which routes for the nodes, and the length of the segment between them. */
  readonly ip: Ipv4
  readonly edgeIp: Ipv4
  readonly segmentLength: number
  /**
   * `node-port`: it rewrites the destination and keeps the source. `proxy`: it ends the connection and makes its own (ipMode: Proxy).
   * `direct`: it passes packets on as they are, and never sees the answers; it stands on the nodes' own segment.
   */
  readonly delivery: 'node-port' | 'proxy' | 'direct'
  readonly ports: readonly BalancerPort[]
}
/** The cloud's application load balancer for one Ingress. */
export interface ClusterAlb {
  /** `alb/shop` */
  readonly place: string
  readonly ingress: { readonly namespace: string; readonly name: string }
  /** Its public addresses; none when it is internal. */
  readonly vips: readonly Ipv4[]
  /** As for ClusterBalancer. */
  readonly ip: Ipv4
  readonly edgeIp: Ipv4
  readonly segmentLength: number
  readonly port: number
}
export interface BalancerPort {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  readonly nodePort: number
  /** Nodes that passed the health check. */
  readonly targets: readonly ClusterNode[]
}

export type L4 = 'TCP' | 'UDP' | 'SCTP'

export interface Container {
  readonly name: string
  readonly image?: string
  /** `command` and `args`. */
  readonly argv?: readonly string[]
  readonly ports: readonly {
    readonly name?: string
    readonly containerPort: number
    readonly protocol: L4
    readonly hostPort?: number
    readonly hostIP?: string
  }[]
}

export interface ClusterPod {
  readonly namespace: string
  readonly name: string
  /** `pod/client`, `pod/kube-system/coredns-a`; for a pod on the host's network, the node's name. */
  readonly place: string
  readonly node: ClusterNode
  readonly ip: Ipv4
  readonly hostNetwork: boolean
  readonly containers: readonly Container[]
  readonly labels: Readonly<Record<string, string>>
  readonly ready: boolean
  readonly terminating: boolean
  readonly dns: PodDns
}

export interface ServicePort {
  /** '' when the Service has one unnamed port. */
  readonly name: string
  readonly protocol: L4
  readonly port: number
  readonly targetPort: number | string
  readonly nodePort?: number
}
export interface ClusterService {
  readonly namespace: string
  readonly name: string
  readonly type: string
  /** Undefined for headless Services and ExternalName. */
  readonly clusterIP?: Ipv4
  /** External IPs and load balancer addresses that nodes answer for. */
  readonly externalVips: readonly Ipv4[]
  readonly ports: readonly ServicePort[]
  readonly selector?: Readonly<Record<string, string>>
  readonly internalTrafficPolicy: 'Cluster' | 'Local'
  readonly externalTrafficPolicy: 'Cluster' | 'Local'
  /** sessionAffinity ClientIP: for how long a client keeps its endpoint. */
  readonly affinitySeconds?: number
}

export interface ClusterSlice {
  readonly namespace: string
  readonly name: string
  readonly service: string
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: L4 }[]
  readonly endpoints: readonly SliceEndpoint[]
}
export interface SliceEndpoint {
  readonly address: Ipv4
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly nodeName?: string
  readonly zoneHints?: readonly string[]
}
