import { emitPacket } from '../../net/emit.ts'
import { EMPTY, ICMP, IP_DF, IP_MF, IPPROTO, ipLength, Packet } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { HOOK, PACKET_ORIGINS } from '../../trace/step.ts'
import type { NetDevice } from '../device.ts'
import { neighOutput } from '../neighbour/output.ts'
import type { SkBuff } from '../skb.ts'
import { NF_ACCEPT } from '../types.ts'
import { cloneSkb, deliver, drop, enterStack, OUT, TO_DISCARD } from './hop.ts'
import { icmpSend } from './icmp.ts'

const FRAGMENT = 0
const FRAG_NEEDED = 1
const BORN_FRAGMENT = PACKET_ORIGINS.indexOf('fragment')

/** ip_output(), NF_INET_POST_ROUTING, ip_finish_output(). Answers what the netfilter verdict was worth to a local sender. */
export function ipOutput(skb: SkBuff): boolean {
  const { ns } = skb
  const out = skb.outDev as NetDevice
  const { netfilter } = ns
  if (!netfilter.empty && netfilter.hook(HOOK.POSTROUTING, skb, undefined, out, false) !== NF_ACCEPT) return false
  const length = ipLength(skb.pkt)
  // What came in fragments goes out in fragments no longer than they were.
  const mtu = skb.pathMtu === 0 ? out.mtu : Math.min(skb.pathMtu, out.mtu)
  if (length > mtu || skb.fragMaxSize > 0) ipFragment(skb, out, { length, mtu })
  else neighOutput(skb, out)
  return true
}

/** ip_fragment(), ip_do_fragment(). */
function ipFragment(skb: SkBuff, out: NetDevice, { length, mtu }: { readonly length: number; readonly mtu: number }): void {
  const { ns, pkt } = skb
  // Conntrack's defragmentation sets skb->ignore_df.
  const ignoreDf = skb.fragMaxSize > 0 || skb.fragments.length > 0
  if ((pkt.ipFlags & IP_DF) !== 0 && (!ignoreDf || skb.fragMaxSize > mtu)) {
    ns.kernel.rec.step(STEP.mtu, skb, mtu, length, FRAG_NEEDED)
    icmpSend(ns, skb, ICMP.UNREACHABLE, 4, mtu)
    drop(skb, 'SKB_DROP_REASON_PKT_TOO_BIG', out.ref)
    return
  }
  for (const piece of ipDoFragment(skb, mtu)) {
    enterStack(piece, ns, OUT)
    neighOutput(piece, out)
  }
}

/** ip_do_fragment(): ends the packet and answers its pieces, none longer than `mtu` and the fragments that it came in. */
export function ipDoFragment(skb: SkBuff, mtu: number): SkBuff[] {
  const most = skb.fragMaxSize > 0 ? Math.min(mtu, skb.fragMaxSize) : mtu
  skb.ns.kernel.rec.step(STEP.mtu, skb, most, ipLength(skb.pkt), FRAGMENT)
  const pieces = split(skb, most)
  deliver(skb, TO_DISCARD)
  return pieces
}

/**
 * Data octets of each fragment. What was put together from fragments that fit goes out in the same ones (frag_list); all
 * others are as long as they can be, but for the last a multiple of eight octets (RFC 791 section 3.2).
 */
function fragmentSizes(skb: SkBuff, total: number, mtu: number): readonly number[] {
  const { fragments, pkt } = skb
  const whole = pkt.fragmentOffset === 0 && (pkt.ipFlags & IP_MF) === 0
  const fits = (size: number, i: number) => size <= mtu - 20 && (size % 8 === 0 || i === fragments.length - 1)
  if (whole && fragments.length > 1 && fragments.every(fits)) return fragments
  const room = (mtu - 20) & ~7
  // What fits to the last octet needs no rounding.
  const sizes: number[] = []
  for (let left = total; left > 0; left -= sizes.at(-1) ?? left) sizes.push(left <= mtu - 20 ? left : room)
  return sizes
}

function split(skb: SkBuff, mtu: number): SkBuff[] {
  const { pkt } = skb
  const bare = new Packet().copyFrom(pkt)
  bare.etherType = 0
  const bytes = emitPacket(bare).subarray(20)
  const start = pkt.fragmentOffset
  const more = pkt.ipFlags & IP_MF
  const pieces: SkBuff[] = []
  let at = 0
  for (const size of fragmentSizes(skb, bytes.length, mtu)) {
    const end = at + size
    const piece = cloneFragment(skb, (p) => {
      p.ipFlags = end < bytes.length ? pkt.ipFlags | IP_MF : (pkt.ipFlags & ~IP_MF) | more
      if (at === 0 && start === 0) keepHeader(p, bytes, end)
      else {
        p.fragmentOffset = start + at
        p.payload = bytes.subarray(at, end)
        p.options = EMPTY
      }
    })
    pieces.push(piece)
    at = end
  }
  return pieces
}

/** The first fragment still shows its layer 4 header, with the checksum and length of the whole datagram. */
function keepHeader(p: Packet, bytes: Uint8Array, end: number): void {
  const word = (at: number) => ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  switch (p.protocol) {
    case IPPROTO.UDP:
      p.l4Checksum = word(6)
      p.udpLength = word(4)
      p.payload = bytes.subarray(8, end)
      return
    case IPPROTO.ICMP:
      p.l4Checksum = word(2)
      p.payload = bytes.subarray(8, end)
      return
    case IPPROTO.TCP:
      p.l4Checksum = word(16)
      p.payload = bytes.subarray(20 + p.options.length, end)
      return
    default:
      p.payload = bytes.subarray(0, end)
  }
}

function cloneFragment(skb: SkBuff, edit: (p: Packet) => void): SkBuff {
  // The clone is registered as it is born, so its header must be ready before that.
  const p = new Packet().copyFrom(skb.pkt)
  edit(p)
  const twin = cloneSkb(skb, BORN_FRAGMENT, p)
  twin.outDev = skb.outDev
  twin.gateway = skb.gateway
  twin.dst = skb.dst
  twin.socket = skb.socket
  return twin
}
