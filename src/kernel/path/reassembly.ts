import { emitPacket } from '../../net/emit.ts'
import { IP_MF, IPPROTO, ipLength, Packet } from '../../net/packet.ts'
import { parsePacket } from '../../net/parse.ts'
import { STEP } from '../../trace/columns.ts'
import { PACKET_ORIGINS } from '../../trace/step.ts'
import type { NetworkNamespace } from '../namespace.ts'
import type { SkBuff } from '../skb.ts'
import { cloneSkb, deliver, drop, enterDevice, enterStack, IN, TO_REASSEMBLY } from './hop.ts'

const REASSEMBLED = PACKET_ORIGINS.indexOf('reassembled')
const S = 1_000_000_000

interface Piece {
  readonly start: number
  readonly end: number
  readonly skb: SkBuff
}

interface Queue {
  pieces: Piece[]
  /** Length of the datagram's data, known once the last fragment is here. */
  total: number
  readonly expires: number
}

/** net/ipv4/ip_fragment.c: pieces wait by (src, dst, id, protocol) until the datagram is whole or ipfrag_time has passed. */
export class FragmentQueue {
  readonly #ns: NetworkNamespace
  readonly #queues = new Map<string, Queue>()

  constructor(ns: NetworkNamespace) {
    this.#ns = ns
  }

  /** ip_defrag(): takes the fragment; answers the whole datagram when this was the missing piece. */
  add(skb: SkBuff): SkBuff | undefined {
    const { pkt } = skb
    const { rec, now } = this.#ns.kernel
    const key = `${pkt.src}>${pkt.dst}#${pkt.ident}/${pkt.protocol}`
    let queue = this.#queues.get(key)
    if (queue === undefined || queue.expires <= now) {
      queue = { pieces: [], total: -1, expires: now + this.#ns.sysctl('net.ipv4.ipfrag_time') * S }
      this.#queues.set(key, queue)
    }
    const data = fragmentData(pkt)
    const piece: Piece = { start: pkt.fragmentOffset, end: pkt.fragmentOffset + data.length, skb }
    // RFC 5722 in spirit, as Linux does for IPv4 since 4.18: an overlap ends the datagram, a pure duplicate is ignored.
    for (const other of queue.pieces) {
      if (piece.start < other.end && other.start < piece.end) {
        if (!(piece.start === other.start && piece.end === other.end)) this.#queues.delete(key)
        drop(skb, 'SKB_DROP_REASON_DUP_FRAG')
        return undefined
      }
    }
    queue.pieces.push(piece)
    if ((pkt.ipFlags & IP_MF) === 0) queue.total = piece.end
    const have = queue.pieces.reduce((n, p) => n + p.end - p.start, 0)
    const complete = have === queue.total
    rec.step(STEP.reassemble, skb, complete ? 1 : 0, queue.pieces.length)
    deliver(skb, TO_REASSEMBLY)
    if (!complete) return undefined
    this.#queues.delete(key)
    return this.#join(queue, skb)
  }

  #join(queue: Queue, lastArrived: SkBuff): SkBuff | undefined {
    const pieces = queue.pieces.sort((a, b) => a.start - b.start)
    const first = (pieces[0] as Piece).skb
    const bare = new Packet().copyFrom(first.pkt)
    bare.etherType = 0
    const header = emitPacket(bare).subarray(0, 20)
    const bytes = new Uint8Array(20 + queue.total)
    bytes.set(header)
    for (const p of pieces) bytes.set(fragmentData(p.skb.pkt), 20 + p.start)
    // Flags and offset of the whole: clear but for DF.
    bytes[6] = (bytes[6] as number) & 0x40
    bytes[7] = 0
    bytes[2] = bytes.length >> 8
    bytes[3] = bytes.length & 255
    const parsed = parsePacket(bytes, 'ip')
    if (!parsed.ok) {
      drop(first, 'SKB_DROP_REASON_IP_INHDR')
      return undefined
    }
    const whole = parsed.value
    whole.etherType = first.pkt.etherType
    whole.ethSrc = first.pkt.ethSrc
    whole.ethDst = first.pkt.ethDst
    first.cause = lastArrived.cause
    first.device = lastArrived.device
    first.ns = lastArrived.ns
    const skb = cloneSkb(first, REASSEMBLED, whole)
    skb.inDev = lastArrived.inDev
    skb.fragMaxSize = Math.max(...pieces.map((p) => ipLength(p.skb.pkt)))
    skb.fragments = pieces.map((p) => p.end - p.start)
    const bridge = skb.nfBridge?.physIn.bridge
    if (bridge === undefined) enterStack(skb, this.#ns, IN)
    else enterDevice(skb, bridge, IN)
    return skb
  }
}

/** The IP payload octets that a fragment carries, layer 4 header included in the first. */
function fragmentData(p: Packet): Uint8Array {
  if (p.fragmentOffset !== 0) return p.payload
  const known = p.protocol === IPPROTO.TCP || p.protocol === IPPROTO.UDP || p.protocol === IPPROTO.ICMP
  if (!known) return p.payload
  const bare = new Packet().copyFrom(p)
  bare.etherType = 0
  return emitPacket(bare).subarray(20)
}
