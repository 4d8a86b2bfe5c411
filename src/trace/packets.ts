import { ipv4, macHi, macLo, macOf } from '../net/address.ts'
import { Packet } from '../net/packet.ts'

/** Integers per packet in PacketTable.rows. */
export const PACKET_WIDTH = 31

/** Writes the header fields of `p` at `rows[at…]`. */
export function writePacketRow(rows: Int32Array, at: number, p: Packet): void {
  rows[at] = macHi(p.ethSrc)
  rows[at + 1] = macLo(p.ethSrc)
  rows[at + 2] = macHi(p.ethDst)
  rows[at + 3] = macLo(p.ethDst)
  rows[at + 4] = p.etherType
  rows[at + 5] = p.tos
  rows[at + 6] = p.ident
  rows[at + 7] = p.ipFlags
  rows[at + 8] = p.fragmentOffset
  rows[at + 9] = p.ttl
  rows[at + 10] = p.protocol
  rows[at + 11] = p.src
  rows[at + 12] = p.dst
  rows[at + 13] = p.sport
  rows[at + 14] = p.dport
  rows[at + 15] = p.seq
  rows[at + 16] = p.ack
  rows[at + 17] = p.tcpFlags
  rows[at + 18] = p.window
  rows[at + 19] = p.icmpType
  rows[at + 20] = p.icmpCode
  rows[at + 21] = p.icmpRest
  rows[at + 22] = p.arpOp
  rows[at + 23] = macHi(p.arpSha)
  rows[at + 24] = macLo(p.arpSha)
  rows[at + 25] = p.arpSpa
  rows[at + 26] = macHi(p.arpTha)
  rows[at + 27] = macLo(p.arpTha)
  rows[at + 28] = p.arpTpa
  rows[at + 29] = p.l4Checksum
  rows[at + 30] = p.udpLength
}

/** The inverse of `writePacketRow`, without options and payload. */
export function readPacketRow(rows: Int32Array, at: number): Packet {
  const n = (i: number) => rows[at + i] as number
  const p = new Packet()
  p.ethSrc = macOf(n(0), n(1))
  p.ethDst = macOf(n(2), n(3))
  p.etherType = n(4)
  p.tos = n(5)
  p.ident = n(6)
  p.ipFlags = n(7)
  p.fragmentOffset = n(8)
  p.ttl = n(9)
  p.protocol = n(10)
  p.src = ipv4(n(11))
  p.dst = ipv4(n(12))
  p.sport = n(13)
  p.dport = n(14)
  p.seq = n(15) >>> 0
  p.ack = n(16) >>> 0
  p.tcpFlags = n(17)
  p.window = n(18)
  p.icmpType = n(19)
  p.icmpCode = n(20)
  p.icmpRest = n(21) >>> 0
  p.arpOp = n(22)
  p.arpSha = macOf(n(23), n(24))
  p.arpSpa = ipv4(n(25))
  p.arpTha = macOf(n(26), n(27))
  p.arpTpa = ipv4(n(28))
  p.l4Checksum = n(29)
  p.udpLength = n(30)
  return p
}
