import { describe, expect, it } from 'vitest'
import { utf8 } from '../base/bytes.ts'
import { parseIpv4 } from './address.ts'
import { ARP_OP, ETH_P, ICMP, IPPROTO, Packet, TCP } from './packet.ts'
import { quoteDatagram } from './quote.ts'
import { chipLabel, summarize } from './summary.ts'

const ip = (text: string) => {
  const r = parseIpv4(text)
  if (!r.ok) throw new Error(text)
  return r.value
}
const packet = (fields: Partial<Packet>): Packet => Object.assign(new Packet(), { etherType: ETH_P.IP, ...fields })
const client = ip('10.244.1.5')
const service = ip('10.96.0.10')
const tcp = { protocol: IPPROTO.TCP, src: client, sport: 41522, dst: service, dport: 80 } as const
const syn = packet({ ...tcp, tcpFlags: TCP.SYN })

describe('what people call a packet', () => {
  const cases: readonly (readonly [Packet, string, string])[] = [
    [syn, 'TCP 10.244.1.5:41522 > 10.96.0.10:80 SYN', 'SYN'],
    [packet({ ...tcp, tcpFlags: TCP.SYN | TCP.ACK }), 'TCP 10.244.1.5:41522 > 10.96.0.10:80 SYN ACK', 'SYN ACK'],
    [packet({ ...tcp, tcpFlags: TCP.FIN | TCP.ACK }), 'TCP 10.244.1.5:41522 > 10.96.0.10:80 FIN ACK', 'FIN'],
    [packet({ ...tcp, tcpFlags: TCP.RST | TCP.ACK }), 'TCP 10.244.1.5:41522 > 10.96.0.10:80 RST ACK', 'RST'],
    [
      packet({ ...tcp, tcpFlags: TCP.PSH | TCP.ACK, payload: utf8('GET / HTTP/1.1\r\nHost: web\r\n\r\n') }),
      'HTTP GET /',
      'GET /',
    ],
    [packet({ ...tcp, tcpFlags: TCP.PSH | TCP.ACK, payload: utf8('HTTP/1.1 200 OK\r\n\r\nhello') }), 'HTTP 200 OK', '200 OK'],
    [
      packet({ ...tcp, tcpFlags: TCP.PSH | TCP.ACK, payload: utf8('hello') }),
      'TCP 10.244.1.5:41522 > 10.96.0.10:80 PSH ACK len 5',
      '5 B',
    ],
    [
      packet({ etherType: ETH_P.ARP, arpOp: ARP_OP.REQUEST, arpSpa: client, arpTpa: ip('10.244.1.1') }),
      'ARP who-has 10.244.1.1 tell 10.244.1.5',
      'ARP ?',
    ],
    [
      packet({ etherType: ETH_P.ARP, arpOp: ARP_OP.REPLY, arpSpa: client, arpSha: 0x0a580af40105 }),
      'ARP reply 10.244.1.5 is-at 0a:58:0a:f4:01:05',
      'ARP !',
    ],
    [packet({ protocol: IPPROTO.ICMP, icmpType: ICMP.ECHO, icmpRest: 0x10001 }), 'ICMP echo request id 1 seq 1', 'echo ?'],
    [packet({ protocol: IPPROTO.ICMP, icmpType: ICMP.ECHO_REPLY, icmpRest: 0x10002 }), 'ICMP echo reply id 1 seq 2', 'echo !'],
    [
      packet({ protocol: IPPROTO.ICMP, icmpType: ICMP.UNREACHABLE, icmpCode: 1, payload: quoteDatagram(syn) }),
      'ICMP host unreachable for TCP 10.244.1.5:41522 > 10.96.0.10:80',
      'unreachable',
    ],
    [
      packet({ protocol: IPPROTO.ICMP, icmpType: ICMP.UNREACHABLE, icmpCode: 4, icmpRest: 1450, payload: quoteDatagram(syn) }),
      'ICMP fragmentation needed mtu 1450 for TCP 10.244.1.5:41522 > 10.96.0.10:80',
      'frag needed',
    ],
    [
      packet({ protocol: IPPROTO.UDP, src: client, sport: 5000, dst: service, dport: 53, payload: utf8('hi') }),
      'UDP 10.244.1.5:5000 > 10.96.0.10:53 len 2',
      'UDP',
    ],
    [
      packet({ protocol: IPPROTO.UDP, src: client, dst: service, fragmentOffset: 1480, payload: utf8('rest') }),
      'UDP 10.244.1.5 > 10.96.0.10 fragment offset 1480 len 4',
      'fragment',
    ],
    [packet({ etherType: 0x88cc, payload: utf8('lldp') }), 'ethertype 0x88cc len 4', '0x88cc'],
  ]
  for (const [p, line, chip] of cases) {
    it(line, () => {
      expect(summarize(p)).toBe(line)
      expect(chipLabel(p)).toBe(chip)
    })
  }
})
