import type { Ipv4 } from '../../net/address.ts'
import type { IpvsConnectionId, IpvsDestinationId, IpvsServiceId, NetnsId } from '../ids.ts'
import type { Origin } from './origin.ts'

// IPVS: virtual servers, real servers, connections.

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
