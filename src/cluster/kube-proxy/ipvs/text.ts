import { joinHostPort } from '../ip.ts'
import { restoreText } from '../iptables/restore-text.ts'
import type { IpvsSync, VirtualServer } from './proxier.ts'

/**
 * A sync as the tools would read it, in kube-proxy's order: kube-ipvs0's addresses (`ip -batch`), the sets (`ipset restore`),
 * the virtual servers (`ipvsadm -R`), the rules (`iptables-restore --noflush`). kube-proxy itself speaks netlink for the first
 * and the third. A `#` line, which all of these pass over but ipvsadm, begins each part.
 */
export function ipvsText(sync: IpvsSync): string {
  return [
    '# ip -batch',
    'link add kube-ipvs0 type dummy',
    ...sync.addresses.map((a) => `address add ${a.text}/${a.family === 'IPv4' ? 32 : 128} dev kube-ipvs0`),
    '# ipset restore',
    ...sync.ipsets.map((s) => `create ${s.name} ${s.type} ${s.options.join(' ')} -exist`),
    ...sync.ipsets.flatMap((s) => s.entries.map((e) => `add ${s.name} ${e} -exist`)),
    '# ipvsadm -R',
    ...sync.virtualServers.flatMap(serverLines),
    '# iptables-restore --noflush --counters',
    restoreText([sync.nat, sync.filter]).trimEnd(),
    '',
  ].join('\n')
}

const PROTOCOL_OPTIONS = { tcp: '-t', udp: '-u', sctp: '--sctp-service' } as const

function serverLines(v: VirtualServer): string[] {
  const server = `${PROTOCOL_OPTIONS[v.protocol]} ${joinHostPort(v.address, v.port)}`
  const persistence = v.persistence === undefined ? '' : ` -p ${v.persistence}`
  const flags = v.flags.length === 0 ? '' : ` -b ${v.flags.join(',')}`
  return [
    `-A ${server} -s ${v.scheduler}${persistence}${flags}`,
    ...v.destinations.map((d) => `-a ${server} -r ${joinHostPort(d.address, d.port)} -m -w ${d.weight}`),
  ]
}
