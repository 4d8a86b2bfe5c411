import type { NetDevice } from '../device.ts'
import type { SkBuff } from '../skb.ts'
import type { ArpSocket, Device, Skb } from '../types.ts'
import { send } from './arp.ts'

/**
 * A packet socket for ARP (net/packet/af_packet.c): it sees what comes in at one device beside the kernel's own ARP, and what it sends
 * goes straight to the device, as it is.
 */
export function openArp(device: Device, owner: number, received: (skb: Skb) => void): ArpSocket {
  const dev = device as NetDevice
  const tap = (skb: SkBuff) => received(skb)
  dev.arpTaps ??= new Set()
  dev.arpTaps.add(tap)
  return {
    send: (frame, cause) => {
      send(dev, { packet: -1, cause, netns: dev.ns.ref, device: -1 }, { ...frame, process: owner })
    },
    close: () => void dev.arpTaps?.delete(tap),
  }
}
