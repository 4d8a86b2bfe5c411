import { ipv4 } from '../../net/address.ts'
import { IPPROTO } from '../../net/packet.ts'
import type { NetnsId } from '../../world/ids.ts'
import type { ConntrackRecord, Origin } from '../../world/records.ts'
import { ConntrackEntry, IPS } from './entry.ts'
import { TCP_CT_STATES } from './tcp-states.ts'
import { TcpTrack } from './tcp-track.ts'
import type { FlowTuple } from './tuple.ts'

const KERNEL: Origin = { component: 'kernel' }

const tupleOf = (t: FlowTuple) => ({ src: ipv4(t.src), dst: ipv4(t.dst), sport: t.sport, dport: t.dport })

/** The record that shows the entry as it stands. */
export function conntrackRecord(entry: ConntrackEntry, netns: NetnsId): ConntrackRecord {
  return {
    kind: 'conntrack',
    id: entry.id,
    netns,
    protocol: entry.protocol,
    original: tupleOf(entry.original),
    reply: tupleOf(entry.reply),
    ...(entry.tcp === undefined ? {} : { tcpState: TCP_CT_STATES[entry.tcp.state] ?? 'NONE' }),
    seenReply: (entry.status & IPS.SEEN_REPLY) !== 0,
    assured: (entry.status & IPS.ASSURED) !== 0,
    confirmed: entry.confirmed,
    dying: (entry.status & IPS.DYING) !== 0,
    ...((entry.status & IPS.NAT_CLASH) === 0 ? {} : { replyOnly: true }),
    srcNat: (entry.status & IPS.SRC_NAT) !== 0,
    dstNat: (entry.status & IPS.DST_NAT) !== 0,
    mark: entry.mark,
    zone: 0,
    ...(entry.master === undefined ? {} : { master: entry.master.id }),
    origin: KERNEL,
  }
}

/**
 * An entry that says what the record says: for readers that evaluate a match against a recorded moment. What no record
 * holds (TCP windows, timeouts) is empty, so it must not track packets.
 */
export function entryOfRecord(record: ConntrackRecord): ConntrackEntry {
  const tcp = record.protocol === IPPROTO.TCP ? new TcpTrack() : undefined
  if (tcp !== undefined) tcp.state = Math.max(0, TCP_CT_STATES.indexOf(record.tcpState ?? 'NONE'))
  const entry = new ConntrackEntry(record.protocol, tcp)
  entry.name(record.id, -1)
  const { original: o, reply: r } = record
  entry.original.set(o.src, o.dst, o.sport, o.dport, record.protocol)
  entry.reply.set(r.src, r.dst, r.sport, r.dport, record.protocol)
  entry.mark = record.mark
  entry.status =
    (record.seenReply ? IPS.SEEN_REPLY : 0) |
    (record.assured ? IPS.ASSURED : 0) |
    (record.confirmed ? IPS.CONFIRMED : 0) |
    (record.dying ? IPS.DYING : 0) |
    (record.replyOnly === true ? IPS.NAT_CLASH : 0) |
    (record.srcNat ? IPS.SRC_NAT : 0) |
    (record.dstNat ? IPS.DST_NAT : 0)
  entry.record = record
  return entry
}
