import { IPPROTO } from '../../net/packet.ts'
import type { TraceRecorder } from '../../trace/recorder.ts'
import { type FlowTuple, invertIcmpType } from '../conntrack/tuple.ts'
import type { Skb } from '../types.ts'
import { MANIP_SRC } from './nat-range.ts'
import { setDestination, setDestinationPort, setIcmpId, setSource, setSourcePort } from './rewrite.ts'

/** nf_nat_manip_pkt(): gives the packet the source or destination half of `target`. Checksums follow from the fields. */
export function mangle(rec: TraceRecorder, skb: Skb, target: FlowTuple, manip: number): void {
  const p = skb.pkt
  if (manip === MANIP_SRC) setSource(rec, skb, target.src)
  else setDestination(rec, skb, target.dst)
  if (p.fragmentOffset !== 0) return
  if (p.protocol === IPPROTO.TCP || p.protocol === IPPROTO.UDP) {
    if (manip === MANIP_SRC) setSourcePort(rec, skb, target.sport)
    else setDestinationPort(rec, skb, target.dport)
  } else if (p.protocol === IPPROTO.ICMP && invertIcmpType(p.icmpType) >= 0) setIcmpId(rec, skb, target.sport)
}
