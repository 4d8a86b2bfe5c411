import { ICMP, IPPROTO } from '../../net/packet.ts'
import { parseQuoted, type QuotedChange, rewriteQuoted } from '../../net/quoted.ts'
import type { TraceRecorder } from '../../trace/recorder.ts'
import { type ConntrackEntry, IPS_NAT_DONE_MASK, IPS_NAT_MASK } from '../conntrack/entry.ts'
import { type FlowTuple, invertIcmpType } from '../conntrack/tuple.ts'
import type { Skb } from '../types.ts'
import { MANIP_DST, MANIP_SRC } from './nat-range.ts'
import { setDestination, setPayload, setSource } from './rewrite.ts'

interface ErrorTranslation {
  readonly manip: number
  /** Of the error: 0 when it travels as the flow's original packets do. */
  readonly direction: number
  /** The flow is translated on this side at this hook. */
  readonly translates: boolean
  /** Called once, before the first rewrite. */
  readonly announce: () => void
}

/**
 * nf_nat_icmp_reply_translation(): an ICMP error about a translated flow gets the quoted packet's own addresses and ports
 * back, and outside looks like a reply. False: drop.
 */
export function translateError(rec: TraceRecorder, skb: Skb, entry: ConntrackEntry, how: ErrorTranslation): boolean {
  // Redirects about translated flows would set both ends talking past the NAT.
  if (skb.pkt.icmpType === ICMP.REDIRECT) {
    if ((entry.status & IPS_NAT_DONE_MASK) !== IPS_NAT_DONE_MASK || (entry.status & IPS_NAT_MASK) !== 0) return false
  }
  if (!how.translates) return true
  const other = entry.tuple(1 - how.direction)
  if (!parseQuoted(skb.pkt.payload).ok) return false
  how.announce()
  mangleQuoted(rec, skb, other, how.manip === MANIP_SRC ? MANIP_DST : MANIP_SRC)
  // The other direction's inverse, on this hook's side.
  if (how.manip === MANIP_SRC) setSource(rec, skb, other.dst)
  else setDestination(rec, skb, other.src)
  return true
}

/** nf_nat_ipv4_manip_pkt() on the quoted packet: half of `tuple` into its header, a row for each field that changes. */
function mangleQuoted(rec: TraceRecorder, skb: Skb, tuple: FlowTuple, manip: number): void {
  const parsed = parseQuoted(skb.pkt.payload)
  if (!parsed.ok) return
  const q = parsed.value
  const put = (what: string, from: number, to: number, change: QuotedChange) => {
    if (from !== to) setPayload(rec, skb, rewriteQuoted(skb.pkt.payload, change), { from, to, what })
  }
  const source = manip === MANIP_SRC
  if (source) put('ip.src', q.src, tuple.src, { src: tuple.src })
  else put('ip.dst', q.dst, tuple.dst, { dst: tuple.dst })
  if (q.protocol === IPPROTO.TCP || q.protocol === IPPROTO.UDP) {
    if (source) put('l4.sport', q.sport, tuple.sport, { sport: tuple.sport })
    else put('l4.dport', q.dport, tuple.dport, { dport: tuple.dport })
  } else if (q.protocol === IPPROTO.ICMP && invertIcmpType(q.icmpType) >= 0) {
    put('icmp.id', q.icmpRest >>> 16, tuple.sport, { icmpId: tuple.sport })
  }
}
