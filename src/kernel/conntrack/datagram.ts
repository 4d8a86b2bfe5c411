import { type ConntrackEntry, IPS } from './entry.ts'
import type { ConntrackSettings } from './sysctls.ts'
import { TRACK, type Tracked } from './track.ts'

const STREAM_AFTER = 2e9

const refresh = (entry: ConntrackEntry, now: number, timeout: number): void => {
  entry.timeout = entry.confirmed ? now + timeout : timeout
}

/** nf_conntrack_udp_packet(): a flow that is still two-way after two seconds is a stream, which lives longer and is ASSURED. */
export function trackUdp(entry: ConntrackEntry, now: number, settings: ConntrackSettings): Tracked {
  if (!entry.confirmed) entry.streamAt = now + STREAM_AFTER
  if ((entry.status & IPS.SEEN_REPLY) === 0) {
    refresh(entry, now, settings.udp)
    return TRACK.ACCEPT
  }
  const stream = now > entry.streamAt
  refresh(entry, now, stream ? settings.udpStream : settings.udp)
  if (stream && (entry.status & IPS.NAT_CLASH) === 0) entry.status |= IPS.ASSURED
  return TRACK.ACCEPT
}

// ECHO, TIMESTAMP, INFO_REQUEST, ADDRESS: icmp.c's valid_new[].
const STARTS_FLOW = new Set([8, 13, 15, 17])

/** nf_conntrack_icmp_packet(): only a query starts a flow; any number of answers may follow. */
export function trackIcmp(entry: ConntrackEntry, now: number, settings: ConntrackSettings): Tracked {
  if (!STARTS_FLOW.has(entry.original.dport >>> 8)) return TRACK.INVALID
  refresh(entry, now, settings.icmp)
  return TRACK.ACCEPT
}

/** generic_packet(): every protocol without a tracker here. SCTP, DCCP and GRE have one in Linux; here they are generic, without ports. */
export function trackGeneric(entry: ConntrackEntry, now: number, settings: ConntrackSettings): Tracked {
  refresh(entry, now, settings.generic)
  return TRACK.ACCEPT
}
