import type { FuzzCable, FuzzHost } from './case.ts'

/** What rules and journeys of a case may speak of. */
export interface Places {
  /** Addresses that some host has. */
  readonly addresses: readonly string[]
  readonly pods: readonly string[]
  /** Addresses that nobody has, on and off link. */
  readonly nobody: readonly string[]
  /** Service addresses: only DNAT makes something of them. */
  readonly services: readonly string[]
}

const bare = (cidr: string): string => cidr.slice(0, cidr.indexOf('/'))

export function placesOf(hosts: readonly FuzzHost[]): Places {
  const of = (list: readonly FuzzHost[]) => list.flatMap((h) => h.addresses.map((a) => bare(a.cidr)))
  return {
    addresses: of(hosts).filter((a) => !a.startsWith('169.254.')),
    pods: of(hosts.filter((h) => h.role === 'pod')),
    nobody: ['10.244.1.99', '192.168.1.77', '203.0.113.9'],
    services: ['10.96.0.10', '10.96.0.20'],
  }
}

/** Devices of a host as iptables may name them. */
export const devicesOf = (host: FuzzHost, cables: readonly FuzzCable[]): string[] => [
  'lo',
  ...host.bridges,
  ...cables.flatMap((c) => [c.a, c.b]).flatMap((e) => (e.host === host.name ? [e.device] : [])),
  ...(host.tunnels ?? []).map((t) => t.device),
]

/** Those that are ports of a bridge. */
export const portsOf = (host: FuzzHost, cables: readonly FuzzCable[]): string[] =>
  cables.flatMap((c) => [c.a, c.b]).flatMap((e) => (e.host === host.name && e.master !== undefined ? [e.device] : []))
