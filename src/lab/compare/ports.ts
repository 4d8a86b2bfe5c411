import { parseConntrack } from '../../linux/conntrack.ts'
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
