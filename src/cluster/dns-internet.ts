import { formatIpv4, ipv4 } from '../net/address.ts'
import type { Origin } from '../world/records.ts'
import type { NetnsBuilder } from './world-builder.ts'

// DNS outside the cluster: a recursive resolver, and the name servers that it asks from the root downwards. All of them are
// addresses of the Internet host, so that what they say to each other crosses its loopback and is seen there.

/** What nodes ask: a recursive resolver of their network. RFC 5737 TEST-NET-2. */
export const dnsResolverAddress = ipv4(0xc6336435)

interface NameServer {
  readonly name: string
  readonly address: number
  /** The zone that it serves, and its master file. */
  readonly zone: string
  readonly text: string
}

/** In the same network, so that a pod can ask them too. */
const ROOT = ipv4(0xc63364f1)
const COM = ipv4(0xc63364f2)
const EXAMPLE = ipv4(0xc63364f3)
/** The host itself, which serves HTTP. */
const HOST = '198.51.100.10'

const soa = (server: string, minimum: number): string =>
  `@ IN SOA ${server} hostmaster.example.com. 2026010100 7200 1800 86400 ${minimum}`

const SERVERS: readonly NameServer[] = [
  {
    name: 'root',
    address: ROOT,
    zone: '.',
    text: `$ORIGIN .
$TTL 518400
${soa('a.root-servers.net.', 86400)}
@ IN NS a.root-servers.net.
a.root-servers.net. IN A ${formatIpv4(ROOT)}
com. 172800 IN NS a.gtld-servers.net.
a.gtld-servers.net. 172800 IN A ${formatIpv4(COM)}
`,
  },
  {
    name: 'com',
    address: COM,
    zone: 'com.',
    text: `$ORIGIN com.
$TTL 172800
${soa('a.gtld-servers.net.', 900)}
@ IN NS a.gtld-servers.net.
example IN NS ns.example.com.
ns.example IN A ${formatIpv4(EXAMPLE)}
`,
  },
  {
    name: 'example.com',
    address: EXAMPLE,
    zone: 'example.com.',
    text: `$ORIGIN example.com.
$TTL 300
${soa('ns.example.com.', 300)}
@ 86400 IN NS ns.example.com.
ns 86400 IN A ${formatIpv4(EXAMPLE)}
@ IN A ${HOST}
www IN CNAME example.com.
api IN A ${HOST}
db IN A ${HOST}
`,
  },
]

const ORIGIN: Origin = { component: 'fabric', detail: 'DNS of the Internet' }

/** Adds the resolver and the name servers to the Internet host. */
export function buildInternetDns(internet: NetnsBuilder): void {
  const resolver = formatIpv4(dnsResolverAddress)
  internet.address('lo', { address: dnsResolverAddress, length: 32 }, ORIGIN)
  const hints = '/etc/powerdns/root.hints'
  internet.file(hints, `. 3600000 IN NS a.root-servers.net.\na.root-servers.net. 3600000 IN A ${formatIpv4(ROOT)}\n`, ORIGIN)
  internet.process(
    ['pdns_recursor', `--local-address=${resolver}`, `--query-local-address=${resolver}`, `--hint-file=${hints}`],
    'internet',
    { ...ORIGIN, detail: 'a recursive resolver' },
  )
  for (const s of SERVERS) {
    const address = ipv4(s.address)
    internet.address('lo', { address, length: 32 }, ORIGIN)
    internet.file(`/etc/nsd/${s.name}.conf`, `zone:\n  name: "${s.zone}"\n  zonefile: "/etc/nsd/${s.name}.zone"\n`, ORIGIN)
    internet.file(`/etc/nsd/${s.name}.zone`, s.text, ORIGIN)
    internet.process(['nsd', '-a', formatIpv4(address), '-c', `/etc/nsd/${s.name}.conf`], 'internet', {
      ...ORIGIN,
      detail: `name server of ${s.zone}`,
    })
  }
  internet.file('/etc/resolv.conf', `nameserver ${resolver}\n`, ORIGIN)
}
