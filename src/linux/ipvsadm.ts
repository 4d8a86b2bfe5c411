import { ok } from '../base/result.ts'
import { formatIpv4, parseIpv4 } from '../net/address.ts'
import type { IpvsConnectionRecord, IpvsDestinationRecord, IpvsEndpoint, IpvsServiceRecord } from '../world/records.ts'
import type { CellField, WorldView } from '../world/world.ts'
import { numberedLines, type TextResult, textError, wordsOf } from './text.ts'

// ipvsadm 1.31.

/** ip_vs_conn_tab_size of Debian's and Ubuntu's kernels: 2^12. */
const TABLE_SIZE = 4096

const FORWARD: Readonly<Record<IpvsDestinationRecord['forwarding'], string>> = {
  masq: 'Masq',
  tunnel: 'Tunnel',
  droute: 'Route',
  local: 'Local',
}
const PROTOCOL_NUMBERS: Readonly<Record<IpvsServiceRecord['protocol'], number>> = { tcp: 6, udp: 17, sctp: 132 }
const PROTOCOL_OPTIONS: Readonly<Record<IpvsServiceRecord['protocol'], string>> = {
  tcp: '-t',
  udp: '-u',
  sctp: '--sctp-service',
}

const at = ({ address, port }: IpvsEndpoint): string => `${formatIpv4(address)}:${port}`

/** ipvs_cmp_services(), ipvs_cmp_dests(): addresses are compared by their difference as a signed integer, which may overflow. */
const byEndpoint = (a: IpvsEndpoint, b: IpvsEndpoint): number => (a.address - b.address) | 0 || a.port - b.port

const servicesOf = (view: WorldView, netns: string): IpvsServiceRecord[] =>
  view
    .list('ipvs-service', netns)
    .toSorted((a, b) => PROTOCOL_NUMBERS[a.protocol] - PROTOCOL_NUMBERS[b.protocol] || byEndpoint(a, b))

/** How many connections a real server has, as the kernel counts them. */
export interface ServerConnections {
  readonly active: number
  readonly inactive: number
  /** Templates. */
  readonly persistent: number
}

const NONE: ServerConnections = { active: 0, inactive: 0, persistent: 0 }

/** Connections by real server id. One whose time is over is not listed, as in `ipvsadm -Lnc`. */
export function connectionsByServer(view: WorldView, netns: string): ReadonlyMap<string, ServerConnections> {
  const counts = new Map<string, { active: number; inactive: number; persistent: number }>()
  for (const c of liveConnections(view, netns)) {
    const of = counts.get(c.server) ?? { ...NONE }
    counts.set(c.server, of)
    if (c.template) of.persistent++
    else if (c.active) of.active++
    else of.inactive++
  }
  return counts
}

/** Connections whose timer has not run out at this moment. */
export const liveConnections = (view: WorldView, netns: string): readonly IpvsConnectionRecord[] =>
  view.list('ipvs-connection', netns).filter((c) => view.cell(c.id, 'expires') > view.now || view.cell(c.id, 'expires') === 0)

export const IPVS_TABLES = ['connections', 'stats', 'persistent', 'thresholds'] as const
export interface IpvsadmOptions {
  /** The columns: `-Ln`, `--stats`, `--persistent-conn`, `--thresholds`. */
  readonly show?: (typeof IPVS_TABLES)[number]
  /** `--exact`: large numbers in full. */
  readonly exact?: boolean
  /** One virtual server: `-t`, `-u`. */
  readonly service?: IpvsServiceRecord
  /** `--nosort`: in the world's order; the kernel's is that of its hash table. */
  readonly unsorted?: boolean
}

interface Table {
  readonly title: readonly string[]
  readonly service: (s: IpvsServiceRecord) => string
  readonly server: (d: IpvsDestinationRecord) => string
}

/** `ipvsadm -Ln` and its other tables. */
export function printIpvsadm(view: WorldView, netns: string, o: IpvsadmOptions = {}): string {
  const table = tableOf(view, netns, o)
  const all = view.list('ipvs-destination', netns)
  const sorted = o.unsorted === true ? view.list('ipvs-service', netns) : servicesOf(view, netns)
  const services = o.service === undefined ? sorted : [o.service]
  const lines = services.flatMap((s) => {
    const own = all.filter((d) => d.service === s.id)
    return [table.service(s), ...(o.unsorted === true ? own : own.toSorted(byEndpoint)).map((d) => table.server(d))]
  })
  const head = o.service === undefined ? [`IP Virtual Server version 1.2.1 (size=${TABLE_SIZE})`] : []
  return [...head, ...table.title, ...lines, ''].join('\n')
}

const REMOTE = '  -> RemoteAddress:Port'

function tableOf(view: WorldView, netns: string, o: IpvsadmOptions): Table {
  const counts = connectionsByServer(view, netns)
  const of = (d: IpvsDestinationRecord): ServerConnections => counts.get(d.id) ?? NONE
  const named = (s: IpvsServiceRecord): string => `${s.protocol.toUpperCase().padEnd(4)} ${at(s)}`
  const row = (d: IpvsDestinationRecord): string => `  -> ${at(d).padEnd(28)}`
  const left = (...columns: readonly (readonly [value: string | number, width: number])[]) =>
    columns.map(([value, width]) => ` ${String(value).padEnd(width)}`).join('')
  switch (o.show ?? 'connections') {
    case 'connections':
      return {
        title: ['Prot LocalAddress:Port Scheduler Flags', `${REMOTE}           Forward Weight ActiveConn InActConn`],
        service: serviceLine,
        server: (d) => `${row(d)}${left([FORWARD[d.forwarding], 7], [d.weight, 6], [of(d).active, 10], [of(d).inactive, 10])}`,
      }
    case 'stats': {
      const numbers = (id: string) => STATS.map((f) => ` ${largeNumber(view.cell(id, f), o.exact === true)}`).join('')
      return {
        title: [`${'Prot LocalAddress:Port'.padEnd(33)}${STATS_TITLES.map((t) => ` ${t.padStart(8)}`).join('')}`, REMOTE],
        service: (s) => `${named(s).padEnd(33)}${numbers(s.id)}`,
        server: (d) => `${row(d)}${numbers(d.id)}`,
      }
    }
    case 'persistent':
      return {
        title: [
          `${'Prot LocalAddress:Port'.padEnd(33)}${left(['Weight', 9], ['PersistConn', 11], ['ActiveConn', 10], ['InActConn', 10])}`,
          REMOTE,
        ],
        service: serviceLine,
        server: (d) => `${row(d)}${left([d.weight, 9], [of(d).persistent, 11], [of(d).active, 10], [of(d).inactive, 10])}`,
      }
    case 'thresholds':
      return {
        title: [
          `${'Prot LocalAddress:Port'.padEnd(33)}${left(['Uthreshold', 10], ['Lthreshold', 10], ['ActiveConn', 10], ['InActConn', 10])}`,
          REMOTE,
        ],
        service: serviceLine,
        server: (d) => `${row(d)}${left([0, 10], [0, 10], [of(d).active, 10], [of(d).inactive, 10])}`,
      }
  }
}

const STATS: readonly CellField[] = ['connections', 'rxPackets', 'txPackets', 'rxBytes', 'txBytes']
const STATS_TITLES = ['Conns', 'InPkts', 'OutPkts', 'InBytes', 'OutBytes'] as const

/** print_largenum() */
function largeNumber(n: number, exact: boolean): string {
  if (exact || n < 1e8) return String(n).padStart(8)
  if (n < 1e9) return `${String(Math.floor(n / 1e3)).padStart(7)}K`
  if (n < 1e11) return `${String(Math.floor(n / 1e6)).padStart(7)}M`
  return `${String(Math.floor(n / 1e9)).padStart(7)}G`
}

function serviceLine(s: IpvsServiceRecord): string {
  const flags = s.flags.length === 0 ? '' : ` (${s.flags.join(',')})`
  const persistence = s.persistence === undefined ? '' : ` persistent ${s.persistence}`
  return `${s.protocol.toUpperCase().padEnd(4)} ${at(s)} ${s.scheduler}${flags}${persistence}`
}

/** `ipvsadm -Lnc`: /proc/net/ip_vs_conn, the oldest first; the kernel's order is that of its hash table. */
export function printIpvsadmConnections(view: WorldView, netns: string): string {
  const lines = liveConnections(view, netns).map((c) => {
    const seconds = secondsLeft(view, c.id)
    const expire = `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`
    const ends = `${at(c.client).padEnd(18)} ${at(c.virtual).padEnd(18)} ${at(c.destination)}`
    return `${c.protocol.toUpperCase().padEnd(3)} ${expire.padEnd(6)} ${c.state.padEnd(11)} ${ends}`
  })
  const title = ['IPVS connection entries', 'pro expire state       source             virtual            destination']
  return [...title, ...lines, ''].join('\n')
}

/** Whole seconds until a connection's timer runs out. */
export const secondsLeft = (view: WorldView, id: string): number =>
  Math.max(0, Math.floor((view.cell(id, 'expires') - view.now) / 1e9))

/** `ipvsadm -Sn`, which `ipvsadm -R` reads. In the world's order, so that a restore adds real servers as they were added. */
export function printIpvsadmSave(view: WorldView, netns: string): string {
  const destinations = view.list('ipvs-destination', netns)
  return view
    .list('ipvs-service', netns)
    .flatMap((s) => {
      const server = `${PROTOCOL_OPTIONS[s.protocol]} ${at(s)}`
      const persistence = s.persistence === undefined ? '' : ` -p ${s.persistence}`
      const flags = s.flags.length === 0 ? '' : ` -b ${s.flags.join(',')}`
      const own = destinations.filter((d) => d.service === s.id)
      return [
        `-A ${server} -s ${s.scheduler}${persistence}${flags}\n`,
        ...own.map((d) => `-a ${server} -r ${at(d)} ${FORWARD_OPTIONS[d.forwarding]} -w ${d.weight}\n`),
      ]
    })
    .join('')
}

const FORWARD_OPTIONS: Readonly<Record<IpvsDestinationRecord['forwarding'], string>> = {
  masq: '-m',
  tunnel: '-i',
  droute: '-g',
  local: '-g',
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

/** `10.96.0.10:80` */
export function endpoint(text: string): Pick<IpvsServiceRecord, 'address' | 'port'> | undefined {
  const colon = text.lastIndexOf(':')
  const address = parseIpv4(text.slice(0, colon))
  const port = Number(text.slice(colon + 1))
  return colon < 0 || !address.ok || !Number.isInteger(port) ? undefined : { address: address.value, port }
}
