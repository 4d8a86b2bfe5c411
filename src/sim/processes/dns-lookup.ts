import type { UdpSocket } from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { formatIpv4, IPV4_ANY, type Ipv4 } from '../../net/address.ts'
import { emitDns, parseDns } from '../../net/dns.ts'
import { DNS_PORT, type DnsMessage } from '../../net/dns-message.ts'
import { askOverTcp } from './dns-tcp.ts'
import type { Process } from './process.ts'
import { questionText, responseText } from './resolver-send.ts'

const SECOND = 1_000_000_000
/** BIND's sockets keep their segments out of the way of narrow tunnels (NM_MAXSEG of lib/isc/netmgr). */
const BIND_MAXSEG = 1220

export interface LookupParts {
  readonly process: Process
  readonly query: DnsMessage
  readonly servers: readonly Ipv4[]
  /** Seconds. */
  readonly timeout: number
  /** Of each server. */
  readonly tries: number
  /** Over a connection from the start (+tcp). */
  readonly tcp?: boolean
  /** Seconds for one answer over TCP, where it is not `timeout`. */
  readonly tcpTimeout?: number
  /** What did not fit into a datagram is asked for again over TCP: called before that. Without it such an answer is taken as it is. */
  readonly onTruncated?: (cause: number) => void
  /** Of every try; 0 for any. */
  readonly sourcePort?: number
  /** One try has come to nothing: `;; communications error to …` */
  readonly onError: (server: Ipv4, error: 'timed out' | 'connection refused', cause: number) => void
  readonly done: (found: LookupResult | undefined, cause: number) => void
}

export interface LookupResult {
  readonly message: DnsMessage
  readonly server: Ipv4
  /** Of the response, bytes. */
  readonly size: number
  readonly tcp: boolean
  /** ns from the query's sending to the response. */
  readonly time: number
}

/** One question as dig, host and nslookup ask it (bin/dig/dighost.c): a new socket for each try, every server in turn. */
export function lookUp(given: LookupParts, cause: number): void {
  let parts = given
  let left = parts.tries * parts.servers.length
  const attempt = (seq: number) => {
    const server = parts.servers[(parts.tries * parts.servers.length - left) % Math.max(1, parts.servers.length)]
    if (left-- <= 0 || server === undefined) {
      parts.done(undefined, seq)
      return
    }
    const ask = parts.tcp === true ? onceOverTcp : once
    ask(parts, server, seq, (found, at, error) => {
      if (found?.message.truncated === true && !found.tcp && parts.onTruncated !== undefined) {
        parts.onTruncated(at)
        // TCP mode holds for what is left of the lookup.
        left++
        parts = { ...parts, tcp: true }
        attempt(at)
        return
      }
      if (found !== undefined) {
        parts.done(found, at)
        return
      }
      parts.onError(server, error, at)
      attempt(at)
    })
  }
  attempt(cause)
}

type Done = (found: LookupResult | undefined, cause: number, error: 'timed out' | 'connection refused') => void

function onceOverTcp(parts: LookupParts, server: Ipv4, cause: number, done: Done): void {
  const { process, query, timeout, tcpTimeout = timeout, sourcePort = 0 } = parts
  const begun = process.now
  const [question] = query.questions
  const seq = process.step('connect', `${formatIpv4(server)}:${DNS_PORT}`, cause)
  let timer: Timer | undefined
  const end: Done = (found, at, error) => {
    timer?.cancel()
    done(found, at, error)
  }
  const giveUp = askOverTcp(
    {
      process,
      server,
      queries: [emitDns(query, { compress: false })],
      texts: [question === undefined ? '' : questionText(question)],
      sourcePort,
      maxSegment: BIND_MAXSEG,
      onMessage: (m, bytes, at) => {
        if (m.id !== query.id) return false
        const got = process.step('receive', responseText(m), at)
        end({ message: m, server, size: bytes.length, tcp: true, time: process.now - begun }, got, 'timed out')
        return true
      },
      onFailed: (error, at) => end(undefined, at, error),
    },
    seq,
  )
  timer = process.after(tcpTimeout * SECOND, 'lookup timeout', seq, (at) => {
    giveUp(at)
    done(undefined, at, 'timed out')
  })
}

function once({ process, query, timeout, sourcePort = 0 }: LookupParts, server: Ipv4, cause: number, done: Done): void {
  const socket: UdpSocket = process.sockets.udp(process.owner)
  // BIND's sockets let routers fragment what they send (isc__nm_socket_disable_pmtud).
  socket.discovery = 'dont'
  process.atExit(() => socket.close())
  const where = `${formatIpv4(server)}:${DNS_PORT}`
  const begun = process.now
  let timer: Timer | undefined
  const end = (found: LookupResult | undefined, at: number, error: 'timed out' | 'connection refused') => {
    timer?.cancel()
    socket.close()
    done(found, at, error)
  }
  const seq = process.step('connect', where, cause)
  const [question] = query.questions
  const sent = process.step('send', question === undefined ? '' : questionText(question), seq)
  const bound = sourcePort === 0 ? undefined : socket.bind(IPV4_ANY, sourcePort)
  const connected = bound?.ok === false ? bound : socket.connect(server, DNS_PORT)
  const went = connected.ok && socket.send(emitDns(query, { compress: false }), undefined, sent).ok
  if (!went) {
    timer = process.after(0, 'lookup', sent, (at) => end(undefined, at, 'connection refused'))
    return
  }
  timer = process.after(timeout * SECOND, 'lookup timeout', sent, (at) => end(undefined, at, 'timed out'))
  socket.onWake = (woken) => {
    if (socket.takeError() !== undefined) {
      end(undefined, process.step('error', `${where} Connection refused`, woken), 'connection refused')
      return
    }
    for (let d = socket.receive(); d !== undefined; d = socket.receive()) {
      const m = parseDns(d.bytes)
      if (!m.ok || m.value.id !== query.id || !m.value.response) continue
      const got = process.step('receive', responseText(m.value), d.cause)
      end({ message: m.value, server, size: d.bytes.length, tcp: false, time: process.now - begun }, got, 'timed out')
      return
    }
  }
}
