import { describe, expect, it } from 'vitest'
import { TestWire } from '../../kernel/sockets/testing.ts'
import { IPPROTO } from '../../net/packet.ts'
import { shell, start } from './testing.ts'

function net() {
  const wire = new TestWire([
    { name: 'pod/client', address: '192.0.2.1' },
    { name: 'pod/web', address: '192.0.2.2' },
  ])
  return { wire, client: wire.host(0), server: wire.host(1) }
}

describe('nc', () => {
  it('-zv says that a port is open, or why not', () => {
    const { wire, client, server } = net()
    start(server, 'httpd -p 80')
    expect(shell(wire, client, 'nc -zv 192.0.2.2 80')).toMatchObject({
      code: 0,
      output: 'Connection to 192.0.2.2 80 port [tcp/http] succeeded!\n',
    })
    expect(shell(wire, client, 'nc -zv 192.0.2.2 81')).toMatchObject({
      code: 1,
      output: 'nc: connect to 192.0.2.2 port 81 (tcp) failed: Connection refused\n',
    })
    expect(shell(wire, client, 'nc -z 192.0.2.2 81')).toMatchObject({ code: 1, output: '' })
    wire.filter = () => 'lose'
    expect(shell(wire, client, 'nc -zv -w 2 192.0.2.2 80')).toMatchObject({
      code: 1,
      output: 'nc: connect to 192.0.2.2 port 80 (tcp) timed out: Operation now in progress\n',
    })
  })

  it('scans a range of ports', () => {
    const { wire, client, server } = net()
    start(server, 'httpd -p 8081')
    const r = shell(wire, client, 'nc -zvn 192.0.2.2 8080-8082')
    expect(r.code).toBe(0)
    expect(r.output.split('\n').map((l) => l.split(' ').at(-1))).toEqual(['refused', 'succeeded!', 'refused', ''])
  })

  it('carries a line to nc -l and ends with it', () => {
    const { wire, client, server } = net()
    const listener = start(server, 'nc -lv -p 9000')
    const r = shell(wire, client, 'echo hello | nc -N 192.0.2.2 9000')
    expect(r.code).toBe(0)
    wire.run(1e9)
    expect(listener.process.output).toMatch(/^Listening on 0\.0\.0\.0 9000\nConnection received on 192\.0\.2\.1 \d+\nhello\n$/)
    expect(listener.exit?.exitCode).toBe(0)
    expect(wire.socketsOf(server)).toEqual([])
  })

  it('echoes over UDP', () => {
    const { wire, client, server } = net()
    start(server, 'udp-echo -p 5353')
    const r = shell(wire, client, "printf 'ping\\n' | nc -u -w 1 192.0.2.2 5353")
    expect(r).toMatchObject({ code: 0, output: 'ping\n', exit: { verdict: { kind: 'answered' } } })
    expect(shell(wire, client, 'nc -u -w1 -p 4000 192.0.2.2 5353 -- hi there').output).toBe('hi there\n')
  })

  it('hears over UDP that nobody listens', () => {
    const { wire, client } = net()
    const r = shell(wire, client, 'echo x | nc -u -w 1 192.0.2.2 5353')
    expect(r.exit?.verdict).toMatchObject({ kind: 'failed', error: 'ECONNREFUSED' })
    expect(wire.log.map((l) => l.slice(10))).toEqual(['.1 > .2 UDP :5353 length 2', 'drop NO_SOCKET', '.2 > .1 ICMP 3/3 rest 0'])
  })

  it('-zuv takes silence for success, as nc does', () => {
    const { wire, client } = net()
    expect(shell(wire, client, 'nc -zuv 192.0.2.2 5353').code).toBe(1)
    wire.filter = (f) => (f.pkt.protocol === IPPROTO.ICMP ? 'lose' : 'lose')
    expect(shell(wire, client, 'nc -zuv 192.0.2.2 5353').output).toBe('Connection to 192.0.2.2 5353 port [udp/mdns] succeeded!\n')
  })

  it('is told when a UDP datagram is too long for the path', () => {
    const { wire, client } = net()
    wire.filter = (f) => (f.pkt.payload.length > 1300 ? { icmp: { type: 3, code: 4, info: 1300 } } : 'pass')
    const r = shell(wire, client, `nc -u -w 1 192.0.2.2 5353 -- ${'x'.repeat(1400)}`)
    expect(r.exit?.verdict).toMatchObject({ kind: 'failed', error: 'EMSGSIZE' })
  })
})
