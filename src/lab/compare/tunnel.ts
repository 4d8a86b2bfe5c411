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
 * Lines of `conntrack -L` with the source ports of tunnels left out, and one line where several flows then look the same: how
 * many flows have got an entry of their own hangs on the hash as well.
 */
export function withoutFlowPorts(lines: readonly string[]): string[] {
  const seen = new Set<string>()
  return lines
    .map((l) => l.replace(THERE, `sport=${FLOW_PORT} $1`).replace(BACK, `$1 dport=${FLOW_PORT}`))
    .filter((l) => {
      if (!l.includes(`sport=${FLOW_PORT}`)) return true
      const known = seen.has(l)
      seen.add(l)
      return !known
    })
}

/**
 * A namespace's walks without them: where NAT has sent a tunnel's datagram elsewhere, its port no longer says that it is one, but
 * the connection table does (`conntrack`: what `conntrack -L` printed).
 */
export function walksWithoutFlowPorts(walks: readonly Line[], conntrack: string): readonly Line[] {
  const parsed = parseConntrack(conntrack)
  const flows = parsed.ok ? parsed.value.flows.filter((f) => isTunnelPort(f.protocol, f.original.dport)) : []
  const sports = [...new Set(flows.map((f) => f.original.sport))]
  if (sports.length === 0) return walks
  const port = new RegExp(`^(\\S+ > \\S+) (?:${sports.join('|')}) > `)
  return walks.map((l) => ({ ...l, text: l.text.replace(port, `$1 ${FLOW_PORT} > `) }))
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
