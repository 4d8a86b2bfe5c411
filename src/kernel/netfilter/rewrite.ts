import { FIELD } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { payloadEdit } from '../../trace/payload.ts'
import type { TraceRecorder } from '../../trace/recorder.ts'
import type { Skb } from '../types.ts'

// The only places where netfilter changes a packet: the field is stored and the row that says so is written, or neither.

export function setSource(rec: TraceRecorder, skb: Skb, address: number): void {
  const from = skb.pkt.src
  if (from === address) return
  rec.step(STEP.rewrite, skb, FIELD.SRC, from, address)
  skb.pkt.src = address
}

export function setDestination(rec: TraceRecorder, skb: Skb, address: number): void {
  const from = skb.pkt.dst
  if (from === address) return
  rec.step(STEP.rewrite, skb, FIELD.DST, from, address)
  skb.pkt.dst = address
}

export function setSourcePort(rec: TraceRecorder, skb: Skb, port: number): void {
  const from = skb.pkt.sport
  if (from === port) return
  rec.step(STEP.rewrite, skb, FIELD.SPORT, from, port)
  skb.pkt.sport = port
}

export function setDestinationPort(rec: TraceRecorder, skb: Skb, port: number): void {
  const from = skb.pkt.dport
  if (from === port) return
  rec.step(STEP.rewrite, skb, FIELD.DPORT, from, port)
  skb.pkt.dport = port
}

/** The id of an ICMP query, the high half of icmpRest. */
export function setIcmpId(rec: TraceRecorder, skb: Skb, id: number): void {
  const from = skb.pkt.icmpRest
  const to = (((id << 16) >>> 0) | (from & 0xffff)) >>> 0
  if (from === to) return
  rec.step(STEP.rewrite, skb, FIELD.ICMP_REST, from, to)
  skb.pkt.icmpRest = to
}

/** `mark` as an unsigned 32-bit integer. */
export function setMark(rec: TraceRecorder, skb: Skb, mark: number): void {
  const from = skb.mark
  if (from === mark) return
  rec.step(STEP.rewrite, skb, FIELD.MARK, from, mark)
  skb.mark = mark
}

/**
 * A change inside the bytes: `bytes` replaces the payload, which copies share. `from` and `to` are the value that changed;
 * the row's detail says which bytes, and `what` field of the quoted packet they are.
 */
export function setPayload(
  rec: TraceRecorder,
  skb: Skb,
  bytes: Uint8Array,
  change: { readonly from: number; readonly to: number; readonly what: string },
): void {
  const detail = `${payloadEdit(skb.pkt.payload, bytes)} quoted ${change.what}`
  rec.step(STEP.rewrite, skb, FIELD.PAYLOAD, change.from, change.to, rec.text(detail))
  skb.pkt.payload = bytes
}
