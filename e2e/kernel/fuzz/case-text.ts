import type { FuzzCase } from '../../../src/lab/fuzz/case.ts'

/** A case for reading: only what is there. */
export function caseText(c: FuzzCase): string {
  const hosts = c.hosts.flatMap((h) => {
    const sysctls = Object.entries(h.sysctls).filter(([k]) => !k.startsWith('net.ipv4.neigh.'))
    const tunnels = (h.tunnels ?? []).flatMap((t) => [
      `    ${t.device} vxlan ${t.words} mtu ${t.mtu}`,
      ...[...t.fdb, ...t.neighbours].map((l) => `      ${l}`),
    ])
    return [
      `  ${h.name}: ${h.bridges.map((b) => `bridge ${b}, `).join('')}${h.addresses.map((a) => `${a.device} ${a.cidr}`).join(', ')}`,
      ...[...h.routes, ...h.rules, ...h.sets, ...h.servers].map((l) => `    ${l}`),
      ...sysctls.map(([k, v]) => `    ${k}=${v}`),
      ...tunnels,
      ...h.tables.flatMap((t) => [
        `    *${t.table} ${Object.entries(t.policies).join(' ')} ${t.chains.join(' ')}`,
        ...t.rules.map((r) => `    ${r}`),
      ]),
    ]
  })
  const cables = c.cables.map((k) => {
    const end = (e: typeof k.a) => `${e.host}/${e.device}${e.master ? `@${e.master}` : ''}${e.hairpin ? ' hairpin' : ''}`
    return `  ${end(k.a)} -- ${end(k.b)}${k.mtu === 1500 ? '' : ` mtu ${k.mtu}`}`
  })
  return [...hosts, ...cables, ...c.journeys.map((j) => `  ${j.from}$ ${j.run}`)].join('\n')
}
