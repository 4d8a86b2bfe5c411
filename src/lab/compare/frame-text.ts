import { equalBytes, fromUtf8, get16, toHex } from '../../base/bytes.ts'
import { hash32 } from '../../base/prng.ts'
import { formatIpv4, formatMac } from '../../net/address.ts'
import { dnsBrief } from '../../net/dns-brief.ts'
import { emitPacket } from '../../net/emit.ts'
import { ETHERNET } from '../../net/ethernet.ts'
import { isIcmpError } from '../../net/icmp.ts'
import { ETH_P, ICMP, IP_DF, IP_MF, IPPROTO, type Packet, TCP } from '../../net/packet.ts'
import { parsePacket } from '../../net/parse.ts'
import { decodeTcpOptions } from '../../net/tcp-options.ts'
import { parseVxlan, VXLAN } from '../../net/vxlan.ts'
import { rests, standIn } from './normalisations.ts'
import type { DeviceFrames } from './seen.ts'
import { FLOW_PORT } from './tunnel.ts'

const DNS_PORT = 53
/** net.ipv4.ip_local_port_range */
const [LOW_PORT, HIGH_PORT] = [32768, 60999]
/** Nobody in a lab sends this much: a number this far from an initial sequence number is another connection's. */
const REACH = 1 << 20

/**
 * Turns the frames of one run into lines, leaving out what no two runs have alike: IP ids, windows, timestamp values, the base
 * of TCP's numbers (they count from the SYN's), ping's wall clock. Every other header byte and the payload stay, and a
 * checksum that is wrong is said.
 */
export class FrameWriter {
  readonly #bases: readonly number[]

  /** `frames`: every frame of the run, from which the initial sequence numbers are read. */
  constructor(frames: DeviceFrames) {
    const bases = new Set<number>()
    for (const list of frames.values()) {
      for (const { bytes } of list) {
        const p = parsePacket(bytes, 'ethernet')
        if (!p.ok || p.value.protocol !== IPPROTO.TCP) continue
        if ((p.value.tcpFlags & TCP.SYN) !== 0) bases.add(p.value.seq)
      }
    }
    this.#bases = [...bases]
  }

  /**
   * `checksums` false where the kernel leaves them to a device that has none (lo): of the frame, and of the packet that an
   * error quotes.
   */
  line(bytes: Uint8Array, checksums: boolean): string {
    const parsed = parsePacket(bytes, 'ethernet')
    if (!parsed.ok) return `unreadable ${toHex(bytes)}`
    const p = parsed.value
    const wrong = checksums && !isWhole(bytes, p) ? ' BAD CHECKSUM OR LENGTH' : ''
    const ethernet = `${formatMac(p.ethSrc)} > ${formatMac(p.ethDst)}`
    if (p.etherType === ETH_P.ARP) return `${ethernet} ${arpText(p)}${wrong}`
    if (p.etherType !== ETH_P.IP) return `${ethernet} type 0x${p.etherType.toString(16)} ${toHex(p.payload)}`
    return `${ethernet} ${this.#datagram(p, checksums)}${wrong}`
  }

  #datagram(p: Packet, checksums: boolean): string {
    const flags = `${p.ipFlags & IP_DF ? ' DF' : ''}${p.ipFlags & IP_MF ? ' MF' : ''}`
    const fragment = p.fragmentOffset === 0 ? '' : ` offset ${p.fragmentOffset}`
    const tos = p.tos === 0 ? '' : ` tos 0x${p.tos.toString(16)}`
    return `${formatIpv4(p.src)} > ${formatIpv4(p.dst)} ttl ${p.ttl}${standIn('ip-id')}${tos}${flags}${fragment} ${this.#layer4(p, checksums)}`
  }

  #layer4(p: Packet, checksums: boolean): string {
    if (p.fragmentOffset !== 0) return payloadText(p.payload)
    switch (p.protocol) {
      case IPPROTO.TCP:
        return `tcp ${p.sport} > ${p.dport} ${flagText(p.tcpFlags)}${standIn('tcp-window')} seq ${this.#sequence(p)} ack ${this.#ack(p)}${optionText(p.options)} ${payloadText(isDns(p) ? rests('dns-id', withoutDnsIds(p.payload)) : p.payload)}`
      case IPPROTO.UDP:
        return this.#udp(p, checksums)
      case IPPROTO.ICMP:
        return this.#icmp(p, checksums)
      default:
        return `protocol ${p.protocol} ${toHex(p.payload)}`
    }
  }

  #udp(p: Packet, checksums: boolean): string {
    const inner = frameInside(p)
    if (inner === undefined)
      return `udp ${p.sport} > ${p.dport} ${payloadText(dnsBrief(p) === undefined ? p.payload : rests('dns-id', withoutDnsId(p.payload)))}`
    const ports = isFlowPort(p.dport) ? `${p.sport} > ${FLOW_PORT}` : `${FLOW_PORT} > ${p.dport}`
    return `udp ${ports} vxlan ${inner.vni} { ${this.line(inner.frame, checksums && inner.whole)} }`
  }

  #icmp(p: Packet, checksums: boolean): string {
    const head = `icmp type ${p.icmpType} code ${p.icmpCode}`
    if (p.icmpType === ICMP.ECHO || p.icmpType === ICMP.ECHO_REPLY) {
      // iputils puts a struct timeval in front when there is room.
      const rest =
        p.payload.length >= 16 ? `${standIn('ping-clock')} ${payloadText(p.payload.subarray(16))}` : payloadText(p.payload)
      return `${head} id ${p.icmpRest >>> 16} seq ${p.icmpRest & 0xffff} ${rest}`
    }
    const word = ` rest 0x${p.icmpRest.toString(16)}`
    if (!isIcmpError(p.icmpType)) return `${head}${word} ${payloadText(p.payload)}`
    const quoted = parsePacket(p.payload, 'ip')
    if (!quoted.ok) return `${head}${word} quotes ${p.payload.length} bytes`
    const wrong = !checksums || isWhole(p.payload, quoted.value) ? '' : ' BAD CHECKSUM'
    return `${head}${word} quotes { ${this.#datagram(quoted.value, checksums)}${wrong} }`
  }

  /** Counted from the SYN that began it. */
  #number(n: number): string {
    // A reset that answers a segment without ACK.
    if (n === 0) return '=0'
    for (const base of this.#bases) {
      const distance = (n - base) >>> 0
      if (distance < REACH) return String(distance)
    }
    return standIn('tcp-sequence')
  }

  /** A SYN is where the counting begins, or of a connection whose SYN no device has seen: only an error quotes it. */
  #sequence(p: Packet): string {
    if ((p.tcpFlags & TCP.SYN) === 0) return this.#number(p.seq)
    return this.#bases.includes(p.seq) ? '0' : standIn('tcp-sequence')
  }

  #ack(p: Packet): string {
    return (p.tcpFlags & TCP.ACK) === 0 ? (p.ack === 0 ? '-' : '!') : this.#number(p.ack)
  }
}

/** Whether udp_flow_src_port() may have made it: what answers a datagram that NAT took from its tunnel, an echo, has it as destination. */
const isFlowPort = (port: number): boolean => port >= LOW_PORT && port < HIGH_PORT

/**
 * The frame in a VXLAN datagram. The first fragment of one, and what an ICMP error quotes of one, has only its beginning; zeros
 * stand for the rest, so that its headers can be read all the same.
 */
function frameInside(p: Packet): { readonly vni: number; readonly frame: Uint8Array; readonly whole: boolean } | undefined {
  // By what it begins with, whatever its port: DNAT may have given it another one.
  const header = p.protocol === IPPROTO.UDP && p.fragmentOffset === 0 ? parseVxlan(p.payload) : undefined
  if (header === undefined || !header.ok) return undefined
  const { vni } = header.value
  const frame = p.payload.subarray(VXLAN.LENGTH)
  const ip = get16(frame, ETHERNET.TYPE) === ETH_P.IP
  const length = ip ? ETHERNET.LENGTH + get16(frame, ETHERNET.LENGTH + 2) : frame.length
  if (frame.length >= length) return { vni, frame, whole: (p.ipFlags & IP_MF) === 0 }
  const padded = new Uint8Array(length)
  padded.set(frame)
  return { vni, frame: padded, whole: false }
}

/** Nothing lost, and every checksum right: the bytes can be made again from the fields. Ethernet padding does not count. */
function isWhole(bytes: Uint8Array, p: Packet): boolean {
  const again = emitPacket(p)
  return equalBytes(again, bytes.subarray(0, again.length))
}

function arpText(p: Packet): string {
  const op = p.arpOp === 1 ? 'request' : p.arpOp === 2 ? 'reply' : `op ${p.arpOp}`
  return `arp ${op} ${formatIpv4(p.arpSpa)} ${formatMac(p.arpSha)} > ${formatIpv4(p.arpTpa)} ${formatMac(p.arpTha)}`
}

const FLAG_NAMES = ['F', 'S', 'R', 'P', '.', 'U', 'E', 'C']
const flagText = (flags: number): string => FLAG_NAMES.filter((_, i) => flags & (1 << i)).join('')

function optionText(options: Uint8Array): string {
  if (options.length === 0) return ''
  const words = decodeTcpOptions(options).map(({ option: o }) => {
    switch (o.kind) {
      case 'mss':
        return `mss ${o.value}`
      case 'window-scale':
        return `wscale ${o.shift}`
      case 'timestamps':
        return `${standIn('tcp-timestamps')}${o.echo === 0 ? ' first' : ''}`
      case 'sack':
        return `sack ${o.blocks.length}`
      default:
        return o.kind
    }
  })
  return ` [${words.join(', ')}]`
}

/** A DNS message without what its sender draws at random: the id, and the cookie of an OPT record that stands last (RFC 7873). */
function withoutDnsId(payload: Uint8Array): Uint8Array {
  const bytes = payload.slice()
  bytes.fill(0, 0, 2)
  const at = bytes.length - 8
  const isCookie = bytes[at - 4] === 0 && bytes[at - 3] === 10 && bytes[at - 2] === 0 && bytes[at - 1] === 8
  if (isCookie) bytes.fill(0, at)
  return bytes
}

const isDns = (p: Packet): boolean => p.sport === DNS_PORT || p.dport === DNS_PORT

/** The same of a segment that begins with a message, each behind its length (RFC 1035 section 4.2.2). */
function withoutDnsIds(payload: Uint8Array): Uint8Array {
  const bytes = payload.slice()
  for (let at = 0; at + 2 <= bytes.length; ) {
    const end = Math.min(bytes.length, at + 2 + get16(bytes, at))
    // What goes on in the next segment has its id here.
    if (end - at < 14) break
    bytes.set(withoutDnsId(bytes.subarray(at + 2, end)), at + 2)
    at = end
  }
  return bytes
}

/** Text as text, anything else as its length and a hash of it. */
function payloadText(bytes: Uint8Array): string {
  if (bytes.length === 0) return '0 bytes'
  const text = fromUtf8(bytes)
  const printable = /^[\t\r\n\x20-\x7e]*$/.test(text)
  if (printable && text.length <= 400) return JSON.stringify(text)
  return `${bytes.length} bytes #${hash32(toHex(bytes)).toString(16)}`
}

/**
 * What a line of FrameWriter belongs to: frames of one flow and direction keep their order on a device, others may overtake
 * each other.
 */
export function flowOf(line: string): string {
  const inside = line.indexOf(' { ')
  // Frames of different flows in one tunnel may overtake each other as well.
  if (inside >= 0 && line.includes(' vxlan ')) return `${flowOf(line.slice(0, inside))} { ${flowOf(line.slice(inside + 3))}`
  const m = /^(\S+ > \S+) (?:(arp \w+ \S+) \S+ > (\S+)|(\S+ > \S+) ttl .*? (?:(tcp|udp) (\w+ > \w+)|(icmp type \d+)))/.exec(line)
  return m === null
    ? 'other'
    : m
        .slice(1)
        .filter((part) => part !== undefined)
        .join(' ')
}
