import { describe, expect, it } from 'vitest'
import { TestWire } from '../../kernel/sockets/testing.ts'
import { ICMP } from '../../net/packet.ts'
import { formatTime } from './ping-output.ts'
import { shell } from './testing.ts'

function net() {
  const wire = new TestWire([
    { name: 'pod/client', address: '192.0.2.1' },
    { name: 'pod/web', address: '192.0.2.2' },
  ])
  return { wire, client: wire.host(0), server: wire.host(1) }
}

describe('ping', () => {
  it('prints what iputils prints', () => {
    const { wire, client } = net()
    const r = shell(wire, client, 'ping -c 3 192.0.2.2')
    expect(r.output).toMatchInlineSnapshot(`
      "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.
      64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=1.00 ms
      64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=1.00 ms
      64 bytes from 192.0.2.2: icmp_seq=3 ttl=64 time=1.00 ms

      --- 192.0.2.2 ping statistics ---
      3 packets transmitted, 3 received, 0% packet loss, time 2000ms
      rtt min/avg/max/mdev = 1.000/1.000/1.000/0.000 ms
      "
    `)
    expect([r.code, r.exit?.verdict]).toEqual([0, { kind: 'answered' }])
  })

  it('stops after four probes when nobody says how many', () => {
    const { wire, client } = net()
    expect(shell(wire, client, 'ping 192.0.2.2').output).toContain(
      '4 packets transmitted, 4 received, 0% packet loss, time 3000ms',
    )
  })

  it('waits ten seconds for an answer that never comes, or -W', () => {
    const { wire, client } = net()
    wire.filter = () => 'lose'
    const r = shell(wire, client, 'ping -c 2 192.0.2.2')
    expect(r.output).toBe(
      [
        'PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.',
        '',
        '--- 192.0.2.2 ping statistics ---',
        '2 packets transmitted, 0 received, 100% packet loss, time 1000ms',
        '',
        '',
      ].join('\n'),
    )
    expect([r.code, r.exit?.verdict]).toEqual([1, { kind: 'failed', error: 'no answer' }])
    const before = wire.now
    shell(wire, client, 'ping -c 1 -W 2 192.0.2.2')
    expect(Math.round((wire.now - before) / 1e9)).toBe(2)
  })

  it('names who says that the host is unreachable', () => {
    const { wire, client } = net()
    wire.filter = (f) => (f.pkt.icmpType === ICMP.ECHO ? { icmp: { type: 3, code: 1 } } : 'pass')
    const r = shell(wire, client, 'ping -c 2 -i 0.2 192.0.2.2')
    expect(r.output).toContain('From 10.0.0.1 icmp_seq=1 Destination Host Unreachable\n')
    expect(r.output).toContain('2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 200ms\n')
    expect(r.exit?.verdict).toMatchObject({ kind: 'failed', error: 'EHOSTUNREACH' })
  })

  it('learns the path MTU from a router, and refuses by itself afterwards', () => {
    const { wire, client } = net()
    wire.filter = (f) => (f.pkt.payload.length > 1372 ? { icmp: { type: 3, code: 4, info: 1400 } } : 'pass')
    const r = shell(wire, client, 'ping -M do -s 1472 -c 2 192.0.2.2')
    expect(r.output.split('\n').slice(0, 3)).toEqual([
      'PING 192.0.2.2 (192.0.2.2) 1472(1500) bytes of data.',
      'From 10.0.0.1 icmp_seq=1 Frag needed and DF set (mtu = 1400)',
      'ping: local error: message too long, mtu=1400',
    ])
    expect(wire.log.filter((l) => l.includes('8/0'))).toHaveLength(1)
  })

  it('keeps to itself what sendmsg refused, as iputils 20221126 does', () => {
    const { wire, client } = net()
    client.output = 'EPERM'
    const refused = shell(wire, client, 'ping -c 1 -W 1 192.0.2.2')
    expect(refused.code).toBe(1)
    expect(refused.output).not.toContain('sendmsg')
  })

  it('does not start without a route, a name or a device', () => {
    const { wire, client } = net()
    expect(shell(wire, client, 'ping web-2')).toMatchObject({
      code: 2,
      output: 'ping: web-2: Temporary failure in name resolution\n',
    })
    expect(shell(wire, client, 'ping -I eth9 192.0.2.2')).toMatchObject({
      code: 2,
      output: 'ping: SO_BINDTODEVICE eth9: No such device\n',
    })
    client.route = 'none'
    expect(shell(wire, client, 'ping 192.0.2.2')).toMatchObject({ code: 2, output: 'ping: connect: Network is unreachable\n' })
  })

  it('reports a TTL that ran out', () => {
    const { wire, client } = net()
    wire.filter = (f) => (f.pkt.ttl === 1 ? { icmp: { type: 11, code: 0 } } : 'pass')
    expect(shell(wire, client, 'ping -c 1 -t 1 192.0.2.2').output).toContain('From 10.0.0.1 icmp_seq=1 Time to live exceeded\n')
  })

  it('ends at the deadline', () => {
    const { wire, client } = net()
    const r = shell(wire, client, 'ping -w 3 -i 1 192.0.2.2')
    expect(r.output).toMatch(/3 packets transmitted, 3 received|4 packets transmitted, 3 received/)
    expect(r.code).toBe(0)
  })

  it('keeps three digits of a round trip', () => {
    expect([34, 999, 1234, 12_345, 123_456].map(formatTime)).toEqual(['0.034', '0.999', '1.23', '12.3', '123'])
  })
})
