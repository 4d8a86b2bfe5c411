import { IPPROTO } from '../../net/packet.ts'
import { faultId } from '../../world/ids.ts'
import type { OverrideTarget } from './target.ts'

/** The fault of a machine whose CPU is interrupted in the middle of a packet. */
export function putStall(target: OverrideTarget, stall: { readonly udp: number; readonly microseconds: number }): void {
  target.put({
    kind: 'fault',
    id: faultId(target.name),
    netns: target.netns,
    protocol: IPPROTO.UDP,
    port: stall.udp,
    duration: stall.microseconds * 1000,
    origin: target.origin('stall'),
  })
}
