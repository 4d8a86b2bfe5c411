import { type ParsedFlow, parseConntrack } from '../../linux/conntrack.ts'
import { formatIpv4, ipv4 } from '../../net/address.ts'
import { dnsBrief } from '../../net/dns-brief.ts'
import { IPPROTO, type Packet, TCP } from '../../net/packet.ts'
import { parsePacket } from '../../net/parse.ts'
import type { DeviceFrames } from './seen.ts'
import type { NetnsTables } from './tables.ts'
import { isTunnelPort } from './tunnel.ts'

/**
 * Source ports and echo identifiers that NAT chose by itself (MASQUERADE --random-fully), read from the connection tables that a run left: in the
 * order of namespaces, and of the connections within each. Two runs of the same commands have them in the same places.
 */
export function natPorts(tables: ReadonlyMap<string, NetnsTables>): number[] {
  const ports: number[] = []
  for (const sections of tables.values()) {
    const parsed = parseConntrack(sections.get('conntrack') ?? '')
    if (!parsed.ok) continue
    const changed = parsed.value.flows.filter(
      (f) => PORTED.has(f.protocol) && drawnOf(f) !== f.original.sport && !isTunnelPort(f.protocol, f.original.dport),
    )
    for (const f of inChains(changed)) if (!ports.includes(drawnOf(f))) ports.push(drawnOf(f))
  }
  return ports
}

/**
 * Connections in an order that hangs on no drawn port: those by ports that commands were given, each followed by what came back
 * with the port that it got and was translated once more, as in a loop.
 */
function inChains(flows: readonly ParsedFlow[]): ParsedFlow[] {
  const key = ({ protocol, original: o }: ParsedFlow) => `${protocol} ${o.src} ${o.dst} ${o.dport} ${o.sport}`
  const sorted = flows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
  const drawn = new Set(flows.map(drawnOf))
  const out = new Set<ParsedFlow>()
  const follow = (f: ParsedFlow): void => {
    if (out.has(f)) return
    out.add(f)
    for (const next of sorted) if (next.original.sport === drawnOf(f)) follow(next)
  }
  for (const f of sorted) if (!drawn.has(f.original.sport)) follow(f)
  for (const f of sorted) follow(f)
  return [...out]
}

const PORTED: ReadonlySet<number> = new Set([IPPROTO.TCP, IPPROTO.UDP, IPPROTO.ICMP])
/** Both directions of an echo have one identifier, as their source. */
const drawnOf = ({ protocol, reply }: ParsedFlow): number => (protocol === IPPROTO.ICMP ? reply.sport : reply.dport)

/**
 * Source ports of the sockets that asked DNS servers, which no option of a program can choose: in the order of who asked whom for
 * what, and of the times that this was asked. Two runs of the same commands have them in the same places.
 */
export function resolverPorts(frames: DeviceFrames): number[] {
  const asked = new Map<string, number[]>()
  for (const device of [...frames.keys()].toSorted()) {
    const here = new Map<string, number[]>()
    for (const { bytes } of frames.get(device) ?? []) {
      const parsed = parsePacket(bytes, 'ethernet')
      if (!parsed.ok) continue
      const what = askedOf(parsed.value)
      if (what === undefined) continue
      const { src, dst, sport } = parsed.value
      const key = `${formatIpv4(ipv4(src))} ${formatIpv4(ipv4(dst))} ${what}`
      const ports = here.get(key) ?? []
      if (!ports.includes(sport)) ports.push(sport)
      here.set(key, ports)
    }
    for (const [key, ports] of here) if (!asked.has(key)) asked.set(key, ports)
  }
  return [...asked].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, ports]) => ports)
}

/** A DNS question in a datagram, by its name and type; `tcp` for the SYN of a connection to a DNS server. */
function askedOf(p: Packet): string | undefined {
  if (p.protocol === IPPROTO.TCP) return p.dport === 53 && (p.tcpFlags & (TCP.SYN | TCP.ACK)) === TCP.SYN ? 'tcp' : undefined
  const brief = dnsBrief(p)
  return brief === undefined || brief.response ? undefined : `${brief.name} ${brief.type}`
}
