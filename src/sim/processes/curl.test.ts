import { describe, expect, it } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import type { TcpSocket } from '../../kernel/sockets/index.ts'
import { TestWire } from '../../kernel/sockets/testing.ts'
import { ipv4 } from '../../net/address.ts'
import { TCP } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { shell, start } from './testing.ts'

function net() {
  const wire = new TestWire([
    { name: 'pod/client', address: '192.0.2.1' },
    { name: 'pod/web-1', address: '192.0.2.2' },
  ])
  return { wire, client: wire.host(0), server: wire.host(1) }
}

function withHttpd() {
  const n = net()
  start(n.server, 'httpd -p 80')
  return n
}

/** A server that does `serve` with every connection once data has come. */
function withServer(serve: (s: TcpSocket, cause: number) => void) {
  const n = net()
  const socket = n.server.sockets.tcp(undefined)
  socket.bind(ipv4(0), 80)
  socket.listen(16, -1)
  socket.onWake = (cause) => {
    for (let s = socket.accept(undefined); s !== undefined; s = socket.accept(undefined)) {
      const child = s
      const wake = (seq: number) => {
        if (child.receive(seq).kind === 'data') serve(child, seq)
      }
      child.onWake = wake
      wake(cause)
    }
  }
  return n
}

describe('curl', () => {
  it('prints who answered and whom they saw', () => {
    const { wire, client } = withHttpd()
    const r = shell(wire, client, 'curl http://192.0.2.2/')
    expect(r.code).toBe(0)
    expect(r.exit?.verdict).toEqual({ kind: 'answered' })
    expect(r.output).toMatch(/^Hostname: web-1\nRemoteAddr: 192\.0\.2\.1:\d+\nRequest: GET \/ HTTP\/1\.1\n$/)
  })

  it('-v tells the whole conversation as curl 8.5.0 does', () => {
    const { wire, client } = withHttpd()
    const r = shell(wire, client, "curl -v -H 'X-Test: 1' 192.0.2.2/path?q=1")
    expect(r.output.replace(/\d{5}\n/, 'PORT\n')).toMatchInlineSnapshot(`
      "*   Trying 192.0.2.2:80...
      * Connected to 192.0.2.2 (192.0.2.2) port 80
      > GET /path?q=1 HTTP/1.1
      > Host: 192.0.2.2
      > User-Agent: curl/8.5.0
      > Accept: */*
      > X-Test: 1
      > 
      < HTTP/1.1 200 OK
      < Content-Type: text/plain; charset=utf-8
      < Content-Length: 86
      < 
      Hostname: web-1
      RemoteAddr: 192.0.2.1:PORT
      Request: GET /path?q=1 HTTP/1.1
      X-Test: 1
      * Connection #0 to host 192.0.2.2 left intact
      "
    `)
  })

  it('--rate begins a transfer no sooner than the rate allows, and keeps the connection meanwhile', () => {
    const { wire, client } = withHttpd()
    const r = shell(wire, client, 'curl -v --rate 30/m http://192.0.2.2/one http://192.0.2.2/two')
    expect(r.output).toMatch(/Note: Transfer took \d+ ms, waits \d+ms as set by --rate\n\* Re-using existing connection/)
    expect(wire.rec.now / 1e9).toBeCloseTo(2, 0)
  })

  it('uses one connection for several URLs of one host', () => {
    const { wire, client } = withHttpd()
    const r = shell(wire, client, 'curl -sv http://192.0.2.2/a http://192.0.2.2/b')
    expect(r.output).toContain(
      '* Connection #0 to host 192.0.2.2 left intact\n* Re-using existing connection with host 192.0.2.2\n> GET /b',
    )
    expect(wire.log.filter((l) => l.includes('[S]'))).toHaveLength(1)
  })

  it('asks for headers only with -I, shows them with -i, and hides the body with -o', () => {
    const { wire, client } = withHttpd()
    expect(shell(wire, client, 'curl -I http://192.0.2.2/').output).toMatch(
      /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Length: \d+\r\n\r\n$/,
    )
    expect(shell(wire, client, 'curl -i http://192.0.2.2/').output).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nHostname: web-1\n/s)
    const w = "curl -s -o /dev/null -w '%{http_code} %{remote_ip}:%{remote_port} %{num_connects}\\n' http://192.0.2.2/"
    expect(shell(wire, client, w).output).toBe('200 192.0.2.2:80 1\n')
  })

  it('posts data with the headers that belong to it', () => {
    const { wire, client } = withHttpd()
    const r = shell(wire, client, "curl -v -d 'a=b' http://192.0.2.2/form")
    expect(r.output).toContain('> POST /form HTTP/1.1\n')
    expect(r.output).toContain('> Content-Length: 3\n> Content-Type: application/x-www-form-urlencoded\n')
    expect(r.output).toContain('Request: POST /form HTTP/1.1\n')
  })

  it('closes when asked to: Connection: close', () => {
    const { wire, client } = withHttpd()
    const r = shell(wire, client, "curl -v -H 'Connection: close' http://192.0.2.2/")
    expect(r.output).toContain('< Connection: close\n')
    expect(r.output).toContain('* Closing connection\n')
    // The server said it, so the server's FIN goes first and the server waits in TIME_WAIT, unless curl was quicker.
    expect(wire.log.filter((l) => l.includes('[F.]'))).toHaveLength(2)
  })

  it('(7) when the port is closed', () => {
    const { wire, client } = net()
    const r = shell(wire, client, 'curl -v http://192.0.2.2:81/')
    expect(r.code).toBe(7)
    expect(r.output.replace(/port \d{5} /, 'port PORT ')).toBe(
      [
        '*   Trying 192.0.2.2:81...',
        '* connect to 192.0.2.2 port 81 from 192.0.2.1 port PORT failed: Connection refused',
        "* Failed to connect to 192.0.2.2 port 81 after 1 ms: Couldn't connect to server",
        '* Closing connection',
        "curl: (7) Failed to connect to 192.0.2.2 port 81 after 1 ms: Couldn't connect to server",
        '',
      ].join('\n'),
    )
    const verdict = r.exit?.verdict
    expect(verdict).toMatchObject({ kind: 'failed', error: 'ECONNREFUSED' })
    // What decided is the delivery of the reset.
    const seq = verdict?.kind === 'failed' ? (verdict.decidedBy ?? -1) : -1
    expect(wire.rec.seal([]).events.kind[seq]).toBe(STEP.deliver)
  })

  it('(7) at once without a route', () => {
    const { wire, client } = net()
    client.route = 'none'
    const r = shell(wire, client, 'curl -v http://198.51.100.1/')
    expect(r.output).toContain('* Immediate connect fail for 198.51.100.1: Network is unreachable\n')
    expect(r.output).toContain("curl: (7) Failed to connect to 198.51.100.1 port 80 after 0 ms: Couldn't connect to server\n")
    expect(r.exit?.verdict).toMatchObject({ kind: 'failed', error: 'ENETUNREACH' })
  })

  it('(7) when a router says that the host is unreachable', () => {
    const { wire, client } = net()
    wire.filter = () => ({ icmp: { type: 3, code: 1 } })
    const r = shell(wire, client, 'curl -sS -v http://192.0.2.2/')
    expect(r.output).toMatch(/failed: No route to host\n/)
    expect([r.code, r.exit?.verdict]).toEqual([7, expect.objectContaining({ error: 'EHOSTUNREACH' })])
  })

  it('(28) in the words of each of the three ways to time out', () => {
    const { wire, client } = net()
    wire.filter = () => 'lose'
    expect(shell(wire, client, 'curl -m 2 http://192.0.2.2/').output).toBe(
      'curl: (28) Connection timed out after 2001 milliseconds\n',
    )
    expect(shell(wire, client, 'curl --connect-timeout 1.5 http://192.0.2.2/').output).toBe(
      'curl: (28) Failed to connect to 192.0.2.2 port 80 after 1501 ms: Timeout was reached\n',
    )
    const r = shell(wire, client, 'curl http://192.0.2.2/')
    expect(r.output).toBe("curl: (28) Failed to connect to 192.0.2.2 port 80 after 127000 ms: Couldn't connect to server\n")
    expect([r.code, r.exit?.verdict]).toEqual([28, expect.objectContaining({ error: 'ETIMEDOUT' })])
  })

  it('(28) while the answer does not come', () => {
    const { wire, client } = withServer(() => {})
    const r = shell(wire, client, 'curl -m 1 http://192.0.2.2/')
    expect(r.output).toBe('curl: (28) Operation timed out after 1001 milliseconds with 0 bytes received\n')
  })

  it('(52) when the server closes without a word', () => {
    const { wire, client } = withServer((s, cause) => s.close(cause))
    const r = shell(wire, client, 'curl http://192.0.2.2/')
    expect([r.code, r.output]).toEqual([52, 'curl: (52) Empty reply from server\n'])
  })

  it('(56) when the connection is reset', () => {
    const { wire, client } = withServer((s, cause) => s.abort(cause))
    const r = shell(wire, client, 'curl http://192.0.2.2/')
    expect([r.code, r.output]).toEqual([56, 'curl: (56) Recv failure: Connection reset by peer\n'])
    expect(r.exit?.verdict).toMatchObject({ kind: 'failed', error: 'ECONNRESET' })
  })

  it('--connect-to goes elsewhere, and asks for what the URL says', () => {
    const n = net()
    start(n.server, 'httpd -p 8080')
    const r = shell(n.wire, n.client, 'curl -sv --connect-to shop.example:80:192.0.2.2:8080 http://shop.example/cart')
    expect(r.code).toBe(0)
    expect(r.output).toMatch(
      /^\* Connecting to hostname: 192\.0\.2\.2\n\* Connecting to port: 8080\n\* {3}Trying 192\.0\.2\.2:8080\.\.\.\n/,
    )
    expect(r.output).toContain('> Host: shop.example\n')
    expect(shell(n.wire, n.client, 'curl --connect-to ::192.0.2.2:8080 http://other.example/').code).toBe(0)
    expect(() => start(n.client, 'curl --connect-to shop:192.0.2.2 http://shop.example/')).toThrow(/HOST1:PORT1:HOST2:PORT2/)
  })

  it('reads a body that comes in chunks, and keeps the connection', () => {
    const { wire, client } = withServer((s, cause) => {
      s.send(utf8('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n6;x=1\r\nworld\n\r\n0\r\n\r\n'), cause)
    })
    const r = shell(wire, client, 'curl -s http://192.0.2.2/ http://192.0.2.2/')
    expect([r.code, r.output]).toEqual([0, 'hello world\nhello world\n'])
  })

  it('(18) when a chunk is missing', () => {
    const { wire, client } = withServer((s, cause) => {
      s.send(utf8('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n'), cause)
      s.close(cause)
    })
    const r = shell(wire, client, 'curl http://192.0.2.2/')
    expect([r.code, r.output]).toEqual([18, 'hello\ncurl: (18) transfer closed with outstanding read data remaining\n'])
  })

  it('(18) when the answer is cut short', () => {
    const { wire, client } = withServer((s, cause) => {
      s.send(utf8('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'), cause)
      s.close(cause)
    })
    const r = shell(wire, client, 'curl http://192.0.2.2/')
    expect([r.code, r.output]).toEqual([18, 'abccurl: (18) transfer closed with 7 bytes remaining to read\n'])
  })

  it('(6) for a name that nothing resolves, and finds localhost, its own name and --resolve', () => {
    const { wire, client } = withHttpd()
    start(client, 'httpd -p 8080')
    expect(shell(wire, client, 'curl http://web/').output).toBe('curl: (6) Could not resolve host: web\n')
    expect(shell(wire, client, 'curl http://localhost:8080/').output).toContain('RemoteAddr: 127.0.0.1:')
    expect(shell(wire, client, 'curl http://client:8080/').output).toContain('Hostname: client')
    expect(shell(wire, client, 'curl -v --resolve web:80:192.0.2.2 http://web/').output).toContain(
      '* Connected to web (192.0.2.2) port 80\n> GET / HTTP/1.1\n> Host: web\n',
    )
  })

  it('-s says nothing, -sS only what went wrong', () => {
    const { wire, client } = net()
    expect(shell(wire, client, 'curl -s http://192.0.2.2/')).toMatchObject({ code: 7, output: '' })
    expect(shell(wire, client, 'curl -sS http://192.0.2.2/').output).toContain('curl: (7)')
  })

  it('--local-port decides the port, and fails when it is taken', () => {
    const { wire, client } = withHttpd()
    expect(shell(wire, client, 'curl --local-port 5000 http://192.0.2.2/').output).toContain('RemoteAddr: 192.0.2.1:5000\n')
    expect(shell(wire, client, 'curl --local-port 5000 http://192.0.2.2/')).toMatchObject({
      code: 45,
      output: 'curl: (45) bind failed with errno 98: Address already in use\n',
    })
    expect(shell(wire, client, 'curl --local-port 5000-5001 http://192.0.2.2/').output).toContain(':5001\n')
  })

  it('tries a kept connection that died once more, over a new one', () => {
    let first = true
    const n = net()
    const served: TcpSocket[] = []
    const socket = n.server.sockets.tcp(undefined)
    socket.bind(ipv4(0), 80)
    socket.listen(16, -1)
    socket.onWake = (cause) => {
      for (let s = socket.accept(undefined); s !== undefined; s = socket.accept(undefined)) {
        const child = s
        let answered = 0
        served.push(child)
        const wake = (seq: number) => {
          if (child.receive(seq).kind !== 'data') return
          if (first && answered++ > 0) {
            first = false
            child.abort(seq)
          } else child.send(utf8('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n'), seq)
        }
        child.onWake = wake
        wake(cause)
      }
    }
    const r = shell(n.wire, n.client, 'curl -v http://192.0.2.2/ http://192.0.2.2/')
    expect(r.code).toBe(0)
    expect(served).toHaveLength(2)
    expect(r.output).toContain('* Connection died, retrying a fresh connect (retry count: 1)\n')
  })
})

describe('a lossy way', () => {
  it('costs curl a second when the SYN is lost', () => {
    const { wire, client } = withHttpd()
    let lost = false
    wire.filter = (f) => {
      const hit = !lost && (f.pkt.tcpFlags & TCP.SYN) !== 0
      lost ||= hit
      return hit ? 'lose' : 'pass'
    }
    const r = shell(wire, client, "curl -s -o /dev/null -w '%{time_connect}' http://192.0.2.2/")
    expect(r.output).toBe('1.001000')
  })
})
