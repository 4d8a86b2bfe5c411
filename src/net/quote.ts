import { emitDatagram } from './emit.ts'
import { ICMP_HEADER } from './icmp.ts'
import { IPV4 } from './ipv4.ts'
import type { Packet } from './packet.ts'

/** An ICMP error is at most 576 bytes with its own IP header, RFC 1812 section 4.3.2.3 and icmp_send(). */
const MAX_ERROR_LENGTH = 576

/** The payload of an ICMP error about `p`: its datagram as it stands, cut so that the error's IP packet stays within 576 bytes. */
export function quoteDatagram(p: Packet): Uint8Array {
  const bytes = emitDatagram(p)
  const room = MAX_ERROR_LENGTH - IPV4.LENGTH - ICMP_HEADER.LENGTH
  return bytes.length > room ? bytes.slice(0, room) : bytes
}
