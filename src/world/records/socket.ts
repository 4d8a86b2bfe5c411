import type { Ipv4 } from '../../net/address.ts'
import type { NetnsId, ProcessId, SocketId } from '../ids.ts'
import type { Origin } from './origin.ts'

// Sockets.

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
