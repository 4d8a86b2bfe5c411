import { ICMP, IPPROTO } from '../../net/packet.ts'
import { parseQuoted, type Quoted, type QuotedChange, rewriteQuoted } from '../../net/quoted.ts'
import { setDestination, setPayload, setSource } from '../netfilter/rewrite.ts'
import type { SkBuff } from '../skb.ts'
import type { Connection } from './connection.ts'

// ICMP errors about connections of IPVS: ip_vs_out_icmp(), ip_vs_in_icmp(), ip_vs_nat_icmp().

const SOURCE_QUENCH = 4

/** The datagram that an error is about; undefined for ICMP that is none of IPVS's business. */
export function quotedOf(skb: SkBuff): Quoted | undefined {
  const { icmpType, payload } = skb.pkt
  if (icmpType !== ICMP.UNREACHABLE && icmpType !== SOURCE_QUENCH && icmpType !== ICMP.TIME_EXCEEDED) return undefined
  const quoted = parseQuoted(payload)
  if (!quoted.ok || quoted.value.header.fragmentOffset !== 0) return undefined
  const { protocol } = quoted.value
  return protocol === IPPROTO.TCP || protocol === IPPROTO.UDP ? quoted.value : undefined
}

/**
 * ip_vs_nat_icmp(): outside and inside of the error, towards the client or towards the real server. The quoted datagram keeps
 * its layer 4 checksum: IPVS corrects the ones of IP and ICMP only.
 */
export function natIcmp(skb: SkBuff, c: Connection, quoted: Quoted, towards: 'client' | 'server'): void {
  const { rec } = skb.ns.kernel
  const put = (what: string, from: number, to: number, change: QuotedChange) => {
    if (from === to) return
    setPayload(rec, skb, rewriteQuoted(skb.pkt.payload, { ...change, layer4Checksum: false }), { from, to, what })
  }
  if (towards === 'client') {
    setSource(rec, skb, c.vaddr)
    put('ip.dst', quoted.dst, c.vaddr, { dst: c.vaddr })
    put('l4.dport', quoted.dport, c.vport, { dport: c.vport })
  } else {
    setDestination(rec, skb, c.daddr)
    put('ip.src', quoted.src, c.daddr, { src: c.daddr })
    put('l4.sport', quoted.sport, c.dport, { sport: c.dport })
  }
}
