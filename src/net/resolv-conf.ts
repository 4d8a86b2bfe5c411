import { formatIpv4, type Ipv4, ipv4, parseIpv4 } from './address.ts'

/** /etc/resolv.conf as glibc reads it (res_vinit_1, resolv.conf(5)). Names without a dot at the end. */
export interface ResolvConf {
  /** At most three (MAXNS); 127.0.0.1 where none is named. */
  readonly nameservers: readonly Ipv4[]
  readonly search: readonly string[]
  readonly ndots: number
  /** Seconds for one attempt at one server (RES_TIMEOUT). */
  readonly timeout: number
  /** Rounds through the servers (RES_DFLRETRY). */
  readonly attempts: number
  readonly rotate: boolean
  /** A and AAAA one after the other, from one socket. */
  readonly singleRequest: boolean
  /** The same, each from a socket of its own. */
  readonly singleRequestReopen: boolean
  readonly noAaaa: boolean
  readonly edns0: boolean
  /** Every question over TCP (RES_USEVC). */
  readonly useVc: boolean
}

const LOCALHOST = ipv4(0x7f000001)
const MAXNS = 3
/** RES_MAXNDOTS, RES_MAXRETRANS, RES_MAXRETRY */
const MAX = { ndots: 15, timeout: 30, attempts: 5 } as const

/** Reads the file's text; undefined stands for a machine without one. Lines that it does not know are passed over, as glibc does. */
export function parseResolvConf(text: string | undefined): ResolvConf {
  const nameservers: Ipv4[] = []
  let search: string[] = []
  const options = new Map<string, string>()
  for (const line of (text ?? '').split('\n')) {
    if (line.startsWith('#') || line.startsWith(';')) continue
    const [word, ...rest] = line.trim().split(/\s+/)
    if (word === 'nameserver') {
      const address = parseIpv4(rest[0] ?? '')
      if (address.ok && nameservers.length < MAXNS) nameservers.push(address.value)
    } else if (word === 'search') search = rest
    else if (word === 'domain') search = rest.slice(0, 1)
    else if (word === 'options') {
      for (const option of rest) {
        const colon = option.indexOf(':')
        options.set(colon < 0 ? option : option.slice(0, colon), colon < 0 ? '' : option.slice(colon + 1))
      }
    }
  }
  const number = (name: keyof typeof MAX, usual: number): number => {
    const value = options.get(name)
    return value === undefined || !/^\d+$/.test(value) ? usual : Math.min(Number(value), MAX[name])
  }
  return {
    nameservers: nameservers.length === 0 ? [LOCALHOST] : nameservers,
    search: search.map((s) => s.replace(/\.$/, '')),
    ndots: number('ndots', 1),
    timeout: Math.max(1, number('timeout', 5)),
    attempts: Math.max(1, number('attempts', 2)),
    rotate: options.has('rotate'),
    singleRequest: options.has('single-request'),
    singleRequestReopen: options.has('single-request-reopen'),
    noAaaa: options.has('no-aaaa'),
    edns0: options.has('edns0'),
    useVc: options.has('use-vc'),
  }
}

/** One line of /etc/hosts: an IPv4 address and its names, the canonical one first. IPv6 lines are kept for their names alone. */
export interface HostsEntry {
  readonly address: Ipv4 | undefined
  readonly text: string
  readonly names: readonly string[]
}

/** hosts(5) */
export function parseHosts(text: string): HostsEntry[] {
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (address === '' || names.length === 0) return []
    const parsed = parseIpv4(address)
    return [{ address: parsed.ok ? parsed.value : undefined, text: parsed.ok ? formatIpv4(parsed.value) : address, names }]
  })
}
