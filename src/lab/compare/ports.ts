import { parseConntrack } from '../../linux/conntrack.ts'
import { formatIpv4, ipv4 } from '../../net/address.ts'
import { dnsBrief } from '../../net/dns-brief.ts'
import { parsePacket } from '../../net/parse.ts'
import type { DeviceFrames } from './seen.ts'
import type { NetnsTables } from './tables.ts'
import { isTunnelPort } from './tunnel.ts'

/**
 * Source ports that NAT chose by itself (MASQUERADE --random-fully), read from the connection tables that a run left: in the
 * order of namespaces, and of the connections within each. Two runs of the same commands have them in the same places.
 */
export function natPorts(tables: ReadonlyMap<string, NetnsTables>): number[] {
  const ports: number[] = []
  for (const sections of tables.values()) {
    const parsed = parseConntrack(sections.get('conntrack') ?? '')
    if (!parsed.ok) continue
    const changed = parsed.value.flows.filter(
      (f) => PORTED.has(f.protocol) && f.reply.dport !== f.original.sport && !isTunnelPort(f.protocol, f.original.dport),
    )
    const key = (f: (typeof changed)[number]) =>
      `${f.protocol} ${f.original.src} ${f.original.dst} ${f.original.dport} ${f.original.sport}`
    for (const f of changed.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)))
      if (!ports.includes(f.reply.dport)) ports.push(f.reply.dport)
  }
  return ports
}

const PORTED: ReadonlySet<number> = new Set([6, 17])

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
      const brief = parsed.ok ? dnsBrief(parsed.value) : undefined
      if (!parsed.ok || brief === undefined || brief.response) continue
      const { src, dst, sport } = parsed.value
      const key = `${formatIpv4(ipv4(src))} ${formatIpv4(ipv4(dst))} ${brief.name} ${brief.type}`
      const ports = here.get(key) ?? []
      if (!ports.includes(sport)) ports.push(sport)
      here.set(key, ports)
    }
    for (const [key, ports] of here) if (!asked.has(key)) asked.set(key, ports)
  }
  return [...asked].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, ports]) => ports)
}
