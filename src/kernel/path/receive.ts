import { isGroupMac, MAC_BROADCAST } from '../../net/address.ts'
import { ETH_P } from '../../net/packet.ts'
import { brHandleFrame } from '../bridge/bridge.ts'
import type { NetDevice } from '../device.ts'
import { arpRcv } from '../neighbour/arp.ts'
import type { SkBuff } from '../skb.ts'
import { PACKET_BROADCAST, PACKET_HOST, PACKET_MULTICAST, PACKET_OTHERHOST } from '../types.ts'
import { depart, drop, enterDevice, enterStack, IN, undetermined } from './hop.ts'
import { ipRcv } from './ip-rcv.ts'

/** eth_type_trans(), __netif_receive_skb_core(): a frame has arrived at `dev`. */
export function netifReceive(skb: SkBuff, dev: NetDevice): void {
  skb.inDev = dev
  enterDevice(skb, dev, IN)
  if (!dev.up) {
    drop(skb, 'SKB_DROP_REASON_DEV_READY', dev.ref)
    return
  }
  skb.packetType = packetType(skb.pkt.ethDst, dev)
  if (dev.record.link.kind === 'unknown') {
    undetermined(skb, 'device', `device type ${dev.record.link.type}`, dev.ref)
    return
  }
  if (dev.bridge !== undefined) {
    brHandleFrame(skb, dev)
    return
  }
  receiveInStack(skb, dev)
}

/** The protocol handlers of `dev`'s namespace: the frame leaves the device for the stack. */
export function receiveInStack(skb: SkBuff, dev: NetDevice): void {
  const ns = dev.ns
  depart(skb, ns.ref)
  enterStack(skb, ns, IN)
  switch (skb.pkt.etherType) {
    case ETH_P.IP:
      ipRcv(skb, dev)
      return
    case ETH_P.ARP:
      arpRcv(skb, dev)
      return
    default:
      drop(skb, 'SKB_DROP_REASON_UNHANDLED_PROTO')
  }
}

function packetType(mac: number, dev: NetDevice): number {
  if (mac === dev.mac) return PACKET_HOST
  if (!isGroupMac(mac)) return PACKET_OTHERHOST
  return mac === MAC_BROADCAST ? PACKET_BROADCAST : PACKET_MULTICAST
}
