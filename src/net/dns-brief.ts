import { get16, get32 } from '../base/bytes.ts'
import { formatIpv4, ipv4 } from './address.ts'
import { readName } from './dns-name.ts'
import { IPPROTO, type Packet } from './packet.ts'

// A DNS message at a glance, for lines and chips. The whole message is read by dns.ts, which the page's first frame has no use for.

const PORT = 53
const HEADER = 12
const TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
}
const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED']

export interface DnsBrief {
  readonly id: number
  readonly response: boolean
  readonly rcode: string
  /** The question's; `A`, `TYPE65`. */
  readonly type: string
  readonly name: string
  /** Records in the answer, authority and additional sections. */
  readonly counts: readonly [number, number, number]
  /** The first A record of the answer. */
  readonly address: string | undefined
}

/** What a packet to or from port 53 says; undefined for any other, and for what does not begin with a question. */
export function dnsBrief(p: Packet): DnsBrief | undefined {
  if (p.protocol !== IPPROTO.UDP || p.fragmentOffset > 0 || (p.sport !== PORT && p.dport !== PORT)) return undefined
  const b = p.payload
  if (b.length < HEADER || get16(b, 4) !== 1) return undefined
  const name = readName(b, HEADER)
  if (name === undefined || name.next + 4 > b.length) return undefined
  const flags = get16(b, 2)
  const type = get16(b, name.next)
  const rcode = flags & 15
  const answers = get16(b, 6)
  return {
    id: get16(b, 0),
    response: flags >= 0x8000,
    rcode: RCODES[rcode] ?? `RCODE${rcode}`,
    type: TYPES[type] ?? `TYPE${type}`,
    name: name.name,
    counts: [answers, get16(b, 8), get16(b, 10)],
    address: firstAddress(b, name.next + 4, answers),
  }
}

function firstAddress(b: Uint8Array, from: number, count: number): string | undefined {
  let at = from
  for (let i = 0; i < count; i++) {
    const name = readName(b, at)
    if (name === undefined || name.next + 10 > b.length) return undefined
    const data = name.next + 10
    const length = get16(b, name.next + 8)
    if (get16(b, name.next) === 1 && length === 4 && data + 4 <= b.length) return formatIpv4(ipv4(get32(b, data)))
    at = data + length
  }
  return undefined
}

/** As tcpdump counts: `A? web.default.svc.cluster.local.`, `A 1/0/0 web.default.svc.cluster.local. 10.96.0.80`, `A NXDOMAIN 0/1/0 web.` */
export function summarizeDns(d: DnsBrief): string {
  if (!d.response) return `DNS ${d.type}? ${d.name}`
  const rcode = d.rcode === 'NOERROR' ? '' : `${d.rcode} `
  return `DNS ${d.type} ${rcode}${d.counts.join('/')} ${d.name}${d.address === undefined ? '' : ` ${d.address}`}`
}

/** `A ?`, `AAAA !`, `NXDOMAIN` */
export const dnsChip = (d: DnsBrief): string => (!d.response ? `${d.type} ?` : d.rcode === 'NOERROR' ? `${d.type} !` : d.rcode)
