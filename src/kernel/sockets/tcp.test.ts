import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { ipv4 } from '../../net/address.ts'
import { IPPROTO, ipLength, Packet, TCP } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import type { TcpSocket } from './tcp/connection.ts'
import { modelTimeout } from './tcp/timeout.ts'
import { type Frame, optionsText, TestWire } from './testing.ts'

const S = 1_000_000_000
const ANY = ipv4(0)
const hosts = [
  { name: 'pod/client', address: '192.0.2.1' },
  { name: 'pod/web', address: '192.0.2.2' },
]

function ends() {
  const wire = new TestWire(hosts)
  const client = wire.host(0)
  const server = wire.host(1)
  return { wire, client, server }
}

/** A server that hands every accepted socket to `serve`. */
function listen(host: ReturnType<typeof ends>['server'], port: number, serve: (s: TcpSocket, cause: number) => void): TcpSocket {
  const socket = host.sockets.tcp(undefined)
  socket.set({ reuse: true })
  expect(socket.bind(ANY, port).ok).toBe(true)
  expect(socket.listen(128, -1).ok).toBe(true)
  socket.onWake = (cause) => {
    for (let s = socket.accept(undefined); s !== undefined; s = socket.accept(undefined)) serve(s, cause)
  }
  return socket
}

/** Answers every message with `hello\n` and closes when the other end does. */
function answer(s: TcpSocket, cause: number): void {
  const wake = (seq: number) => {
    const got = s.receive(seq)
    if (got.kind === 'data') {
      s.send(utf8('hello\n'), seq)
      wake(seq)
    } else if (got.kind === 'end' || got.kind === 'error') s.close(seq)
  }
  s.onWake = wake
  wake(cause)
}

interface Talk {
  readonly socket: TcpSocket
  readonly heard: string[]
  errno: string | undefined
}

/** Connects, sends `text`, and closes after the first answer unless told to stay. */
function talk({ client, server }: ReturnType<typeof ends>, port: number, text: string, stay = false): Talk {
  const socket = client.sockets.tcp(undefined)
  const state: Talk = { socket, heard: [], errno: undefined }
  let sent = false
  socket.onWake = (cause) => {
    state.errno ??= socket.takeError()?.errno
    if (!sent && socket.connected && text !== '') {
      sent = true
      socket.send(utf8(text), cause)
    }
    const got = socket.receive(cause)
    if (got.kind === 'data') {
      state.heard.push(fromUtf8(got.bytes))
      if (!stay) socket.close(cause)
    } else if (got.kind === 'error') state.errno = got.error.errno
    else if (got.kind === 'end') socket.close(cause)
  }
  const begun = socket.connect(server.address, port, -1)
  if (!begun.ok) state.errno = begun.error
  return state
}

describe('a connection', () => {
  it('shakes hands, talks and closes as a capture of Linux shows it', () => {
    const net = ends()
    listen(net.server, 80, answer)
    const { heard } = talk(net, 80, 'GET')
    net.wire.run(1 * S)
    expect(heard).toEqual(['hello\n'])
    expect(net.wire.log.join('\n')).toMatchInlineSnapshot(`
      "      0.0 .1 > .2 [S] 0 win 64240
            0.5 .2 > .1 [S.] 0 ack 1 win 65160
            1.0 .1 > .2 [.] 1 ack 1 win 502
            1.0 .1 > .2 [P.] 1:4 ack 1 win 502
            1.5 .2 > .1 [.] 1 ack 4 win 510
            1.5 .2 > .1 [P.] 1:7 ack 4 win 510
            2.0 .1 > .2 [.] 4 ack 7 win 502
            2.0 .1 > .2 [F.] 4 ack 7 win 502
            2.5 .2 > .1 [F.] 7 ack 5 win 510
            3.0 .1 > .2 [.] 5 ack 8 win 502"
    `)
  })

  it('offers 60 bytes of SYN: MSS of the device, SACK, timestamps, window scale 7', () => {
    const net = ends()
    const syns: Frame[] = []
    net.wire.filter = (f) => {
      if ((f.pkt.tcpFlags & TCP.SYN) !== 0) syns.push(f)
      return 'pass'
    }
    listen(net.server, 80, answer)
    talk(net, 80, 'GET')
    net.wire.run(1 * S)
    expect(syns.map((f) => `${ipLength(f.pkt)} ${optionsText(f.pkt)}`)).toEqual([
      '60 mss 1460,sackOK,TS val V,nop,wscale 7',
      '60 mss 1460,sackOK,TS val V,nop,wscale 7',
    ])
  })

  it('shows in ss: LISTEN, SYN_SENT, ESTABLISHED, TIME_WAIT for 60 seconds', () => {
    const net = ends()
    listen(net.server, 80, answer)
    talk(net, 80, 'GET')
    expect(net.wire.socketsOf(net.client)).toEqual([expect.stringMatching(/^tcp SYN_SENT 0 1 192.0.2.1:\d+ 192.0.2.2:80$/)])
    net.wire.run(1_200_000)
    expect(net.wire.socketsOf(net.client)).toEqual([expect.stringMatching(/^tcp ESTABLISHED 0 3 /)])
    net.wire.run(1 * S)
    expect(net.wire.socketsOf(net.client)).toEqual([expect.stringMatching(/^tcp TIME_WAIT 0 0 /)])
    expect(net.wire.socketsOf(net.server)).toEqual(['tcp LISTEN 0 128 0.0.0.0:80 *'])
    net.wire.run(60 * S)
    expect(net.wire.socketsOf(net.client)).toEqual([])
  })

  it('serves a second request on the same connection, and lets the ACK of an interactive exchange wait', () => {
    const net = ends()
    listen(net.server, 80, answer)
    const { socket, heard } = talk(net, 80, 'one', true)
    net.wire.run(10_000_000)
    socket.send(utf8('two'), net.wire.rec.last)
    net.wire.run(1 * S)
    expect(heard).toEqual(['hello\n', 'hello\n'])
    expect(net.wire.log.slice(7).join('\n')).toMatchInlineSnapshot(`
      "     10.0 .1 > .2 [P.] 4:7 ack 7 win 502
           10.5 .2 > .1 [P.] 7:13 ack 7 win 510
           51.0 .1 > .2 [.] 7 ack 13 win 502"
    `)
  })

  it('cuts what is long into segments of the agreed size', () => {
    const net = ends()
    const got: number[] = []
    listen(net.server, 80, (s, cause) => {
      const wake = (seq: number) => {
        const r = s.receive(seq)
        if (r.kind === 'data') got.push(r.bytes.length)
      }
      s.onWake = wake
      wake(cause)
    })
    const { socket } = talk(net, 80, '')
    net.wire.run(2_000_000)
    socket.send(new Uint8Array(4000), net.wire.rec.last)
    net.wire.run(1 * S)
    expect(got.reduce((a, b) => a + b, 0)).toBe(4000)
    expect(net.wire.log.slice(3).map((l) => l.slice(10))).toEqual([
      '.1 > .2 [.] 1:1449 ack 1 win 502',
      '.1 > .2 [.] 1449:2897 ack 1 win 502',
      '.1 > .2 [P.] 2897:4001 ack 1 win 502',
      expect.stringMatching(/^.2 > .1 \[\.\] 1 ack 1449 /),
      expect.stringMatching(/^.2 > .1 \[\.\] 1 ack 2897 /),
      expect.stringMatching(/^.2 > .1 \[\.\] 1 ack 4001 /),
    ])
  })

  it('closes at both ends at once through CLOSING', () => {
    const net = ends()
    let peer: TcpSocket | undefined
    listen(net.server, 80, (s) => {
      peer = s
    })
    const { socket } = talk(net, 80, '')
    net.wire.run(2_000_000)
    socket.close(net.wire.rec.last)
    peer?.close(net.wire.rec.last)
    net.wire.run(1 * S)
    expect(net.wire.log.slice(3).map((l) => l.slice(10))).toEqual([
      '.1 > .2 [F.] 1 ack 1 win 502',
      '.2 > .1 [F.] 1 ack 1 win 510',
      '.2 > .1 [.] 2 ack 2 win 510',
      '.1 > .2 [.] 2 ack 2 win 502',
    ])
    expect(net.wire.socketsOf(net.client)).toEqual([expect.stringContaining('TIME_WAIT')])
    expect(net.wire.socketsOf(net.server)[1]).toContain('TIME_WAIT')
  })

  it('opens at both ends at once (RFC 9293 figure 7)', () => {
    const { wire, client, server } = ends()
    const a = client.sockets.tcp(undefined)
    const b = server.sockets.tcp(undefined)
    a.bind(ANY, 5000)
    b.bind(ANY, 5000)
    a.connect(server.address, 5000, -1)
    b.connect(client.address, 5000, -1)
    wire.run(1 * S)
    expect([a.state, b.state]).toEqual(['ESTABLISHED', 'ESTABLISHED'])
  })

  it('talks to itself over loopback', () => {
    const net = ends()
    listen(net.client, 80, answer)
    const socket = net.client.sockets.tcp(undefined)
    const heard: string[] = []
    let sent = false
    socket.onWake = (cause) => {
      if (!sent) socket.send(utf8('GET'), cause)
      sent = true
      const got = socket.receive(cause)
      if (got.kind === 'data') heard.push(fromUtf8(got.bytes))
    }
    socket.connect(ipv4(0x7f000001), 80, -1)
    net.wire.run(1 * S)
    expect(heard).toEqual(['hello\n'])
    expect(net.wire.log[0]).toContain('[S] 0 win 65495')
  })
})

describe('a connection that does not come about', () => {
  it('is refused by a reset when nobody listens', () => {
    const net = ends()
    const t = talk(net, 81, 'GET')
    net.wire.run(1 * S)
    expect(t.errno).toBe('ECONNREFUSED')
    expect(net.wire.log.map((l) => l.slice(10))).toEqual([
      '.1 > .2 [S] 0 win 64240',
      'drop NO_SOCKET',
      '.2 > .1 [R.] 0 ack 1 win 0',
    ])
    expect(net.wire.socketsOf(net.client)).toEqual([])
  })

  it('sends its SYN again after 1, 2, 4, 8, 16 and 32 seconds and gives up after 127', () => {
    const net = ends()
    net.wire.filter = () => 'lose'
    const t = talk(net, 80, 'GET')
    net.wire.run(126 * S)
    expect(net.wire.log.map((l) => l.slice(0, 9).trim())).toEqual([
      '0.0',
      '1000.0',
      '3000.0',
      '7000.0',
      '15000.0',
      '31000.0',
      '63000.0',
    ])
    expect(t.errno).toBeUndefined()
    net.wire.run(2 * S)
    expect(t.errno).toBe('ETIMEDOUT')
  })

  it('goes on after an ICMP error once it is established; only SO_ERROR tells of it', () => {
    const net = ends()
    listen(net.server, 80, answer)
    net.wire.filter = (f) => (f.from === net.client && f.pkt.tcpFlags === TCP.ACK ? { icmp: { type: 3, code: 3 } } : 'pass')
    const socket = net.client.sockets.tcp(undefined)
    expect(socket.connect(net.server.address, 80, -1).ok).toBe(true)
    net.wire.run(S / 100)
    expect(socket.state).toBe('ESTABLISHED')
    expect(socket.receive(-1)).toEqual({ kind: 'nothing' })
    expect(socket.send(utf8('GET'), -1).ok).toBe(true)
    expect([socket.takeError()?.errno, socket.takeError()]).toEqual(['ECONNREFUSED', undefined])
  })

  it.each([
    [0, 'ENETUNREACH'],
    [1, 'EHOSTUNREACH'],
    [2, 'ENOPROTOOPT'],
    [3, 'ECONNREFUSED'],
    [13, 'EHOSTUNREACH'],
  ])('ends at once on ICMP unreachable code %i: %s', (code, errno) => {
    const net = ends()
    net.wire.filter = () => ({ icmp: { type: 3, code } })
    const t = talk(net, 80, 'GET')
    net.wire.run(10_000_000)
    expect(t.errno).toBe(errno)
  })

  it('knows without sending anything that there is no route', () => {
    const net = ends()
    for (const [route, errno] of [
      ['none', 'ENETUNREACH'],
      ['unreachable', 'EHOSTUNREACH'],
      ['prohibit', 'EACCES'],
      ['blackhole', 'EINVAL'],
    ] as const) {
      net.client.route = route
      expect(talk(net, 80, 'GET').errno).toBe(errno)
    }
    expect(net.wire.log).toEqual([])
  })

  it('sends the SYN ACK again five times, then forgets the request', () => {
    const net = ends()
    listen(net.server, 80, answer)
    net.wire.filter = (f) => (f.from === net.server ? 'lose' : f.number > 1 ? 'lose' : 'pass')
    talk(net, 80, 'GET')
    net.wire.run(200 * S)
    const synAcks = net.wire.log.filter((l) => l.includes('[S.]')).map((l) => l.slice(0, 9).trim())
    expect(synAcks).toEqual(['0.5', '1000.5', '3000.5', '7000.5', '15000.5', '31000.5'])
    expect(net.wire.socketsOf(net.server)).toEqual(['tcp LISTEN 0 128 0.0.0.0:80 *'])
  })

  it('meets a listener whose process is not modelled: undetermined, not a guess', () => {
    const net = ends()
    const socket = net.server.sockets.tcp(undefined)
    socket.bind(ANY, 10250)
    socket.listen(128, -1)
    talk(net, 10250, 'GET')
    net.wire.run(100_000_000)
    expect(net.wire.log[1]).toContain('undetermined: the process that listens here')
  })
})

describe('an established connection', () => {
  function established() {
    const net = ends()
    const heard: Uint8Array[] = []
    let peer: TcpSocket | undefined
    listen(net.server, 80, (s, cause) => {
      peer = s
      const wake = (seq: number) => {
        const got = s.receive(seq)
        if (got.kind === 'data') heard.push(got.bytes)
      }
      s.onWake = wake
      wake(cause)
    })
    const t = talk(net, 80, '', true)
    net.wire.run(10_000_000)
    net.wire.log.length = 0
    const text = () => heard.map(fromUtf8).join('')
    return { ...net, t, socket: t.socket, text, peer: () => peer as TcpSocket }
  }

  it('sends lost data again: a tail loss probe first, then at doubling timeouts', () => {
    const c = established()
    let losses = 5
    c.wire.filter = (f) => (f.from === c.client && losses-- > 0 ? 'lose' : 'pass')
    c.socket.send(utf8('data'), c.wire.rec.last)
    c.wire.run(10 * S)
    expect(c.text()).toBe('data')
    const times = c.wire.log.filter((l) => l.includes('1:5')).map((l) => Math.round(Number(l.slice(0, 9)) - 10))
    expect(times).toEqual([0, 201, 402, 804, 1608, 3216])
  })

  it.each([
    [1, 'ten segments', ['1:3', '3:5']],
    [2, 'one', ['1:3']],
  ] as const)('begins, after %i lost SYN, with %s', (lost, _, most) => {
    const net = ends()
    listen(net.server, 80, () => {})
    let left: number = lost
    net.wire.filter = (f) => (f.from === net.client && (left-- > 0 || f.pkt.payload.length > 0) ? 'lose' : 'pass')
    const t = talk(net, 80, '', true)
    net.wire.run(4 * S)
    net.wire.log.length = 0
    t.socket.set({ noDelay: true })
    for (const text of ['da', 'ta']) t.socket.send(utf8(text), net.wire.rec.last)
    net.wire.run(1_000_000)
    expect(net.wire.log.flatMap((l) => /\[P\.\] (\d+:\d+)/.exec(l)?.[1] ?? [])).toEqual(most)
  })

  it('waits three times as long as the only round trip that it has seen', () => {
    const net = ends()
    listen(net.server, 80, () => {})
    let answers = 1
    net.wire.filter = (f) => ((f.from === net.server ? answers-- > 0 : f.pkt.payload.length > 0) ? 'lose' : 'pass')
    const t = talk(net, 80, '', true)
    net.wire.run(1.1 * S)
    net.wire.log.length = 0
    t.socket.send(utf8('data'), net.wire.rec.last)
    net.wire.run(13 * S)
    const times = net.wire.log.filter((l) => l.includes('[P.] 1:5')).map((l) => Number(l.slice(0, 9)))
    const [first = 0] = times
    // The first SYN ACK was lost: a round trip of a second. A probe after two and the time that an ACK may take, then the timeout.
    expect(times.map((at) => Math.round((at - first) / 100) * 100)).toEqual([0, 2200, 5200, 11_200])
  })

  it.each([
    [1, [0, 201, 402, 603, 804, 1005]],
    [3, [0, 201, 402, 804, 1608, 3216]],
  ] as const)('takes ICMP unreachable code %i for no way or for a loss (RFC 6069)', (code, expected) => {
    const c = established()
    let errors = 5
    c.wire.filter = (f) => (f.from === c.client && errors-- > 0 ? { icmp: { type: 3, code } } : 'pass')
    c.socket.send(utf8('data'), c.wire.rec.last)
    c.wire.run(10 * S)
    expect(c.text()).toBe('data')
    const times = c.wire.log.filter((l) => l.includes('1:5')).map((l) => Math.round(Number(l.slice(0, 9)) - 10))
    expect(times).toEqual(expected)
  })

  it('gives up after tcp_retries2 timeouts, about a quarter of an hour', () => {
    expect(modelTimeout(15) / S).toBeCloseTo(924.6)
    const c = established()
    c.wire.filter = () => 'lose'
    c.socket.send(utf8('data'), c.wire.rec.last)
    c.wire.run(900 * S)
    expect(c.t.errno).toBeUndefined()
    c.wire.run(200 * S)
    expect(c.t.errno).toBe('ETIMEDOUT')
  })

  it('reports the ICMP error that it heard on the way instead of "timed out"', () => {
    const c = established()
    c.wire.filter = (f) => (f.from === c.client ? { icmp: { type: 3, code: 1 } } : 'pass')
    c.socket.send(utf8('data'), c.wire.rec.last)
    c.wire.run(2000 * S)
    expect(c.t.errno).toBe('EHOSTUNREACH')
  })

  it('fills a hole by fast retransmit: SACK names what came, one segment goes again', () => {
    const c = established()
    let lost = false
    c.wire.filter = (f) => {
      const hit = !lost && f.pkt.payload.length > 0
      lost ||= hit
      return hit ? 'lose' : 'pass'
    }
    c.socket.send(new Uint8Array(1448 * 5), c.wire.rec.last)
    c.wire.run(100_000_000)
    expect(c.text().length).toBe(1448 * 5)
    const again = c.wire.log.filter((l) => l.includes(' 1:1449 '))
    expect(again.map((l) => Math.round((Number(l.slice(0, 9)) - 10) * 10) / 10)).toEqual([0, 1])
    expect(c.wire.log.some((l) => l.includes('sack 1449:2897'))).toBe(true)
  })

  it('knows by RACK that what was sent before the FIN is lost, a reordering window after the FIN was named by SACK', () => {
    const c = established()
    c.wire.filter = (f) => (f.pkt.payload.length > 0 ? 'lose' : 'pass')
    c.socket.send(utf8('data'), c.wire.rec.last)
    c.socket.shutdown(c.wire.rec.last)
    c.wire.run(S / 2)
    const sent = c.wire.log.filter((l) => l.includes('.1 > .2'))
    expect(sent.map((l) => l.slice(10, 28))).toEqual([
      '.1 > .2 [P.] 1:5 a',
      '.1 > .2 [F.] 5 ack',
      '.1 > .2 [P.] 1:5 a',
      '.1 > .2 [P.] 1:5 a',
    ])
    // A quarter of the round trip of 1 ms and 2 ms of patience after the SACK; then the timeout. The FIN never goes again.
    const times = sent.map((l) => Number(l.slice(0, 9)) - Number(sent[0]?.slice(0, 9)))
    expect(times[2]).toBeCloseTo(1 + 0.25 + 2, 0)
    expect(times[3]).toBeGreaterThan(200)
    expect(c.wire.log.some((l) => l.includes('sack 5:6'))).toBe(true)
  })

  it('keeps the doubled timeout until a round trip is really measured, and probes no tail while something is amiss', () => {
    const c = established()
    let losses = 3
    c.wire.filter = (f) => (f.pkt.payload.length > 0 && losses-- > 0 ? 'lose' : 'pass')
    c.socket.send(utf8('data'), c.wire.rec.last)
    c.wire.run(2 * S)
    expect(c.text()).toBe('data')
    c.wire.log.length = 0
    c.wire.filter = (f) => (f.pkt.payload.length > 0 ? 'lose' : 'pass')
    c.socket.send(utf8('more'), c.wire.rec.last)
    c.wire.run(S)
    const times = c.wire.log.filter((l) => l.includes('5:9')).map((l) => Number(l.slice(0, 9)))
    const first = times[0] ?? 0
    // Measured again by the echoed timestamp: probe, then the timeout without any doubling before it.
    expect(times.slice(1, 3).map((t) => Math.round((t - first) / 10) * 10)).toEqual([200, 400])
  })

  it('takes smaller segments when a router says that fragmentation is needed', () => {
    const c = established()
    c.wire.filter = (f) => (ipLength(f.pkt) > 1400 ? { icmp: { type: 3, code: 4, info: 1400 } } : 'pass')
    c.socket.send(new Uint8Array(2000), c.wire.rec.last)
    c.wire.run(1 * S)
    expect(c.text().length).toBe(2000)
    // 1400 less 20 of IP, 20 of TCP and 12 of timestamps.
    expect(c.wire.log.some((l) => l.includes(' 1:1349 '))).toBe(true)
  })

  it('is reset when the other end closes with data unread', () => {
    const net = ends()
    let peer: TcpSocket | undefined
    listen(net.server, 80, (s) => {
      peer = s
    })
    const t = talk(net, 80, 'GET', true)
    net.wire.run(5_000_000)
    peer?.close(net.wire.rec.last)
    net.wire.run(1 * S)
    expect(t.errno).toBe('ECONNRESET')
    expect(net.wire.log.at(-1)).toContain('.2 > .1 [R.] 1 ack 4')
    expect(net.wire.socketsOf(net.client)).toEqual([])
  })

  it('believes a reset only with exactly the next number', () => {
    const c = established()
    const { local, remote } = c.socket
    const rst = (offset: number) => {
      const p = new Packet()
      p.protocol = IPPROTO.TCP
      p.src = remote.address
      p.dst = local.address
      p.sport = remote.port
      p.dport = local.port
      p.tcpFlags = TCP.RST
      // The connection's next number follows from what it acknowledged last.
      p.seq = (lastAck(c) + offset) >>> 0
      return p
    }
    c.wire.inject(c.server, rst(100))
    c.wire.run(10_000_000)
    expect(c.socket.state).toBe('ESTABLISHED')
    expect(c.wire.log.at(-1)).toMatch(/\.1 > \.2 \[\.\]/)
    c.wire.inject(c.server, rst(-70_000))
    c.wire.run(10_000_000)
    expect(c.socket.state).toBe('ESTABLISHED')
    expect(c.wire.log.at(-1)).toContain('drop TCP_INVALID_SEQUENCE')
    c.wire.inject(c.server, rst(0))
    c.wire.run(10_000_000)
    expect(c.t.errno).toBe('ECONNRESET')
  })

  it('acknowledges a segment that it has already, and hands it over once', () => {
    const c = established()
    let copy: Packet | undefined
    c.wire.filter = (f) => {
      if (f.pkt.payload.length > 0) copy ??= new Packet().copyFrom(f.pkt)
      return 'pass'
    }
    c.socket.send(utf8('data'), c.wire.rec.last)
    c.wire.run(10_000_000)
    if (copy !== undefined) c.wire.inject(c.client, copy)
    c.wire.run(10_000_000)
    expect(c.text()).toBe('data')
    expect(c.wire.log.slice(-2).map((l) => l.slice(10))).toEqual(['drop TCP_OLD_DATA', '.2 > .1 [.] 1 ack 5 win 510 sack 1:5'])
  })

  it('answers what belongs to no connection with a reset that takes its number from the ACK', () => {
    const { wire, client, server } = ends()
    const p = new Packet()
    p.protocol = IPPROTO.TCP
    p.src = client.address
    p.dst = server.address
    p.sport = 40000
    p.dport = 80
    p.seq = 1000
    p.ack = 7777
    p.tcpFlags = TCP.ACK | TCP.PSH
    p.payload = utf8('x')
    const seen: Packet[] = []
    wire.filter = (f) => {
      seen.push(f.pkt)
      return 'pass'
    }
    wire.inject(client, p)
    wire.run(1 * S)
    expect(seen.map((q) => [q.tcpFlags, q.seq, q.ack])).toEqual([
      [TCP.ACK | TCP.PSH, 1000, 7777],
      [TCP.RST, 7777, 0],
    ])
  })
})

/** The last number that the client acknowledged. */
function lastAck(c: { wire: TestWire; client: { address: number } }): number {
  let ack = 0
  const { rec } = c.wire
  const trace = rec.seal([])
  for (let i = 0; i < trace.packets.length; i++) {
    const at = i * (trace.packets.rows.length / trace.packets.length)
    if ((trace.packets.rows[at + 11] ?? 0) >>> 0 === c.client.address && ((trace.packets.rows[at + 17] ?? 0) & TCP.ACK) !== 0) {
      ack = (trace.packets.rows[at + 16] ?? 0) >>> 0
    }
  }
  return ack
}

describe('ports', () => {
  it('come from 32768 to 60999, never twice for one destination, the same in every run', () => {
    const draw = () => {
      const net = ends()
      net.wire.filter = () => 'lose'
      return Array.from({ length: 50 }, () => {
        const s = net.client.sockets.tcp(undefined)
        s.connect(net.server.address, 80, -1)
        return s.local.port
      })
    }
    const ports = draw()
    expect(new Set(ports).size).toBe(50)
    expect(ports.every((p) => p >= 32768 && p <= 60999 && p % 2 === 0)).toBe(true)
    expect(draw()).toEqual(ports)
  })

  it('cannot be bound twice, nor an address that is not ours', () => {
    const { client, server } = ends()
    const bind = (port: number, address = ANY) => client.sockets.tcp(undefined).bind(address, port)
    expect(bind(8080).ok).toBe(true)
    expect(bind(8080)).toEqual({ ok: false, error: 'EADDRINUSE' })
    expect(bind(8080, client.address)).toEqual({ ok: false, error: 'EADDRINUSE' })
    expect(bind(8081, server.address)).toEqual({ ok: false, error: 'EADDRNOTAVAIL' })
  })

  it('in TIME_WAIT are free again only for a server that says SO_REUSEADDR', () => {
    const net = ends()
    listen(net.server, 80, answer)
    const socket = net.client.sockets.tcp(undefined)
    socket.bind(ANY, 5000)
    socket.onWake = (cause) => socket.close(cause)
    socket.connect(net.server.address, 80, -1)
    net.wire.run(1 * S)
    expect(net.wire.socketsOf(net.client)[0]).toContain('TIME_WAIT')
    const again = net.client.sockets.tcp(undefined)
    expect(again.bind(ANY, 5000)).toEqual({ ok: false, error: 'EADDRINUSE' })
  })
})

describe('the trace', () => {
  it('writes a lookup and a closing step for every packet, and every change of state with its record', () => {
    const net = ends()
    listen(net.server, 80, answer)
    talk(net, 80, 'GET')
    net.wire.run(1 * S)
    const trace = net.wire.rec.seal([])
    const states: string[] = []
    for (let i = 0; i < trace.events.length; i++) {
      expect(trace.events.cause[i] ?? 0).toBeLessThan(i)
      if (trace.events.kind[i] !== STEP.tcpState) continue
      const name = trace.refs[trace.events.a[i] ?? -1]?.replace('sock:pod/', '')
      states.push(`${name} ${trace.texts[trace.events.b[i] ?? -1]} ${trace.texts[trace.events.c[i] ?? -1]}`)
    }
    expect(states).toEqual([
      'web/1 CLOSED LISTEN',
      'client/1 CLOSED SYN_SENT',
      'web/2 LISTEN SYN_RECV',
      'client/1 SYN_SENT ESTABLISHED',
      'web/2 SYN_RECV ESTABLISHED',
      'client/1 ESTABLISHED FIN_WAIT1',
      'web/2 ESTABLISHED CLOSE_WAIT',
      'web/2 CLOSE_WAIT LAST_ACK',
      'client/1 FIN_WAIT1 FIN_WAIT2',
      'client/1 FIN_WAIT2 TIME_WAIT',
      'web/2 LAST_ACK CLOSED',
    ])
    const count = (kind: number) => trace.events.kind.filter((k) => k === kind).length
    expect(count(STEP.socketLookup)).toBe(trace.packets.length)
    expect(count(STEP.deliver) + count(STEP.drop)).toBe(trace.packets.length)
  })
})
