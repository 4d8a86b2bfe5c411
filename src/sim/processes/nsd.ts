import { ok, type Result } from '../../base/result.ts'
import { type Ipv4, parseIpv4 } from '../../net/address.ts'
import { type DnsMessage, dnsReply, RCODE } from '../../net/dns-message.ts'
import { canonicalName, fqdn, isSubdomain } from '../../net/dns-name.ts'
import { dnsListens, type Respond, serveDns } from './dns-server.ts'
import { parseZone, type Zone, zoneAnswer } from './dns-zone.ts'
import { type CommandError, commandError, parseOptions } from './options.ts'
import type { Process } from './process.ts'
import type { Program } from './program.ts'

interface NsdOptions {
  readonly address: Ipv4 | undefined
  readonly conf: string
}

function parse(argv: readonly string[]): Result<NsdOptions, CommandError> {
  const options = parseOptions('nsd', argv, [
    { name: 'address', short: 'a', value: true },
    { name: 'conf', short: 'c', value: true },
  ])
  if (!options.ok) return options
  const text = options.value.value('address')
  const address = text === undefined ? undefined : parseIpv4(text)
  if (address?.ok === false) return commandError(`nsd: -a wants an IPv4 address, not "${text}"`)
  return ok({ address: address?.value, conf: options.value.value('conf') ?? '/etc/nsd/nsd.conf' })
}

/** NSD's TCP_BACKLOG. */
const BACKLOG = 256

/** NSD, an authoritative name server: it knows its zones, refers to the servers of those below, and asks nobody. */
export const nsd: Program = {
  name: 'nsd',
  usage: 'nsd [-a ADDRESS] [-c FILE]',
  prepare(argv) {
    const options = parse(argv)
    if (!options.ok) return options
    const { address, conf } = options.value
    return ok({
      role: 'server',
      notes: [],
      ...dnsListens(address, BACKLOG),
      start: (process, cause) => {
        const zones = zonesOf(process, conf)
        const handle = (q: DnsMessage, respond: Respond, at: number) => respond(answer(zones, q), at)
        serveDns(process, { ...(address === undefined ? {} : { address }), compress: 'always', backlog: BACKLOG, handle }, cause)
      },
    })
  },
}

/** nsd.conf(5): `zone:` with `name:` and `zonefile:`. */
function zonesOf(process: Process, conf: string): Zone[] {
  const zones: Zone[] = []
  let name: string | undefined
  for (const line of (process.readFile(conf) ?? '').split('\n')) {
    const m = /^\s*(name|zonefile):\s*"?([^"\s]+)"?/.exec(line)
    if (m?.[1] === 'name') name = fqdn(m[2] ?? '.')
    else if (m?.[1] === 'zonefile' && name !== undefined) zones.push(parseZone(process.readFile(m[2] ?? '') ?? '', name))
  }
  return zones
}

function answer(zones: readonly Zone[], query: DnsMessage): DnsMessage {
  const [question] = query.questions
  const name = canonicalName(question?.name ?? '.')
  const zone = zones.filter((z) => isSubdomain(z.origin, name)).toSorted((a, b) => b.origin.length - a.origin.length)[0]
  if (question === undefined || zone === undefined) return dnsReply(query, { rcode: RCODE.REFUSED })
  const found = zoneAnswer(zone, question.name, question.type)
  switch (found.kind) {
    case 'answer':
      return dnsReply(query, { authoritative: true, answers: found.answers, additional: found.additional })
    case 'referral':
      return dnsReply(query, { authority: found.authority, additional: found.additional })
    case 'nxdomain':
    case 'nodata': {
      const rcode = found.kind === 'nxdomain' ? RCODE.NXDOMAIN : RCODE.NOERROR
      return dnsReply(query, { authoritative: true, rcode, answers: found.answers, authority: found.authority })
    }
  }
}
