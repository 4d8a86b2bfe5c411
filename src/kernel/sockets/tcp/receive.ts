import { isMulticast } from '../../../net/address.ts'
import { TCP } from '../../../net/packet.ts'
import { STEP } from '../../../trace/columns.ts'
import { PACKET_HOST, type Skb } from '../../types.ts'
import type { SocketHost } from '../host.ts'
import { routeTo } from '../route.ts'
import { seqAdd } from '../sequence.ts'
import type { Incoming } from './ack.ts'
import { tcpDone } from './done.ts'
import { processListen, processRequest, processSynSent } from './handshake.ts'
import { parseOptions } from './options.ts'
import { sendReset } from './reset.ts'
import { segmentLength } from './segment.ts'
import type { TcpSock } from './sock.ts'
import { processSegment, processTimeWait } from './state-process.ts'
import type { TcpTable } from './table.ts'

/** tcp_v4_rcv(): finds the socket and hands the segment to what its state expects. Writes the lookup and the packet's closing step. */
export function tcpReceive(host: SocketHost, table: TcpTable<TcpSock>, skb: Skb): void {
  const { pkt } = skb
  if (skb.packetType !== PACKET_HOST || isMulticast(pkt.dst)) {
    host.drop(skb, 'SKB_DROP_REASON_NOT_SPECIFIED')
    return
  }
  const local = { address: pkt.dst, port: pkt.dport, device: skb.inDev }
  const sk = table.lookup(local, { address: pkt.src, port: pkt.sport })
  host.rec.step(STEP.socketLookup, skb, sk?.ref ?? -1)
  if (sk === undefined) {
    refuse(host, skb)
    return
  }
  const seg = read(skb)
  switch (sk.state) {
    case 'LISTEN':
      processListen(sk, skb, seg, mtuBack(host, pkt.src))
      return
    case 'SYN_SENT':
      processSynSent(sk, skb, seg, mtuBack(host, pkt.src).path)
      return
    case 'SYN_RECV':
      processRequest(sk, skb, seg)
      return
    case 'TIME_WAIT': {
      const listener = table.listener(local)
      if (processTimeWait(sk, skb, seg) === 'done') return
      tcpDone(sk, skb.cause)
      if (listener === undefined) refuse(host, skb)
      else processListen(listener, skb, seg, mtuBack(host, pkt.src))
      return
    }
    default:
      processSegment(sk, skb, seg)
  }
}

/** Nobody is there. The reset is caused by the drop that says so. */
function refuse(host: SocketHost, skb: Skb): void {
  sendReset(host, skb, host.drop(skb, 'SKB_DROP_REASON_NO_SOCKET'))
}

function read(skb: Skb): Incoming {
  const { pkt } = skb
  return {
    seq: pkt.seq,
    end: seqAdd(pkt.seq, segmentLength(pkt.tcpFlags, pkt.payload.length)),
    ack: (pkt.tcpFlags & TCP.ACK) !== 0 ? pkt.ack : 0,
    flags: pkt.tcpFlags,
    window: pkt.window,
    bytes: pkt.payload,
    options: parseOptions(pkt.options),
  }
}

const MTU_UNKNOWN = 1500

/** MTU of the way back: the device's, which is announced, and the path's, which is used. */
function mtuBack(host: SocketHost, dst: number): { device: number; path: number } {
  const device = routeTo(host, { dst, src: 0, oif: undefined }).device?.mtu ?? MTU_UNKNOWN
  return { device, path: host.pmtu.lookup(dst, device) }
}
