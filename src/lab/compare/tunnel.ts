import { get16, toHex } from '../../base/bytes.ts'
import { parseConntrack } from '../../linux/conntrack.ts'
import { ETH_P, IPPROTO } from '../../net/packet.ts'
import { VXLAN, VXLAN_PORTS } from '../../net/vxlan.ts'
import { STEP } from '../../trace/columns.ts'
import type { TraceReader } from '../../trace/reader.ts'
import { PACKET_ORIGINS } from '../../trace/step.ts'
import type { Line } from './in-order.ts'
import { standIn } from './normalisations.ts'

// The source port of a tunnel's datagrams is a hash of the flow inside, with a key that a kernel draws at boot: the same flow
// has another one in every run. It stands as `flow` wherever a tool shows it.

export const FLOW_PORT = standIn('tunnel-source-port')

/** Whether a datagram to `dport` is a tunnel's, by its port. */
export const isTunnelPort = (protocol: number, dport: number): boolean => protocol === IPPROTO.UDP && VXLAN_PORTS.includes(dport)

const ports = VXLAN_PORTS.join('|')
const THERE = new RegExp(`sport=\\d+ (dport=(?:${ports}))\\b`)
/** Whatever port NAT has answer. */
const BACK = new RegExp(`^(.* sport=${FLOW_PORT} .* sport=\\d+) dport=\\d+`)

/**
 * Source ports of a run's tunnels, by what was printed of the connection tables of all its namespaces (`conntrack -L`), with those
 * that NAT gave them. Where NAT has sent a tunnel's datagram elsewhere, it meets other namespaces as any other one.
 */
export function flowPorts(conntracks: readonly string[]): ReadonlySet<number> {
  const flows = conntracks.flatMap((text) => {
    const parsed = parseConntrack(text)
    return parsed.ok ? parsed.value.flows.filter((f) => isTunnelPort(f.protocol, f.original.dport)) : []
  })
  return new Set(flows.flatMap((f) => [f.original.sport, f.reply.dport]))
}

/**
 * Lines of `conntrack -L` without those source ports (`known`), and one line where several flows then look the same: how many
 * flows have got an entry of their own hangs on the hash as well.
 */
export function withoutFlowPorts(lines: readonly string[], known: ReadonlySet<number>): string[] {
  const seen = new Set<string>()
  const elsewhere = (l: string) =>
    l.startsWith('udp ')
      ? l.replaceAll(/\b([sd]port)=(\d+)/g, (m, key, p) => (known.has(Number(p)) ? `${key}=${FLOW_PORT}` : m))
      : l
  return lines
    .map((l) => elsewhere(l.replace(THERE, `sport=${FLOW_PORT} $1`).replace(BACK, `$1 dport=${FLOW_PORT}`)))
    .filter((l) => {
      if (!l.includes(`port=${FLOW_PORT}`)) return true
      const again = seen.has(l)
      seen.add(l)
      return !again
    })
}

/** A namespace's walks without them (`known`), in datagrams that NAT has sent elsewhere and in what answers those. */
export function walksWithoutFlowPorts(walks: readonly Line[], known: ReadonlySet<number>): readonly Line[] {
  if (known.size === 0) return walks
  const name = (port: string) => (known.has(Number(port)) ? FLOW_PORT : port)
  const put = (text: string) =>
    text.replace(/^(\S+ > \S+) (\d+) > (\d+) length /, (_, hosts, from, to) => `${hosts} ${name(from)} > ${name(to)} length `)
  return walks.map((l) => ({ ...l, text: put(l.text) }))
}

const ENCAPSULATED = PACKET_ORIGINS.indexOf('encapsulated')
const FRAGMENT = PACKET_ORIGINS.indexOf('fragment')

/**
 * Whether a run put a tunnel's datagram, or a fragment of one, into a tunnel once more. nftables' trace computes the hash of every
 * packet that it sees (nft_trace_skb_id()), which a fragment then inherits: it changes the ports of such datagrams, and with them
 * how many flows rules meet. What is watched there is not what would be.
 */
export function tunnelInTunnel(reader: TraceReader): boolean {
  const { events: e } = reader.trace
  const tunnelled = new Set<number>()
  for (let s = 0; s < e.length; s++) {
    if (e.kind[s] !== STEP.born) continue
    const [packet = -1, how, parent = -1] = [e.packet[s], e.a[s], e.b[s]]
    if (how === ENCAPSULATED && tunnelled.has(parent)) return true
    if (how === ENCAPSULATED || (how === FRAGMENT && tunnelled.has(parent))) tunnelled.add(packet)
  }
  return false
}

/** Where the Ethernet header of what a datagram carries ends. */
const INNER = VXLAN.LENGTH + 14

/**
 * What tells the flow inside a tunnel's datagram from others wherever it is looked for, in hexadecimal digits: the two addresses of
 * an IPv4 header, or who asks whom in an ARP frame. '' for anything else.
 */
export function innerFlow(payload: Uint8Array): string {
  if (payload.length < INNER + 20) return ''
  const etherType = get16(payload, INNER - 2)
  if (etherType === ETH_P.IP) return toHex(payload.subarray(INNER + 12, INNER + 20))
  return etherType === ETH_P.ARP ? toHex(payload.subarray(INNER + 8, INNER + 28)) : ''
}
