import { strerror, type UdpSocket } from '../../kernel/sockets/index.ts'
import { formatIpv4, IPV4_ANY, type Ipv4 } from '../../net/address.ts'
import { emitDns, parseDns } from '../../net/dns.ts'
import { DNS_PORT, DNS_TYPES, DNS_UDP_SIZE, type DnsMessage, dnsReply, optOf, RCODE } from '../../net/dns-message.ts'
import { type DnsListenerParts, OVER_TCP, serveDnsTcp } from './dns-tcp.ts'
import { failed, type Process } from './process.ts'
import type { Runnable } from './program.ts'
import { questionText, responseText } from './resolver-send.ts'

/** The length before a message has two octets. */
const DNS_TCP_SIZE = 65535

/** Hands a response over, once; `cause` is the seq that led to it, `cached` that nobody had to be asked for it again. */
export type Respond = (response: DnsMessage, cause: number, cached?: boolean) => void

/** What a question came over. */
export type DnsTransport = 'udp' | 'tcp'

export interface DnsServerParts {
  readonly address?: Ipv4
  /** `names always`: RFC 1035 compression in every response. `when needed`: only in one that would not fit otherwise. */
  readonly compress: 'always' | 'when needed'
  readonly handle: (query: DnsMessage, respond: Respond, cause: number, transport: DnsTransport) => void
  /** Of the TCP listener. */
  readonly backlog: number
}

/** What a DNS server listens on: for its program's `listens` and `alsoListens`. */
export const dnsListens = (address: Ipv4 | undefined, backlog: number): Pick<Runnable, 'listens' | 'alsoListens'> => {
  const at = { port: DNS_PORT, ...(address === undefined ? {} : { address }) }
  return { listens: { protocol: 'udp', backlog: 0, ...at }, alsoListens: [{ protocol: 'tcp', backlog, ...at }] }
}

/** A DNS server: reads queries from port 53, of datagrams and of connections (RFC 7766), and answers where they came from. */
export function serveDns(process: Process, parts: DnsServerParts, cause: number): void {
  if (!overUdp(process, parts, cause)) return
  const handle: DnsListenerParts['handle'] = (q, from, respond, at) => {
    const got = process.step('receive', `${askedText(q)} from ${from}${OVER_TCP}`, at)
    const send: Respond = (response, seq, cached) => {
      if (process.exited) return
      respond(responseBytes(q, response, parts.compress, 'tcp'), process.step('send', responseText(response, cached), seq))
    }
    answer(q, parts, send, got, 'tcp')
  }
  serveDnsTcp(process, { address: parts.address ?? IPV4_ANY, backlog: parts.backlog, handle }, cause)
}

const askedText = ({ questions: [question] }: DnsMessage): string =>
  question === undefined ? 'no question' : questionText(question)

function answer(q: DnsMessage, parts: DnsServerParts, respond: Respond, got: number, transport: DnsTransport): void {
  if (q.questions.length === 0 || q.opcode !== 0) respond(dnsReply(q, { rcode: RCODE.NOTIMP }), got)
  else parts.handle(q, respond, got, transport)
}

function overUdp(process: Process, parts: DnsServerParts, cause: number): boolean {
  const socket = process.sockets.adoptUdp(process.owner.id, DNS_PORT) ?? open(process, parts, cause)
  if (socket === undefined) return false
  process.atExit(() => socket.close())
  socket.onWake = () => {
    for (let d = socket.receive(); d !== undefined; d = socket.receive()) {
      const query = parseDns(d.bytes)
      if (!query.ok || query.value.response) continue
      const { from } = d
      const q = query.value
      const got = process.step('receive', `${askedText(q)} from ${formatIpv4(from.address)}:${from.port}`, d.cause)
      const respond: Respond = (response, at, cached) => {
        if (process.exited) return
        const bytes = responseBytes(q, response, parts.compress, 'udp')
        // What does not fit is known by its bytes.
        const cut = !response.truncated && isTruncated(bytes)
        const text = responseText(cut ? { ...response, truncated: true } : response, cached)
        socket.send(bytes, from, process.step('send', text, at))
      }
      answer(q, parts, respond, got, 'udp')
    }
  }
  return true
}

/** The TC bit. */
const isTruncated = (bytes: Uint8Array): boolean => ((bytes[2] ?? 0) & 2) !== 0

function open(process: Process, parts: DnsServerParts, cause: number): UdpSocket | undefined {
  const address = parts.address ?? IPV4_ANY
  process.step('listen', `bind ${formatIpv4(address)}:${DNS_PORT}`, cause)
  const socket = process.sockets.udp(process.owner)
  const bound = socket.bind(address, DNS_PORT)
  if (bound.ok) return socket
  process.print(`listen udp ${formatIpv4(address)}:${DNS_PORT}: bind: ${strerror(bound.error)}`, cause)
  process.exit(1, failed(bound.error), cause)
  return undefined
}

/** Options that a server echoes (coredns request/edns0.go): NSID, EXPIRE, COOKIE, keepalive, padding. */
const ECHOED: ReadonlySet<number> = new Set([3, 9, 10, 11, 12])

/** The OPT of a response follows the query's (RFC 6891 section 6.1.1): none without one. */
function withOpt(query: DnsMessage, response: DnsMessage): DnsMessage {
  const asked = optOf(query)
  const others = response.additional.filter((r) => r.type !== DNS_TYPES.OPT)
  if (asked === undefined) return { ...response, additional: others }
  const own = optOf(response)
  const options = own?.data.kind === 'opt' ? own.data.options : asked.data.kind === 'opt' ? asked.data.options : []
  const opt = {
    ...asked,
    name: '.',
    ttl: asked.ttl & 0xff00,
    data: { kind: 'opt' as const, options: options.filter((o) => ECHOED.has(o.code)) },
  }
  return { ...response, additional: [...others, opt] }
}

/** Response bytes that fit into what the client takes (512 in a datagram without EDNS); records that do not fit are left out, and TC says so. */
export function responseBytes(
  query: DnsMessage,
  response: DnsMessage,
  compress: DnsServerParts['compress'],
  transport: DnsTransport,
): Uint8Array {
  const size = transport === 'tcp' ? DNS_TCP_SIZE : Math.max(DNS_UDP_SIZE, optOf(query)?.class ?? 0)
  let m = withOpt(query, response)
  const plain = compress === 'always' ? undefined : emitDns(m, { compress: false })
  if (plain !== undefined && plain.length <= size) return plain
  let bytes = emitDns(m, { compress: true })
  const keepsOpt = (records: DnsMessage['additional']) => records.filter((r) => r.type === DNS_TYPES.OPT)
  if (bytes.length > size) {
    m = { ...m, additional: keepsOpt(m.additional) }
    bytes = emitDns(m, { compress: true })
  }
  if (bytes.length > size) {
    m = { ...m, truncated: true, authority: [] }
    bytes = emitDns(m, { compress: true })
  }
  while (bytes.length > size && m.answers.length > 0) {
    m = { ...m, answers: m.answers.slice(0, -1) }
    bytes = emitDns(m, { compress: true })
  }
  return bytes
}
