import { describe, expect, it } from 'vitest'
import { EMPTY, ETH_P, ICMP, IP_MF, IPPROTO, Packet } from '../../net/packet.ts'
import { ip, TestNetwork } from '../../sim/testing/network.ts'
import { play } from '../../sim/testing/play.ts'
import { rejectAnswers } from './reject.ts'

/** a — router — b; the router refuses to forward, with or without connection tracking. */
function refusing(match: string) {
  const net = new TestNetwork()
  const [a, router, b] = [net.host('a'), net.host('router').router(), net.host('b')]
  net.veth(a, 'eth0', router, 'left')
  net.veth(router, 'right', b, 'eth0')
  a.address('eth0', '192.0.2.10/24').route('default via 192.0.2.1 dev eth0')
  router.address('left', '192.0.2.1/24').address('right', '198.51.100.1/24')
  b.address('eth0', '198.51.100.20/24').route('default via 198.51.100.1 dev eth0')
  router.iptables(`*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD ${match} -j REJECT --reject-with icmp-port-unreachable
COMMIT
`)
  return net.world()
}

const errors = (match: string, size: number) => {
  const p = play(refusing(match), ['a', `ping -c 1 -M dont -s ${size} -W 1 198.51.100.20`])
  return p.events('born').filter((e) => e.step.how === 'icmp').length
}

describe('REJECT of what comes in fragments', () => {
  it('answers nothing that is not whole: the checksum of a first fragment is that of the datagram', () => {
    expect(errors('-p icmp', 1472)).toBe(1)
    expect(errors('-p icmp', 1473)).toBe(0)
  })

  it('answers as ever where connection tracking has put the datagram together', () => {
    expect(errors('-m conntrack --ctstate NEW', 1473)).toBe(1)
  })

  it('answers a first fragment where what is missing adds nothing to the sum, and UDP that has none', () => {
    const first = (protocol: number, l4Checksum: number) => {
      const p = new Packet()
      p.etherType = ETH_P.IP
      p.protocol = protocol
      p.src = ip('192.0.2.10')
      p.dst = ip('198.51.100.20')
      p.ipFlags = IP_MF
      p.icmpType = ICMP.ECHO
      p.payload = EMPTY
      p.l4Checksum = l4Checksum
      return p
    }
    // An echo request of zeros sums to 0x0800.
    expect(rejectAnswers(first(IPPROTO.ICMP, 0xf7ff))).toBe(true)
    expect(rejectAnswers(first(IPPROTO.ICMP, 0xf7fe))).toBe(false)
    expect(rejectAnswers(first(IPPROTO.UDP, 0))).toBe(true)
    expect(rejectAnswers(first(IPPROTO.UDP, 1))).toBe(false)
  })
})
