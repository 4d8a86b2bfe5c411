import { formatIpv4, IPV4_ANY, type Ipv4, ipv4, parseIpv4 } from '../../net/address.ts'
import { DNS_TYPES, type DnsMessage, dnsDataText, RCODE } from '../../net/dns-message.ts'
import { canonicalName, reverseName } from '../../net/dns-name.ts'
import { parseHosts, parseResolvConf } from '../../net/resolv-conf.ts'
import type { Process } from './process.ts'
import { sortDestinations } from './resolver-order.ts'
import { A_AND_AAAA, type Found, ResolverSearch } from './resolver-search.ts'
import type { ResolverState } from './resolver-send.ts'

/** Error codes of getaddrinfo(3) that a lookup of an address can end with. */
export type GaiError = 'EAI_NONAME' | 'EAI_NODATA' | 'EAI_AGAIN' | 'EAI_FAIL'

const MESSAGES: Readonly<Record<GaiError, string>> = {
  EAI_NONAME: 'Name or service not known',
  EAI_NODATA: 'No address associated with hostname',
  EAI_AGAIN: 'Temporary failure in name resolution',
  EAI_FAIL: 'Non-recoverable failure in name resolution',
}
/** gai_strerror(3) */
export const gaiStrerror = (error: GaiError): string => MESSAGES[error]

export type Resolved =
  | {
      readonly kind: 'found'
      /** In the order in which a program tries them. */
      readonly addresses: readonly Ipv4[]
      /** AI_CANONNAME: the name that has the addresses, without a dot at the end. */
      readonly canonicalName: string
    }
  | { readonly kind: 'failed'; readonly error: GaiError; readonly decidedBy: number }

export type OnResolved = (resolved: Resolved, cause: number) => void

export interface ResolveRequest {
  readonly name: string
  /** AF_INET asks for A alone; AF_UNSPEC for A and AAAA at once. */
  readonly family: 'inet' | 'unspec'
}

/**
 * getaddrinfo(3) of glibc with `hosts: files dns`: a literal address, /etc/hosts, then the servers of /etc/resolv.conf by real
 * packets. `done` is called with the seq that decided it, at once where no packet is needed. AAAA records are asked for, and
 * not used: sockets here speak IPv4.
 */
export function getaddrinfo(process: Process, request: ResolveRequest, cause: number, done: OnResolved): void {
  const { name, family } = request
  const literal = parseIpv4(name)
  if (literal.ok) {
    done({ kind: 'found', addresses: [literal.value], canonicalName: name }, cause)
    return
  }
  const local = fromHosts(process, name)
  if (local !== undefined) {
    done(local, cause)
    return
  }
  const seq = process.step('resolve', name, cause)
  new ResolverSearch({
    state: newState(process),
    name,
    types: family === 'inet' ? [DNS_TYPES.A] : A_AND_AAAA,
    done: (found, decided) => {
      const resolved = addressesOf(process, name, found, decided)
      const text = resolved.kind === 'found' ? resolved.addresses.map(formatIpv4).join(', ') : resolved.error
      done(resolved, process.step('resolve', `${name} → ${text}`, decided))
    },
  }).start(seq)
}

export type HostEntry =
  | { readonly kind: 'found'; readonly addresses: readonly string[]; readonly canonicalName: string }
  | { readonly kind: 'failed'; readonly error: GaiError; readonly decidedBy: number }

/** gethostbyname2(3): one family alone, addresses as text in the order of the answer. */
export function gethostbyname2(
  process: Process,
  { name, family }: { readonly name: string; readonly family: 'inet' | 'inet6' },
  cause: number,
  done: (found: HostEntry, cause: number) => void,
): void {
  const wanted = canonicalName(name.replace(/\.$/, ''))
  const here = hostsOf(process).filter(
    (h) => (h.address === undefined) === (family === 'inet6') && h.names.some((n) => canonicalName(n) === wanted),
  )
  const [first] = here
  if (first !== undefined) {
    done({ kind: 'found', addresses: here.map((h) => h.text), canonicalName: first.names[0] ?? name }, cause)
    return
  }
  const seq = process.step('resolve', name, cause)
  new ResolverSearch({
    state: newState(process),
    name,
    types: [family === 'inet' ? DNS_TYPES.A : DNS_TYPES.AAAA],
    done: (found, decided) => {
      const texts = found.kind === 'found' ? found.answers.flatMap((m) => (m === undefined ? [] : chase(m))) : []
      const [answer] = texts
      const text = answer?.texts.join(', ') ?? ''
      const at = process.step('resolve', `${name} → ${text === '' ? 'no address' : text}`, decided)
      if (answer !== undefined && answer.texts.length > 0) {
        done({ kind: 'found', addresses: answer.texts, canonicalName: answer.name.replace(/\.$/, '') }, at)
      } else {
        const error = found.kind === 'missing' ? gaiError(found) : 'EAI_NODATA'
        done({ kind: 'failed', error, decidedBy: decided }, at)
      }
    },
  }).start(seq)
}

/** getnameinfo(3): the name of an address, or undefined. */
export function getnameinfo(
  process: Process,
  address: Ipv4,
  cause: number,
  done: (name: string | undefined, cause: number) => void,
): void {
  const hosts = hostsOf(process).find((h) => h.address === address)
  if (hosts !== undefined) {
    done(hosts.names[0], cause)
    return
  }
  // res_nquery(): an absolute name, no search list.
  const name = reverseName(formatIpv4(address))
  const seq = process.step('resolve', formatIpv4(address), cause)
  new ResolverSearch({
    state: newState(process),
    name,
    types: [DNS_TYPES.PTR],
    done: (found, decided) => {
      const pointer = found.kind === 'found' ? found.answers[0]?.answers.find((r) => r.type === DNS_TYPES.PTR) : undefined
      const target = pointer?.data.kind === 'name' ? pointer.data.name.replace(/\.$/, '') : undefined
      done(target, process.step('resolve', `${formatIpv4(address)} → ${target ?? 'no name'}`, decided))
    },
  }).start(seq)
}

export function newState(process: Process): ResolverState {
  const conf = parseResolvConf(process.readFile('/etc/resolv.conf'))
  const rng = process.rng('resolver')
  return {
    process,
    conf,
    id: () => rng.next() >>> 16,
    singleRequest: conf.singleRequest || conf.singleRequestReopen,
    reopen: conf.singleRequestReopen,
  }
}

/** /etc/hosts, or what every machine's says where the world has none: localhost and its own name. */
function hostsOf(process: Process): ReturnType<typeof parseHosts> {
  const text = process.readFile('/etc/hosts')
  if (text !== undefined) return parseHosts(text)
  const own = [...process.ns.devices.values()].flatMap((d) => d.addresses.filter((a) => a.scope === 'global'))[0]
  const lines = own === undefined ? '' : `${formatIpv4(own.address)} ${process.hostname}\n`
  return parseHosts(`127.0.0.1 localhost\n${lines}`)
}

function fromHosts(process: Process, name: string): Resolved | undefined {
  const wanted = canonicalName(name.replace(/\.$/, ''))
  const entries = hostsOf(process).filter((h) => h.address !== undefined && h.names.some((n) => canonicalName(n) === wanted))
  const addresses = entries.flatMap((h) => h.address ?? [])
  const canonical = entries[0]?.names[0]
  return canonical === undefined ? undefined : { kind: 'found', addresses, canonicalName: canonical }
}

function addressesOf(process: Process, name: string, found: Found, cause: number): Resolved {
  if (found.kind === 'missing') return { kind: 'failed', error: gaiError(found), decidedBy: cause }
  const addresses: Ipv4[] = []
  let canonical = name
  for (const m of found.answers) {
    if (m === undefined || m.rcode !== RCODE.NOERROR) continue
    const here = chase(m)
    if (here.addresses.length === 0) continue
    canonical = here.name
    addresses.push(...here.addresses)
  }
  if (addresses.length === 0) return { kind: 'failed', error: 'EAI_NODATA', decidedBy: cause }
  const probe = process.sockets.udp(undefined)
  const source = (to: Ipv4): Ipv4 | undefined => {
    const from = probe.probe(to)
    return from.ok && from.value !== IPV4_ANY ? ipv4(from.value) : undefined
  }
  return {
    kind: 'found',
    addresses: sortDestinations(addresses, source),
    canonicalName: canonical.replace(/\.$/, ''),
  }
}

/** The addresses at the end of an answer's CNAMEs. */
function chase(m: DnsMessage): { readonly name: string; readonly addresses: readonly Ipv4[]; readonly texts: readonly string[] } {
  let name = m.questions[0]?.name ?? '.'
  const addresses: Ipv4[] = []
  const texts: string[] = []
  for (const r of m.answers) {
    if (canonicalName(r.name) !== canonicalName(name)) continue
    if (r.type === DNS_TYPES.CNAME && r.data.kind === 'name') name = r.data.name
    else if (r.data.kind === 'a') addresses.push(r.data.address)
    if (r.data.kind === 'a' || r.data.kind === 'aaaa') texts.push(dnsDataText(r.data))
  }
  return { name, addresses, texts }
}

function gaiError(found: Found & { kind: 'missing' }): GaiError {
  switch (found.error) {
    case 'TRY_AGAIN':
      return 'EAI_AGAIN'
    case 'NO_DATA':
      return 'EAI_NODATA'
    case 'NO_RECOVERY':
      return 'EAI_FAIL'
    case 'HOST_NOT_FOUND':
      return 'EAI_NONAME'
  }
}
