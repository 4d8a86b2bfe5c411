import type { Ipv4 } from '../../net/address.ts'
import type { ConntrackId, NetnsId } from '../ids.ts'
import type { Origin } from './origin.ts'

// Connection tracking.

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
  /** IPS_NAT_CLASH: another entry has the original direction; this one is found by the replies alone, and no tool lists it. */
  readonly replyOnly?: true
  readonly srcNat: boolean
  readonly dstNat: boolean
  readonly mark: number
  readonly zone: number
  /** What the packet that made it was related to (an ICMP error, a helper). */
  readonly master?: ConntrackId
  readonly origin: Origin
}
