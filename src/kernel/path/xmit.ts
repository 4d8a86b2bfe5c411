import { FIELD, skbLength } from '../../net/packet.ts'
import { brDevXmit } from '../bridge/bridge.ts'
import type { NetDevice } from '../device.ts'
import { type VxlanDevice, vxlanXmit } from '../devices/vxlan.ts'
import { LOOPBACK_DELAY, VETH_DELAY } from '../kernel.ts'
import type { SkBuff } from '../skb.ts'
import { depart, drop, enterDevice, hasCarrier, noteRewrite, OUT, undetermined } from './hop.ts'

/**
 * __dev_queue_xmit() and the device's ndo_start_xmit(). The caller's hop has departed to `dev`. That XMIT_RECURSION_LIMIT (8)
 * ends a loop is never met: what can loop is a tunnel, which ends it sooner.
 */
export function devQueueXmit(skb: SkBuff, dev: NetDevice): void {
  enterDevice(skb, dev, OUT)
  dev.ns.xmitRecursion++
  startXmit(skb, dev)
  dev.ns.xmitRecursion--
}

function startXmit(skb: SkBuff, dev: NetDevice): void {
  // Without a carrier the queue is the noop one, which drops (dev_deactivate()).
  if (!dev.up || !hasCarrier(dev)) {
    drop(skb, 'SKB_DROP_REASON_DEV_READY', dev.ref)
    return
  }
  const link = dev.record.link
  switch (link.kind) {
    case 'loopback':
      // loopback_xmit(): the frame comes straight back in; conntrack's verdict stays with it, its route does not.
      depart(skb, dev.ref)
      skb.dst = undefined
      skb.outDev = undefined
      dev.ns.kernel.transmit(LOOPBACK_DELAY, dev, skb)
      return
    case 'bridge':
      brDevXmit(skb, dev)
      return
    case 'veth':
      cross(skb, dev, VETH_DELAY)
      return
    case 'physical':
      if (link.inside !== true) skb.confirm = false
      cross(skb, dev, link.latency)
      return
    case 'dummy':
      // dummy_xmit() counts and frees.
      drop(skb, 'SKB_DROP_REASON_NOT_SPECIFIED', dev.ref)
      return
    case 'vxlan':
      vxlanXmit(skb, dev, dev.vxlan as VxlanDevice)
      return
    case 'unknown':
      undetermined(skb, 'device', `device type ${link.type}`, dev.ref)
      return
  }
}

const VLAN_HLEN = 4

/** is_skb_forwardable(): a bridge and a veth drop silently what the other device could not have sent, but for a VLAN tag. */
export const isForwardable = (skb: SkBuff, dev: NetDevice): boolean => skbLength(skb.pkt) <= dev.mtu + VLAN_HLEN

/** To the other end, where nothing of this namespace's metadata survives (skb_scrub_packet). */
function cross(skb: SkBuff, dev: NetDevice, delay: number): void {
  const peer = dev.peer
  const { link } = dev.record
  if (peer === undefined && (link.kind === 'veth' || link.kind === 'physical') && link.peer !== undefined) {
    // There is another end, but nobody has shown it to us: an imported node without its pods and its network.
    undetermined(skb, 'cable', `what is at the other end of ${dev.name}`, dev.ref)
    return
  }
  if (peer === undefined) {
    drop(skb, 'SKB_DROP_REASON_DEV_READY', dev.ref)
    return
  }
  if (skb.mark !== 0 && peer.ns !== dev.ns) noteRewrite(skb, FIELD.MARK, skb.mark, 0)
  if (!isForwardable(skb, peer)) {
    drop(skb, 'SKB_DROP_REASON_NOT_SPECIFIED', peer.ref)
    return
  }
  depart(skb, peer.ref)
  skb.scrub()
  dev.ns.kernel.transmit(delay, peer, skb)
}
