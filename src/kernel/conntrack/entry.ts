import type { ConntrackId } from '../../world/ids.ts'
import type { ConntrackRecord } from '../../world/records.ts'
import type { TcpTrack } from './tcp-track.ts'
import { FlowTuple } from './tuple.ts'

/** enum ip_conntrack_status (nf_conntrack_common.h), the bits that the engine keeps. */
export const IPS = {
  EXPECTED: 1 << 0,
  SEEN_REPLY: 1 << 1,
  ASSURED: 1 << 2,
  CONFIRMED: 1 << 3,
  SRC_NAT: 1 << 4,
  DST_NAT: 1 << 5,
  SRC_NAT_DONE: 1 << 7,
  DST_NAT_DONE: 1 << 8,
  DYING: 1 << 9,
  NAT_CLASH: 1 << 18,
} as const
export const IPS_NAT_MASK = IPS.SRC_NAT | IPS.DST_NAT
export const IPS_NAT_DONE_MASK = IPS.SRC_NAT_DONE | IPS.DST_NAT_DONE

/** enum ip_conntrack_info as skb.ctInfo keeps it: indexes into CT_INFOS. A reply is its original plus IS_REPLY. */
export const CT = {
  ESTABLISHED: 0,
  RELATED: 1,
  NEW: 2,
  ESTABLISHED_REPLY: 3,
  RELATED_REPLY: 4,
  INVALID: 5,
  UNTRACKED: 6,
} as const
export const IS_REPLY = 3
const DIR_ORIGINAL = 0
const DIR_REPLY = 1

/** CTINFO2DIR: 0 original, 1 reply. */
export const directionOf = (ctInfo: number): number => (ctInfo === CT.ESTABLISHED_REPLY || ctInfo === CT.RELATED_REPLY ? 1 : 0)

/** struct nf_conntrack_tuple_hash: one direction of an entry, chained into the table's bucket. */
export class TupleHash extends FlowTuple {
  readonly direction: number
  readonly entry: ConntrackEntry
  next: TupleHash | undefined = undefined
  hashed = false

  constructor(entry: ConntrackEntry, direction: number) {
    super()
    this.entry = entry
    this.direction = direction
  }
}

/** struct nf_conn at run time. Its record in the world changes only when something visible does (record.ts). */
export class ConntrackEntry {
  /** Given once the first packet is known to be valid, so that ids have no gaps. */
  id = '' as ConntrackId
  /** recorder ref of the id */
  ref = -1
  readonly protocol: number
  readonly original: TupleHash
  readonly reply: TupleHash
  /** IPS bits */
  status = 0
  mark = 0
  /** ns. Relative until confirmed, virtual time at which it is gone from then on. */
  timeout = 0
  /** UDP: virtual time after which two-way traffic counts as a stream (proto.udp.stream_ts). */
  streamAt = 0
  /** ifindex that MASQUERADE chose its address from; 0 when it did not. */
  masqueradeIfindex = 0
  readonly tcp: TcpTrack | undefined
  master: ConntrackEntry | undefined = undefined
  /** What the world holds for it; undefined before it is written and after it is destroyed. */
  record: ConntrackRecord | undefined = undefined
  /** Its packet ended before it was confirmed. */
  released = false
  /** Next of those that share the source part of the original tuple (nat_bysource). */
  nextBySource: ConntrackEntry | undefined = undefined

  constructor(protocol: number, tcp: TcpTrack | undefined) {
    this.protocol = protocol
    this.tcp = tcp
    this.original = new TupleHash(this, DIR_ORIGINAL)
    this.reply = new TupleHash(this, DIR_REPLY)
  }

  name(id: ConntrackId, ref: number): void {
    this.id = id
    this.ref = ref
  }

  tuple(direction: number): TupleHash {
    return direction === DIR_ORIGINAL ? this.original : this.reply
  }

  get confirmed(): boolean {
    return (this.status & IPS.CONFIRMED) !== 0
  }
}
