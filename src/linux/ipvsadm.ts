import { ok } from '../base/result.ts'
import { formatIpv4, parseIpv4 } from '../net/address.ts'
import type { IpvsDestinationRecord, IpvsServiceRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { numberedLines, type TextResult, textError, wordsOf } from './text.ts'

/** ip_vs_conn_tab_size of Debian's and Ubuntu's kernels: 2^12. */
const TABLE_SIZE = 4096

const FORWARD: Readonly<Record<IpvsDestinationRecord['forwarding'], string>> = {
  masq: 'Masq',
  tunnel: 'Tunnel',
  droute: 'Route',
  local: 'Local',
}

/**
 * `ipvsadm -Ln` (ipvsadm 1.31). No connection is in the world yet: both of a real server's counts are 0. Services come in
 * the world's order, the kernel's is that of its hash table.
 */
export function printIpvsadm(view: WorldView, netns: string): string {
  const destinations = view.list('ipvs-destination', netns)
  const services = view
    .list('ipvs-service', netns)
    .flatMap((s) => [serviceLine(s), ...destinations.filter((d) => d.service === s.id).map(destinationLine)])
  return [
    `IP Virtual Server version 1.2.1 (size=${TABLE_SIZE})`,
    'Prot LocalAddress:Port Scheduler Flags',
    '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
    ...services,
    '',
  ].join('\n')
}

function serviceLine(s: IpvsServiceRecord): string {
  const flags = s.flags.length === 0 ? '' : ` (${s.flags.join(',')})`
  const persistence = s.persistence === undefined ? '' : ` persistent ${s.persistence}`
  return `${s.protocol.toUpperCase().padEnd(4)} ${formatIpv4(s.address)}:${s.port} ${s.scheduler}${flags}${persistence}`
}

function destinationLine(d: IpvsDestinationRecord): string {
  const server = `${formatIpv4(d.address)}:${d.port}`
  return `  -> ${server.padEnd(28)} ${FORWARD[d.forwarding].padEnd(7)} ${String(d.weight).padEnd(6)} ${'0'.padEnd(10)} ${'0'.padEnd(10)}`
}

export type ParsedDestination = Pick<IpvsDestinationRecord, 'address' | 'port' | 'weight' | 'forwarding'>
export interface ParsedIpvsService
  extends Pick<IpvsServiceRecord, 'protocol' | 'address' | 'port' | 'scheduler' | 'flags' | 'persistence'> {
  readonly destinations: readonly ParsedDestination[]
}

const PROTOCOLS: Readonly<Record<string, IpvsServiceRecord['protocol']>> = { '-t': 'tcp', '-u': 'udp', '--sctp-service': 'sctp' }
const FORWARDING: Readonly<Record<string, IpvsDestinationRecord['forwarding']>> = { '-m': 'masq', '-i': 'tunnel', '-g': 'droute' }

/** Reads what `ipvsadm -Sn` writes and `ipvsadm -R` takes: `-A` and `-a` lines, IPv4. Firewall-mark services are refused. */
export function parseIpvsadm(text: string): TextResult<ParsedIpvsService[]> {
  const services: (Omit<ParsedIpvsService, 'destinations'> & { readonly destinations: ParsedDestination[] })[] = []
  for (const { line, text: t } of numberedLines(text)) {
    const [command, kind = '', server = '', ...rest] = wordsOf(t)
    const protocol = PROTOCOLS[kind]
    const at = endpoint(server)
    if ((command !== '-A' && command !== '-a') || protocol === undefined || at === undefined)
      return textError('ipvsadm', line, t, '-A or -a, then -t, -u or --sctp-service ADDRESS:PORT')
    const value = (option: string) => (rest.includes(option) ? rest[rest.indexOf(option) + 1] : undefined)
    if (command === '-A') {
      const persistence = rest.includes('-p') ? Number(value('-p') ?? 300) : undefined
      const flags = value('-b')?.split(',') ?? []
      const scheduler = value('-s') ?? 'wlc'
      services.push({
        protocol,
        ...at,
        scheduler,
        flags,
        ...(persistence === undefined ? {} : { persistence }),
        destinations: [],
      })
      continue
    }
    const of = services.find((s) => s.protocol === protocol && s.address === at.address && s.port === at.port)
    const real = endpoint(value('-r') ?? '')
    if (of === undefined || real === undefined) return textError('ipvsadm', line, t, '-r ADDRESS:PORT for a service added before')
    const forwarding = rest.map((w) => FORWARDING[w]).find((f) => f !== undefined) ?? 'droute'
    // Only masquerading rewrites ports (ipvsadm's process_options).
    const port = forwarding === 'masq' ? real.port : of.port
    of.destinations.push({ address: real.address, port, weight: Number(value('-w') ?? 1), forwarding })
  }
  return ok(services)
}

function endpoint(text: string): Pick<IpvsServiceRecord, 'address' | 'port'> | undefined {
  const colon = text.lastIndexOf(':')
  const address = parseIpv4(text.slice(0, colon))
  const port = Number(text.slice(colon + 1))
  return colon < 0 || !address.ok || !Number.isInteger(port) ? undefined : { address: address.value, port }
}
