import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { netnsId, processId } from '../../world/ids.ts'
import type { ProcessRecord } from '../../world/records.ts'
import { parseArgv, parseCommand } from './command.ts'
import { serverSockets } from './start.ts'
import { splitWords } from './words.ts'

const message = (run: string): string => {
  const r = parseCommand(run)
  return r.ok ? 'ok' : r.error.message
}
const words = (line: string) => {
  const r = splitWords(line)
  return r.ok ? r.value.map((t) => (t.kind === 'word' ? t.text : '|')) : r.error.message
}

describe('a command line', () => {
  it('splits into words as a shell splits it', () => {
    expect(words(`curl -H 'Host: a b' "x\\"y" z\\ z ''`)).toEqual(['curl', '-H', 'Host: a b', 'x"y', 'z z', ''])
    expect(words('echo hi | nc -u 192.0.2.1 53')).toEqual(['echo', 'hi', '|', 'nc', '-u', '192.0.2.1', '53'])
    expect(words("echo 'open")).toBe("the quote ' is never closed")
  })

  it('survives a round trip through quoting', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (list) => {
        const line = list.map((w) => `'${w.replaceAll("'", "'\\''")}'`).join(' ')
        expect(words(line)).toEqual(list)
      }),
    )
  })

  it('never throws, whatever is typed', () => {
    fc.assert(fc.property(fc.string(), (line) => typeof parseCommand(line).ok === 'boolean'))
    const word = fc.constantFrom('curl', 'ping', 'nc', '-c', '-s', '-m', '-l', '-p', '-u', '--', '192.0.2.1', '80', 'x', '|', "'")
    fc.assert(fc.property(fc.array(word), (list) => typeof parseCommand(list.join(' ')).ok === 'boolean'))
  })

  it('says what exists when a program or an option does not', () => {
    expect(message('wget http://192.0.2.1/')).toMatch(
      /^wget: no such program here; there are curl, ping, nc, (\S+, )*dig, nslookup, getent/,
    )
    expect(message('')).toMatch(/^no command given; there are curl, ping, nc, /)
    expect(message('ping -Z 192.0.2.1')).toMatch(/^ping: unknown option -Z; this ping knows -c -i -s /)
    expect(message('curl --http3 http://192.0.2.1/')).toMatch(/^curl: unknown option --http3; this curl knows -s /)
    expect(message('curl http://a/ && ping b')).toMatch(/^"&" is not understood/)
    expect(message('cat x | nc 192.0.2.1 80')).toBe('a pipe can only be echo TEXT | COMMAND or printf TEXT | COMMAND')
  })

  it('checks what the programs themselves would refuse', () => {
    expect(message('curl')).toBe('curl: no URL specified')
    expect(message('curl https://192.0.2.1/')).toBe('curl: https://192.0.2.1/: TLS is not modelled, use http://')
    expect(message('curl http://192.0.2.1:99999/')).toContain('port 99999')
    expect(message('curl -m x http://192.0.2.1/')).toBe('curl: -m wants a number from 0 to 2000000, not "x"')
    expect(message('ping')).toBe('ping: usage error: Destination address required')
    expect(message('ping -M maybe 192.0.2.1')).toBe('ping: invalid -M argument: maybe; it is do, want or dont')
    expect(message('nc 192.0.2.1')).toBe('nc: usage: nc [options] HOST PORT[-PORT]')
    expect(message('nc -l')).toBe('nc: nc -l wants a port: nc -l [-p] PORT')
  })

  it('says when a default was chosen that the program does not have', () => {
    const notes = (run: string) => {
      const r = parseCommand(run)
      return r.ok ? r.value.runnable.notes : r.error.message
    }
    expect(notes('ping 192.0.2.1')).toEqual(['ping without -c never ends by itself; here it stops after 4 probes'])
    expect(notes('ping -c 1 192.0.2.1')).toEqual([])
    expect(notes('nc 192.0.2.1 80')).toEqual(['nc without -w waits for ever; here it gives up after 5 seconds of silence'])
    expect(notes('nc -z 192.0.2.1 80')).toEqual([])
  })

  it('knows servers from clients', () => {
    const role = (...argv: string[]) => {
      const r = parseArgv(argv)
      return r.ok ? r.value.runnable.role : r.error.message
    }
    expect([role('httpd', '-p', '8080'), role('udp-echo'), role('nc', '-l', '80'), role('nc', '192.0.2.1', '80')]).toEqual([
      'server',
      'server',
      'server',
      'client',
    ])
  })
})

describe('the servers of a world', () => {
  const record = (n: number, ...argv: string[]): ProcessRecord => ({
    kind: 'process',
    id: processId('pod/web', n),
    netns: netnsId('pod/web'),
    pid: 10 + n,
    argv,
    state: 'running',
    output: '',
    origin: { component: 'runtime' },
  })

  it('have their sockets before anything runs', () => {
    const list = [
      record(1, 'httpd', '-p', '8080'),
      record(2, 'udp-echo', '-p', '5353'),
      record(3, 'pause'),
      record(4, 'httpd', '-p', '8080'),
    ]
    const sockets = serverSockets(new Map(list.map((r) => [r.id, r])))
    expect(sockets.map((s) => `${s.id} ${s.protocol} ${s.state} ${s.local.port} ${s.process}`)).toEqual([
      'sock:pod/web/1 tcp LISTEN 8080 proc:pod/web/1',
      'sock:pod/web/2 udp UNCONN 5353 proc:pod/web/2',
    ])
  })
})
