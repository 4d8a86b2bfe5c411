import { openArp } from '../neighbour/arp-socket.ts'
import type { Path, Skb } from '../types.ts'
import { drop, undetermined } from './hop.ts'
import { icmpSend, sendReset } from './icmp.ts'
import { localOut } from './local-out.ts'
import { reroute } from './route.ts'

/** The way of a packet, as netfilter and the sockets see it. */
export const path: Path = {
  localOut,
  icmpSend,
  sendReset,
  drop,
  undetermined,
  openArp,
  reroute: (ns, skb: Skb) => reroute(ns as Parameters<typeof reroute>[0], skb as Parameters<typeof reroute>[1]),
}
