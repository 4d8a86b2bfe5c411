import { ok } from '../../base/result.ts'
import { formatIpv4, type Ipv4, parseIpv4 } from '../../net/address.ts'
import {
  DNS_TYPES,
  type DnsMessage,
  type DnsRecord,
  dnsDataText,
  dnsQuery,
  dnsRcodeName,
  dnsTypeOf,
  RCODE,
} from '../../net/dns-message.ts'
import { fqdn, reverseName } from '../../net/dns-name.ts'
import { parseResolvConf, type ResolvConf } from '../../net/resolv-conf.ts'
import { type LookupResult, lookUp } from './dns-lookup.ts'
import { commandError } from './options.ts'
import { ANSWERED, failed, type Process } from './process.ts'
import type { Program } from './program.ts'

interface Asked {
  readonly name: string
  /** Undefined: A, then AAAA; PTR for an address. */
  readonly type: number | undefined
  readonly server: Ipv4 | undefined
}

const TIMEOUT = 5
const TRIES = 3

/** nslookup of BIND 9.18, not the interactive one. */
export const nslookup: Program = {
  name: 'nslookup',
  usage: 'nslookup [-type=TYPE] NAME|ADDRESS [SERVER]',
  prepare(argv) {
    let type: number | undefined
    const operands: string[] = []
    for (const word of argv.slice(1)) {
      const given = /^-(?:type|query|querytype|ty|q)=(.+)$/.exec(word)?.[1]
      if (given !== undefined) {
        type = dnsTypeOf(given)
        if (type === undefined) return commandError(`nslookup: unknown query type: ${given}`, 1)
      } else if (word.startsWith('-')) return commandError(`nslookup: unknown option ${word}; this nslookup knows -type=`, 1)
      else operands.push(word)
    }
    const [name, server, ...more] = operands
    if (name === undefined || more.length > 0)
      return commandError('nslookup: a name, and perhaps a server: the interactive mode is not modelled', 1)
    const address = server === undefined ? undefined : parseIpv4(server)
    if (address?.ok === false) return commandError(`nslookup: the server wants to be an IPv4 address, not "${server}"`, 1)
    const asked: Asked = { name, type, server: address?.value }
    return ok({ role: 'client', notes: [], start: (process, cause) => new Nslookup(process, asked).start(cause) })
  },
}

class Nslookup {
  readonly #process: Process
  readonly #asked: Asked
  readonly #conf: ResolvConf
  #headed = false

  constructor(process: Process, asked: Asked) {
    this.#process = process
    this.#asked = asked
    this.#conf = parseResolvConf(process.readFile('/etc/resolv.conf'))
  }

  start(cause: number): void {
    const { name, type } = this.#asked
    const address = parseIpv4(name)
    if (address.ok) this.#ask([reverseName(name)], type ?? DNS_TYPES.PTR, cause)
    else this.#ask(this.#candidates(), type ?? DNS_TYPES.A, cause)
  }

  /** nslookup searches: the suffixes first for a name with fewer dots than ndots. */
  #candidates(): string[] {
    const { name } = this.#asked
    const absolute = fqdn(name) ?? '.'
    if (name.endsWith('.')) return [absolute]
    const searched = this.#conf.search.map((s) => fqdn(`${name}.${s}`) ?? absolute)
    return name.split('.').length - 1 >= this.#conf.ndots ? [absolute, ...searched] : [...searched, absolute]
  }

  #ask(names: readonly string[], type: number, cause: number): void {
    const [name = '.', ...rest] = names
    const servers = this.#asked.server === undefined ? this.#conf.nameservers : [this.#asked.server]
    lookUp(
      {
        process: this.#process,
        query: dnsQuery(this.#process.rng('nslookup').next() >>> 16, name, type),
        servers,
        timeout: TIMEOUT,
        tries: TRIES,
        onTruncated: (seq) => this.#process.print(';; Truncated, retrying in TCP mode.', seq),
        onError: (server, error, seq) =>
          this.#process.print(`;; communications error to ${formatIpv4(server)}#53: ${error}`, seq),
        done: (found, seq) => {
          if (found === undefined) {
            this.#process.write(';; no servers could be reached\n\n', seq)
            this.#process.exit(1, failed('no answer', seq), seq)
          } else if (found.message.rcode === RCODE.NXDOMAIN && rest.length > 0) this.#ask(rest, type, seq)
          else this.#show(found, name, type, seq)
        },
      },
      cause,
    )
  }

  /** printmessage() of nslookup.c; after the A records of a name the AAAA records are asked for. */
  #show(found: LookupResult, name: string, type: number, cause: number): void {
    const { message: m } = found
    if (!this.#headed) {
      const server = formatIpv4(found.server)
      this.#process.write(`Server:\t\t${server}\nAddress:\t${server}#53\n\n`, cause)
      this.#headed = true
      if (m.rcode === RCODE.NOERROR && !m.authoritative) this.#process.print('Non-authoritative answer:', cause)
    }
    const more = this.#asked.type === undefined && type === DNS_TYPES.A
    if (m.rcode !== RCODE.NOERROR) {
      const what = name.replace(/\.$/, '')
      this.#process.write(`** server can't find ${what}: ${dnsRcodeName(m.rcode)}\n\n`, cause)
      this.#process.exit(1, failed(m.rcode === RCODE.NXDOMAIN ? 'EAI_NONAME' : 'EAI_AGAIN', cause), cause)
      return
    }
    if (m.answers.length === 0 && !more && this.#asked.type !== undefined) {
      this.#process.print(`*** Can't find ${this.#asked.name}: No answer`, cause)
    }
    this.#process.write(answerText(m), cause)
    if (more) this.#ask([name], DNS_TYPES.AAAA, cause)
    else {
      this.#process.print('', cause)
      this.#process.exit(0, ANSWERED, cause)
    }
  }
}

const answerText = (m: DnsMessage): string => m.answers.map(answerLine).join('')

function answerLine(r: DnsRecord): string {
  const name = r.name.replace(/\.$/, '')
  const data = dnsDataText(r.data)
  switch (r.type) {
    case DNS_TYPES.A:
    case DNS_TYPES.AAAA:
      return `Name:\t${name}\nAddress: ${data}\n`
    case DNS_TYPES.CNAME:
      return `${name}\tcanonical name = ${data}\n`
    case DNS_TYPES.PTR:
      return `${name}\tname = ${data}\n`
    case DNS_TYPES.SRV:
      return `${name}\tservice = ${data}\n`
    case DNS_TYPES.NS:
      return `${name}\tnameserver = ${data}\n`
    default:
      return `${name}\ttext = ${data}\n`
  }
}
