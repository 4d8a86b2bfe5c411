import { get16 } from '../../base/bytes.ts'
import { addBytes, fold, pseudoHeaderSum } from '../../net/checksum.ts'
import { emitDatagram } from '../../net/emit.ts'
import { IPV4 } from '../../net/ipv4.ts'
import { IP_MF, IPPROTO, type Packet } from '../../net/packet.ts'
import { UDP } from '../../net/udp.ts'

/**
 * nf_send_unreach() and nf_reject_ip_tcphdr_get(): REJECT answers only what is whole. A later fragment gets no answer; a first
 * one that nobody has put together still carries the checksum of the whole datagram, which nf_ip_checksum() finds wrong.
 */
export const rejectAnswers = (pkt: Packet): boolean =>
  pkt.fragmentOffset === 0 && ((pkt.ipFlags & IP_MF) === 0 || checksumHolds(pkt))

/** nf_reject_verify_csum(), nf_ip_checksum(): over what this packet carries, as if it were all. */
function checksumHolds(pkt: Packet): boolean {
  const { protocol } = pkt
  const bytes = emitDatagram(pkt)
  if (protocol === IPPROTO.UDP && get16(bytes, IPV4.LENGTH + UDP.CHECKSUM) === 0) return true
  const ports = protocol === IPPROTO.TCP || protocol === IPPROTO.UDP
  const pseudo = ports ? pseudoHeaderSum(pkt.src, pkt.dst, protocol, bytes.length - IPV4.LENGTH) : 0
  return fold(addBytes(pseudo, bytes, IPV4.LENGTH)) === 0xffff
}
