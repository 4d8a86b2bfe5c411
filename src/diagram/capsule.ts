import { chipLabel } from '../net/chip.ts'
import { ETH_P, IPPROTO, type Packet } from '../net/packet.ts'
import { parsePacket } from '../net/parse.ts'
import { tunnelled, VXLAN } from '../net/vxlan.ts'

/** A header as a coloured piece of the capsule; the names are those of the colour roles. */
type SegmentRole = 'eth' | 'arp' | 'ip' | 'tcp' | 'icmp' | 'pay'

export interface Segment {
  readonly role: SegmentRole
  readonly label: string
}

/** What a capsule shows: one piece per header from the outside in; an encapsulated packet is a capsule in the capsule. */
export interface Capsule {
  readonly segments: readonly Segment[]
  readonly label: string
  /** Role of what it is for: the colour that tells packets apart at a glance. */
  readonly role: SegmentRole
  readonly inner: Capsule | undefined
}

export function capsuleOf(p: Packet): Capsule {
  const segments: Segment[] = []
  if (p.etherType !== 0 && (p.ethSrc !== 0 || p.ethDst !== 0)) segments.push({ role: 'eth', label: 'Ethernet' })
  if (p.etherType === ETH_P.ARP) {
    segments.push({ role: 'arp', label: 'ARP' })
    return { segments, label: chipLabel(p), role: 'arp', inner: undefined }
  }
  if (p.etherType !== ETH_P.IP && p.etherType !== 0) {
    segments.push({ role: 'pay', label: chipLabel(p) })
    return { segments, label: chipLabel(p), role: 'eth', inner: undefined }
  }
  segments.push({ role: 'ip', label: 'IPv4' })
  const inner = innerOf(p)
  let role: SegmentRole = 'ip'
  if (p.fragmentOffset > 0) segments.push({ role: 'pay', label: 'fragment' })
  else if (p.protocol === IPPROTO.TCP || p.protocol === IPPROTO.UDP) {
    segments.push({ role: 'tcp', label: p.protocol === IPPROTO.TCP ? 'TCP' : 'UDP' })
    role = p.payload.length > 0 ? 'pay' : 'tcp'
    if (p.payload.length > 0 && inner === undefined) segments.push({ role: 'pay', label: `${p.payload.length} B` })
  } else if (p.protocol === IPPROTO.ICMP) {
    segments.push({ role: 'icmp', label: 'ICMP' })
    role = 'icmp'
  } else if (inner === undefined && p.payload.length > 0) segments.push({ role: 'pay', label: `${p.payload.length} B` })
  return { segments, label: inner?.label ?? chipLabel(p), role: inner?.role ?? role, inner }
}

function innerOf(p: Packet): Capsule | undefined {
  if (p.fragmentOffset > 0) return undefined
  if (p.protocol === IPPROTO.IPIP) {
    const inner = parsePacket(p.payload, 'ip')
    return inner.ok ? capsuleOf(inner.value) : undefined
  }
  if (tunnelled(p) !== undefined) {
    const inner = parsePacket(p.payload.subarray(VXLAN.LENGTH), 'ethernet')
    return inner.ok ? capsuleOf(inner.value) : undefined
  }
  return undefined
}

/** Widths in pixels; the text's comes from outside. */
export const CAPSULE = { h: 17, pad: 3, gap: 1, segment: 7.5, labelPad: 4 } as const

interface CapsuleShape {
  readonly w: number
  readonly pieces: readonly { readonly role: SegmentRole; readonly x: number; readonly w: number; readonly inset: number }[]
  readonly label: { readonly x: number; readonly w: number }
}

/** Geometry of a capsule around its left middle: x from 0. `labelWidth` is the label's width as set. */
export function capsuleShape(capsule: Capsule, labelWidth: number): CapsuleShape {
  const pieces: { role: SegmentRole; x: number; w: number; inset: number }[] = []
  let x: number = CAPSULE.pad
  const walk = (c: Capsule, inset: number) => {
    for (const s of c.segments) {
      pieces.push({ role: s.role, x, w: CAPSULE.segment, inset })
      x += CAPSULE.segment + CAPSULE.gap
    }
    if (c.inner) {
      x += 1
      walk(c.inner, inset + 2)
    }
  }
  walk(capsule, 0)
  const label = { x: x + CAPSULE.labelPad - CAPSULE.gap, w: labelWidth }
  return { w: label.x + labelWidth + CAPSULE.labelPad + 1.5, pieces, label }
}
