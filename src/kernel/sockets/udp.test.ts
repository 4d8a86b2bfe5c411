import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { ipv4 } from '../../net/address.ts'
import { IP_DF } from '../../net/packet.ts'
import { netnsId, processId, socketId } from '../../world/ids.ts'
import type { SocketRecord } from '../../world/records.ts'
import { PortTable } from './ports.ts'
import { between, after as isAfter, before as isBefore, seqAdd, seqDiff } from './sequence.ts'
import { address, TestWire } from './testing.ts'

const ANY = ipv4(0)
const hosts = [
  { name: 'pod/client', address: '192.0.2.1' },
  { name: 'pod/web', address: '192.0.2.2' },
]

function ends(sockets: readonly SocketRecord[] = []) {
  const wire = new TestWire(hosts, sockets)
  return { wire, client: wire.host(0), server: wire.host(1) }
}

describe('a UDP socket', () => {
  it('gets a datagram with where it came from, and answers', () => {
    const { wire, client, server } = ends()
    const echo = server.sockets.udp(undefined)
    expect(echo.bind(ANY, 53).ok).toBe(true)
    echo.onWake = (cause) => {
      for (let d = echo.receive(); d !== undefined; d = echo.receive()) echo.send(d.bytes, d.from, cause)
    }
    const socket = client.sockets.udp(undefined)
    const heard: string[] = []
    socket.onWake = () => {
      for (let d = socket.receive(); d !== undefined; d = socket.receive()) heard.push(fromUtf8(d.bytes))
    }
    expect(socket.send(utf8('hi'), { address: server.address, port: 53 }, -1)).toEqual({ ok: true, value: 2 })
    wire.run()
    expect(heard).toEqual(['hi'])
    // Never connected, so only its port is fixed.
    expect(wire.socketsOf(client)).toEqual([expect.stringMatching(/^udp UNCONN 0 0 0\.0\.0\.0:\d+ \*$/)])
  })

  it('hears of a refusal only when it is connected', () => {
    const { wire, client, server } = ends()
    const open = client.sockets.udp(undefined)
    const connected = client.sockets.udp(undefined)
    open.onWake = () => {}
    connected.onWake = () => {}
    expect(connected.connect(server.address, 53).ok).toBe(true)
    open.send(utf8('x'), { address: server.address, port: 53 }, -1)
    connected.send(utf8('x'), undefined, -1)
    wire.run()
    expect(open.takeError()).toBeUndefined()
    expect(connected.takeError()).toMatchObject({ errno: 'ECONNREFUSED' })
    expect(connected.takeError()).toBeUndefined()
  })

  it('is not disturbed by soft errors such as host unreachable', () => {
    const { wire, client, server } = ends()
    wire.filter = () => ({ icmp: { type: 3, code: 1 } })
    const socket = client.sockets.udp(undefined)
    socket.onWake = () => {}
    socket.connect(server.address, 53)
    socket.send(utf8('x'), undefined, -1)
    wire.run()
    expect(socket.takeError()).toBeUndefined()
  })

  it('gets what is meant for its connection before a socket on any address does', () => {
    const { wire, client, server } = ends()
    const any = server.sockets.udp(undefined)
    const exact = server.sockets.udp(undefined)
    any.reuse = true
    exact.reuse = true
    any.bind(ANY, 53)
    exact.bind(server.address, 53)
    exact.connect(client.address, 4000)
    any.onWake = () => {}
    exact.onWake = () => {}
    const send = (port: number) => {
      const s = client.sockets.udp(undefined)
      s.bind(ANY, port)
      s.send(utf8(String(port)), { address: server.address, port: 53 }, -1)
    }
    send(4000)
    send(4001)
    wire.run()
    expect([exact.receive(), any.receive()].map((d) => fromUtf8(d?.bytes ?? utf8('none')))).toEqual(['4000', '4001'])
  })

  it('does not share a port, nor take more than a datagram holds', () => {
    const { client, server } = ends()
    const socket = client.sockets.udp(undefined)
    expect(socket.bind(ANY, 53).ok).toBe(true)
    expect(client.sockets.udp(undefined).bind(client.address, 53)).toEqual({ ok: false, error: 'EADDRINUSE' })
    const to = { address: server.address, port: 1 }
    expect(socket.send(new Uint8Array(65508), to, -1)).toMatchObject({ error: { errno: 'EMSGSIZE' } })
    expect(socket.send(utf8('x'), { address: address('255.255.255.255'), port: 1 }, -1)).toMatchObject({
      error: { errno: 'EACCES' },
    })
    client.output = 'EPERM'
    expect(socket.send(utf8('x'), to, -1)).toMatchObject({ error: { errno: 'EPERM' } })
    client.route = 'none'
    expect(socket.send(utf8('x'), to, -1)).toMatchObject({ error: { errno: 'ENETUNREACH' } })
  })

  it('forbids fragmentation of what fits, and allows it for what does not', () => {
    const { wire, client, server } = ends()
    const flags: number[] = []
    wire.filter = (f) => {
      flags.push(f.pkt.ipFlags)
      return 'lose'
    }
    const socket = client.sockets.udp(undefined)
    for (const n of [1472, 1473]) socket.send(new Uint8Array(n), { address: server.address, port: 1 }, -1)
    expect(flags).toEqual([IP_DF, 0])
  })
})

describe('sockets of the initial world', () => {
  const record = (n: number, protocol: 'tcp' | 'udp', port: number): SocketRecord => ({
    kind: 'socket',
    id: socketId('pod/web', n),
    netns: netnsId('pod/web'),
    protocol,
    local: { address: ANY, port },
    state: protocol === 'tcp' ? 'LISTEN' : 'UNCONN',
    receiveQueue: 0,
    sendQueue: protocol === 'tcp' ? 4096 : 0,
    process: processId('pod/web', 1),
    origin: { component: 'runtime' },
  })

  it('are there without a step, and belong to the process that adopts them', () => {
    const { wire, client, server } = ends([record(1, 'tcp', 80), record(2, 'udp', 53)])
    const own = processId('pod/web', 1)
    expect(server.sockets.adoptTcp(own, 81)).toBeUndefined()
    expect(server.sockets.adoptTcp(processId('pod/web', 2), 80)).toBeUndefined()
    const tcp = server.sockets.adoptTcp(own, 80)
    expect(server.sockets.adoptUdp(own, 53)?.local.port).toBe(53)
    expect(wire.rec.last).toBe(-1)
    let accepted = 0
    if (tcp !== undefined) {
      tcp.onWake = () => {
        while (tcp.accept(undefined) !== undefined) accepted++
      }
    }
    client.sockets.tcp(undefined).connect(server.address, 80, -1)
    wire.run(5_000_000)
    expect(accepted).toBe(1)
    // A new socket never takes the id of one that was there.
    expect(wire.socketsOf(server).map((s) => s.split(' ')[1])).toEqual(['LISTEN', 'UNCONN', 'ESTABLISHED'])
  })

  it('whose process is not modelled say so', () => {
    const { wire, client, server } = ends([record(1, 'udp', 53)])
    client.sockets.udp(undefined).send(utf8('x'), { address: server.address, port: 53 }, -1)
    wire.run()
    expect(wire.log.at(-1)).toContain('undetermined: the process that listens here')
  })
})

describe('sequence numbers', () => {
  const seq = fc.integer({ min: 0, max: 0xffffffff })
  const step = fc.integer({ min: 1, max: 0x7fffffff })

  it('order themselves across the wrap', () => {
    fc.assert(
      fc.property(seq, step, (a, n) => {
        const b = seqAdd(a, n)
        expect(seqDiff(b, a)).toBe(n)
        expect([isBefore(a, b), isAfter(b, a), isBefore(b, a), between(a, a, b), between(b, a, b)]).toEqual([
          true,
          true,
          false,
          true,
          true,
        ])
        expect(between(seqAdd(b, 1), a, b)).toBe(false)
      }),
    )
  })
})

describe('ephemeral ports', () => {
  it('are found as long as one is free', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 32768, max: 60999 }), (secret, only) => {
        const ports = new PortTable(secret)
        const free = (p: number) => p === only
        expect(ports.forConnect({ src: 1, dst: 2, dport: 80 }, free)).toBe(only)
        expect(ports.forBind(free)).toBe(only)
        expect(ports.forDatagram(free)).toBe(only)
        expect(ports.forConnect({ src: 1, dst: 2, dport: 80 }, () => false)).toBeUndefined()
      }),
      { numRuns: 20 },
    )
  })
})
