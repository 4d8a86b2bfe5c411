import { describe, expect, it } from 'vitest'
import { ARP_OP, ETH_P, FIELD, IP_DF, IPPROTO, Packet, TCP } from '../net/packet.ts'
import { netnsId } from '../world/ids.ts'
import { STEP } from './columns.ts'
import { exchangesOf } from './exchanges.ts'
import { TraceReader } from './reader.ts'
import { ip, recordServiceTrace, serviceWorld, Tape } from './testing.ts'

const bytes = (s: string) => new TextEncoder().encode(s)
const shape = (reader: TraceReader) =>
  exchangesOf(reader).map((x) => `${x.kind}: ${x.parts.map((p) => `#${p.packet} ${p.role}`).join(', ')}`)

/** A connection to a Service as its packets leave each end: the client sees 10.96.0.10:80, the backend 10.244.2.7:8080. */
function connection(
  packets: readonly { readonly from: 'client' | 'server'; readonly flags: number; readonly data?: string }[],
): TraceReader {
  const tape = new Tape(serviceWorld())
  for (const { from, flags, data } of packets) {
    const p = new Packet()
    const there = { src: ip('10.244.1.5'), sport: 41522, dst: ip('10.96.0.10'), dport: 80 }
    const back = { src: ip('10.244.2.7'), sport: 8080, dst: ip('10.244.1.5'), dport: 41522 }
    Object.assign(
      p,
      { etherType: ETH_P.IP, protocol: IPPROTO.TCP, ipFlags: IP_DF, ttl: 64, tcpFlags: flags },
      from === 'client' ? there : back,
    )
    if (data !== undefined) p.payload = bytes(data)
    tape.born('pod/client', p, 'socket', -1)
    tape.enterStack('pod/client', 'out', p)
    if (from === 'client') {
      tape.rewrite(FIELD.DST, there.dst, back.src)
      tape.rewrite(FIELD.DPORT, 80, 8080)
    } else {
      tape.rewrite(FIELD.SRC, back.src, there.dst)
      tape.rewrite(FIELD.SPORT, 8080, 80)
    }
    tape.step(STEP.deliver, 0, -1)
  }
  return new TraceReader(tape.rec.seal([]))
}

describe('exchanges', () => {
  it('groups a request to a Service with the reply from its backend, through the translation', () => {
    const { SYN, ACK, PSH, FIN } = TCP
    const reader = connection([
      { from: 'client', flags: SYN },
      { from: 'server', flags: SYN | ACK },
      { from: 'client', flags: ACK },
      { from: 'client', flags: PSH | ACK, data: 'GET / HTTP/1.1\r\n\r\n' },
      { from: 'server', flags: ACK },
      { from: 'server', flags: PSH | ACK, data: 'HTTP/1.1 200 OK\r\n\r\n' },
      { from: 'client', flags: ACK },
      { from: 'client', flags: PSH | ACK, data: 'GET /again HTTP/1.1\r\n\r\n' },
      { from: 'server', flags: PSH | ACK, data: 'HTTP/1.1 200 OK\r\n\r\n' },
      { from: 'client', flags: FIN | ACK },
      { from: 'server', flags: FIN | ACK },
      { from: 'client', flags: ACK },
    ])
    expect(shape(reader)).toEqual([
      'tcp-handshake: #0 syn, #1 syn-ack, #2 acknowledgement',
      'http: #3 request, #4 acknowledgement, #5 reply, #6 acknowledgement',
      'http: #7 request, #8 reply',
      'tcp-close: #9 fin, #10 fin, #11 acknowledgement',
    ])
  })

  it('keeps a refused connection in one exchange', () => {
    const reader = connection([
      { from: 'client', flags: TCP.SYN },
      { from: 'server', flags: TCP.RST | TCP.ACK },
    ])
    expect(shape(reader)).toEqual(['tcp-handshake: #0 syn, #1 reset'])
  })

  it('puts an ARP reply with its request, and says which packet an ICMP error is about', () => {
    const reader = new TraceReader(recordServiceTrace())
    expect(shape(reader)).toEqual(['tcp-handshake: #0 syn', 'arp: #1 request, #2 reply', 'icmp-error: #3 error'])
    expect(exchangesOf(reader)[2]).toMatchObject({ about: 0, journey: 0 })
  })

  it('counts the copies of a flooded ARP request and the retries of an unanswered one to one exchange', () => {
    const tape = new Tape(serviceWorld())
    const ask = new Packet()
    Object.assign(ask, { etherType: ETH_P.ARP, arpOp: ARP_OP.REQUEST, arpSpa: ip('10.244.1.5'), arpTpa: ip('10.244.1.9') })
    for (let i = 0; i < 2; i++) {
      tape.born('node1', ask, 'arp', -1)
      const asked = tape.at.packet
      tape.born('node1', ask, 'clone', -1, asked)
      tape.depart(netnsId('fabric'))
    }
    const reader = new TraceReader(tape.rec.seal([]))
    expect(shape(reader)).toEqual(['arp: #0 request, #1 copy, #2 request, #3 copy'])
    expect(reader.hops.hop(0)).toMatchObject({ packet: 1, bornHere: true, end: 'depart' })
  })
})
