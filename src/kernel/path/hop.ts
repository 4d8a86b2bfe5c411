import { ETH_P, Packet, skbLength } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { DROP_REASONS, type DropReason, UNDETERMINED, type Undetermined } from '../../trace/step.ts'
import type { NetDevice } from '../device.ts'
import type { NetworkNamespace } from '../namespace.ts'
import { SkBuff } from '../skb.ts'
import type { Skb } from '../types.ts'

// The frame of every hop: how it opens and the ways it can close. `skb.cause` becomes the closing step, so that what
// happens at the next place is caused by the departure from this one.

export const IN = 0
export const OUT = 1

const REASON = new Map<DropReason, number>(DROP_REASONS.map((r, i) => [r, i]))

export function enterDevice(skb: SkBuff, dev: NetDevice, direction: number): void {
  skb.ns = dev.ns
  skb.netns = dev.ns.ref
  skb.device = dev.ref
  // br_dev_xmit() looks for a bridged DNAT before it counts; a tunnel counts what it has sent.
  const uncounted =
    direction === OUT && (skb.nfBridge?.bridgedDnat === true || dev.vxlan !== undefined || !hasCarrier(dev)) ? 1 : 0
  dev.ns.kernel.rec.step(STEP.enter, skb, 0, direction, skbLength(skb.pkt), uncounted)
}

/** Its own cable has a machine that is up at the other end. */
export const hasCarrier = (dev: NetDevice): boolean => dev.record.link.kind !== 'physical' || dev.peer?.up !== false

export function enterStack(skb: SkBuff, ns: NetworkNamespace, direction: number): void {
  skb.ns = ns
  skb.netns = ns.ref
  skb.device = -1
  ns.kernel.rec.step(STEP.enter, skb, 1, direction, skbLength(skb.pkt))
}

/** `to`: recorder ref of the device or namespace it goes to next. */
export function depart(skb: SkBuff, to: number): void {
  skb.cause = skb.ns.kernel.rec.step(STEP.depart, skb, to)
}

/** `to`: index into DELIVER_TO. */
export function deliver(skb: SkBuff, to: number, socket = -1): number {
  skb.cause = skb.ns.kernel.rec.step(STEP.deliver, skb, to, socket)
  return skb.cause
}
export const TO_ICMP = 1
export const TO_ARP = 2
export const TO_DISCARD = 3
export const TO_REASSEMBLY = 4
export const TO_TUNNEL = 5

/** kfree_skb_reason(). `decidedBy`: ref of the rule, route, neighbour, device or sysctl that decided, -1 for none. */
export function drop(skb: Skb, reason: DropReason, decidedBy = -1): void {
  const s = skb as SkBuff
  // The connection of a packet that never got through was never confirmed, and goes with it.
  if (skb.ct !== undefined) s.ns.netfilter.release(skb)
  skb.cause = s.ns.kernel.rec.step(STEP.drop, skb, REASON.get(reason) ?? 0, decidedBy)
}

/** `what` in the kernel's own terms: the device type, the rule as it is written. */
export function undetermined(skb: Skb, kind: Undetermined, what: string, decidedBy = -1): void {
  const rec = (skb as SkBuff).ns.kernel.rec
  skb.cause = rec.step(STEP.undetermined, skb, rec.text(what), decidedBy, UNDETERMINED.indexOf(kind))
}

/** Registers a packet that this namespace made and writes its `born` row. */
export function born(skb: SkBuff, how: number, parent: number, process: number): void {
  const rec = skb.ns.kernel.rec
  skb.packet = rec.packet(skb.pkt)
  skb.cause = rec.step(STEP.born, skb, how, parent, process)
}

/** A copy of its own (or the given header) with the original's metadata, as flooding makes one for every port. */
export function cloneSkb(skb: SkBuff, how: number, pkt = new Packet().copyFrom(skb.pkt)): SkBuff {
  const twin = new SkBuff(pkt, skb.ns)
  twin.cause = skb.cause
  twin.device = skb.device
  twin.inDev = skb.inDev
  twin.mark = skb.mark
  twin.packetType = skb.packetType
  twin.ct = skb.ct
  twin.ctInfo = skb.ctInfo
  twin.physIn = skb.physIn
  twin.traced = skb.traced
  twin.hash = skb.hash
  twin.ipvsProperty = skb.ipvsProperty
  twin.nfBridge = skb.nfBridge
  twin.confirm = skb.confirm
  born(twin, how, skb.packet, -1)
  return twin
}

export const isIp = (p: Packet): boolean => p.etherType === ETH_P.IP

/** Stores a header field and writes the row that says so. Values of at most 32 bits; MACs go through `rewriteMac`. */
export function noteRewrite(skb: Skb, field: number, from: number, to: number): void {
  ;(skb as SkBuff).ns.kernel.rec.step(STEP.rewrite, skb, field, from | 0, to | 0, 0)
}

/** 48-bit values travel as two low words and one packed word of the high halves. */
export function noteRewriteMac(skb: Skb, field: number, from: number, to: number): void {
  const fromHi = (from / 0x1_0000_0000) | 0
  const toHi = (to / 0x1_0000_0000) | 0
  ;(skb as SkBuff).ns.kernel.rec.step(STEP.rewrite, skb, field, from | 0, to | 0, (fromHi << 16) | toHi)
}
