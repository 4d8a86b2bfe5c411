import { ok } from '../../base/result.ts'
import { formatIpv4 } from '../../net/address.ts'
import { DNS_TYPES, type DnsMessage, dnsQuery, RCODE } from '../../net/dns-message.ts'
import { fqdn } from '../../net/dns-name.ts'
import { parseResolvConf, type ResolvConf } from '../../net/resolv-conf.ts'
import { type DigLookup, parseDig } from './dig-options.ts'
import { greeting, printed, timeOfDay } from './dig-output.ts'
import { type LookupResult, lookUp } from './dns-lookup.ts'
import { commandError } from './options.ts'
import { ANSWERED, failed, type Process } from './process.ts'
import type { Program } from './program.ts'
import { getaddrinfo } from './resolver.ts'

/** dig's EDNS buffer size, bytes. */
const UDP_SIZE = 1232
const COOKIE = 10
/** No reply from a server. */
const NO_REPLY = 9

/** dig of BIND 9.18. */
export const dig: Program = {
  name: 'dig',
  usage:
    'dig [@SERVER] [-b 0.0.0.0#PORT] [-t TYPE] [-x ADDRESS] [+short] [+search] [+norecurse] [+tcp] [+noall +answer …] NAME [TYPE]',
  prepare(argv) {
    const lookup = parseDig(argv)
    if (!lookup.ok) return lookup
    if (fqdn(lookup.value.name) === undefined) {
      return commandError(`dig: '${lookup.value.name}' is not a legal name (empty label)`, 10)
    }
    return ok({ role: 'client', notes: [], start: (process, cause) => new Dig(process, lookup.value).start(cause) })
  },
}

class Dig {
  readonly #process: Process
  readonly #lookup: DigLookup
  readonly #conf: ResolvConf
  readonly #cookie: string
  /** Names that are still to be tried. */
  #names: string[]
  #greeted = false

  constructor(process: Process, lookup: DigLookup) {
    this.#process = process
    this.#lookup = lookup
    this.#conf = parseResolvConf(process.readFile('/etc/resolv.conf'))
    const rng = process.rng('dig cookie')
    this.#cookie = [rng.next(), rng.next()].map((n) => n.toString(16).padStart(8, '0')).join('')
    this.#names = this.#candidates()
  }

  /** Without +search the name is absolute, with or without its dot. */
  #candidates(): string[] {
    const { name, search } = this.#lookup
    const absolute = fqdn(name) ?? '.'
    if (!search || name.endsWith('.')) return [absolute]
    const dots = name.split('.').length - 1
    const searched = this.#conf.search.map((s) => fqdn(`${name}.${s}`) ?? absolute)
    return dots >= this.#conf.ndots ? [absolute, ...searched] : [...searched, absolute]
  }

  start(cause: number): void {
    const { server, serverAddress } = this.#lookup
    if (server === undefined || serverAddress !== undefined) {
      this.#ask(serverAddress === undefined ? this.#conf.nameservers : [serverAddress], cause)
      return
    }
    getaddrinfo(this.#process, { name: server, family: 'unspec' }, cause, (resolved, seq) => {
      if (resolved.kind === 'found') {
        this.#ask(resolved.addresses, seq)
        return
      }
      this.#process.print(`dig: couldn't get address for '${server}': not found`, seq)
      this.#process.exit(10, failed(resolved.error, resolved.decidedBy), seq)
    })
  }

  #ask(servers: LookupResult['server'][] | readonly LookupResult['server'][], cause: number): void {
    const { timeout, tcpTimeout, tries, sourcePort, tcp, ignore, show } = this.#lookup
    const onTruncated = (seq: number) => {
      if (show.comments) this.#process.print(';; Truncated, retrying in TCP mode.', seq)
    }
    const name = this.#names.shift() ?? '.'
    lookUp(
      {
        process: this.#process,
        query: this.#query(name),
        servers,
        timeout,
        tcpTimeout,
        tries,
        sourcePort,
        tcp,
        ...(ignore ? {} : { onTruncated }),
        onError: (server, error, seq) => {
          this.#process.print(`;; communications error to ${formatIpv4(server)}#53: ${error}`, seq)
        },
        done: (found, seq) => {
          if (found === undefined) this.#unanswered(seq)
          else if (found.message.rcode === RCODE.NXDOMAIN && this.#names.length > 0) this.#ask(servers, seq)
          else this.#show(found, seq)
        },
      },
      cause,
    )
  }

  #query(name: string): DnsMessage {
    const { type, recurse, edns, cookie, adflag } = this.#lookup
    const bytes = Uint8Array.from(this.#cookie.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16))
    const options = cookie ? [{ code: COOKIE, bytes }] : []
    const opt = { name: '.', type: DNS_TYPES.OPT, class: UDP_SIZE, ttl: 0, data: { kind: 'opt', options } as const }
    const id = this.#process.rng('dig').next() >>> 16
    return dnsQuery(id, name, type, { recursionDesired: recurse, authenticData: adflag, additional: edns ? [opt] : [] })
  }

  #greet(cause: number): void {
    if (!this.#greeted) this.#process.write(greeting(this.#lookup), cause)
    this.#greeted = true
  }

  #show(found: LookupResult, cause: number): void {
    this.#greet(cause)
    this.#process.write(printed(this.#lookup, found, this.#cookie, timeOfDay(this.#process.now)), cause)
    this.#process.exit(0, ANSWERED, cause)
  }

  #unanswered(cause: number): void {
    this.#greet(cause)
    this.#process.write(';; no servers could be reached\n\n', cause)
    this.#process.exit(NO_REPLY, failed('no answer', cause), cause)
  }
}
