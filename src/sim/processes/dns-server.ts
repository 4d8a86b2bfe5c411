import { strerror, type UdpSocket } from '../../kernel/sockets/index.ts'
import { formatIpv4, IPV4_ANY, type Ipv4 } from '../../net/address.ts'
import { emitDns, parseDns } from '../../net/dns.ts'
import { DNS_PORT, DNS_TYPES, DNS_UDP_SIZE, type DnsMessage, dnsReply, optOf, RCODE } from '../../net/dns-message.ts'
import { failed, type Process } from './process.ts'
import { questionText, responseText } from './resolver-send.ts'

/** Hands a response over, once; `cause` is the seq that led to it, `cached` that nobody had to be asked for it again. */
export type Respond = (response: DnsMessage, cause: number, cached?: boolean) => void

export interface DnsServerParts {
  readonly address?: Ipv4
  /** `names always`: RFC 1035 compression in every response. `when needed`: only in one that would not fit otherwise. */
  readonly compress: 'always' | 'when needed'
  readonly handle: (query: DnsMessage, respond: Respond, cause: number) => void
}

/** The UDP side of a DNS server: reads queries from port 53, writes responses to where they came from. */
export function serveDns(process: Process, parts: DnsServerParts, cause: number): void {
  const socket = process.sockets.adoptUdp(process.owner.id, DNS_PORT) ?? open(process, parts, cause)
  if (socket === undefined) return
  process.atExit(() => socket.close())
  socket.onWake = () => {
    for (let d = socket.receive(); d !== undefined; d = socket.receive()) {
      const query = parseDns(d.bytes)
      if (!query.ok || query.value.response) continue
      const { from } = d
      const q = query.value
      const [question] = q.questions
      const where = `${formatIpv4(from.address)}:${from.port}`
      const got = process.step(
        'receive',
        `${question === undefined ? 'no question' : questionText(question)} from ${where}`,
        d.cause,
      )
      const respond: Respond = (response, at, cached) => {
        if (process.exited) return
        const bytes = responseBytes(q, response, parts.compress)
        socket.send(bytes, from, process.step('send', responseText(response, cached), at))
      }
      if (question === undefined || q.opcode !== 0) respond(dnsReply(q, { rcode: RCODE.NOTIMP }), got)
      else parts.handle(q, respond, got)
    }
  }
}

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

/** Response bytes that fit into what the client takes (512 without EDNS); records that do not fit are left out, and TC says so. */
export function responseBytes(query: DnsMessage, response: DnsMessage, compress: DnsServerParts['compress']): Uint8Array {
  const size = Math.max(DNS_UDP_SIZE, optOf(query)?.class ?? 0)
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
