import { ok } from '../base/result.ts'
import { formatIpv4, type Ipv4 } from '../net/address.ts'
import type { SocketRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { serviceOfPort } from './iptables/names.ts'
import { integer, ipv4OrUndefined } from './names.ts'
import { numberedLines, type TextResult, textError, wordsOf } from './text.ts'

export interface SsOptions {
  readonly protocols: ReadonlySet<'tcp' | 'udp' | 'raw'>
  /** -l only listening, -a all; connected ones otherwise. */
  readonly which: 'listening' | 'connected' | 'all'
  /** -n: ports as numbers. */
  readonly numeric: boolean
  /** -p: the process that holds the socket. */
  readonly processes: boolean
  /** -H: no header. */
  readonly noHeader?: boolean
}

/** ss's names of TCP states (misc/ss.c sstate_name). */
const STATE_NAMES: Readonly<Record<SocketRecord['state'], string>> = {
  CLOSED: 'UNCONN',
  UNCONN: 'UNCONN',
  LISTEN: 'LISTEN',
  SYN_SENT: 'SYN-SENT',
  SYN_RECV: 'SYN-RECV',
  ESTABLISHED: 'ESTAB',
  ESTAB: 'ESTAB',
  FIN_WAIT1: 'FIN-WAIT-1',
  FIN_WAIT2: 'FIN-WAIT-2',
  CLOSE_WAIT: 'CLOSE-WAIT',
  CLOSING: 'CLOSING',
  LAST_ACK: 'LAST-ACK',
  TIME_WAIT: 'TIME-WAIT',
}

interface Column {
  readonly heading: string
  readonly delimiter: string
  readonly right: boolean
  readonly of: (s: SocketRecord) => string
}

/** `ss` (iproute2 6.1, misc/ss.c) as it prints into a pipe: every column as wide as its widest cell. */
export function printSs(view: WorldView, netns: string, o: SsOptions): string {
  const sockets = (['raw', 'udp', 'tcp'] as const).flatMap((protocol) =>
    o.protocols.has(protocol) ? socketsOf(view, netns, protocol).filter((s) => isShown(s, o)) : [],
  )
  const port = (n: number) => (n === 0 ? '*' : o.numeric ? String(n) : (serviceOfPort(n) ?? String(n)))
  const columns: Column[] = [
    ...(o.protocols.size > 1 ? [column('Netid', '', (s) => s.protocol)] : []),
    column('State', o.protocols.size > 1 ? ' ' : '', (s) => STATE_NAMES[s.state]),
    column('Recv-Q', ' ', (s) => String(s.receiveQueue).padEnd(6)),
    column('Send-Q', ' ', (s) => String(s.sendQueue).padEnd(6)),
    column('Local Address:', ' ', (s) => `${formatIpv4(s.local.address)}:`, true),
    column('Port', '', (s) => port(s.local.port)),
    column('Peer Address:', ' ', (s) => `${formatIpv4(s.remote?.address ?? 0)}:`, true),
    column('Port', '', (s) => port(s.remote?.port ?? 0)),
    column('Process', '', (s) => (o.processes ? users(view, s) : '')),
  ]
  const rows = sockets.map((s) => columns.map((c) => c.of(s)))
  if (!o.noHeader) rows.unshift(columns.map((c) => c.heading))
  const widths = columns.map((c, i) => {
    const longest = Math.max(0, ...rows.map((r) => (r[i] ?? '').length))
    return longest === 0 ? 0 : longest + c.delimiter.length
  })
  return rows.map((row) => `${row.map((cell, i) => pad(columns[i], cell, widths[i] ?? 0)).join('')}\n`).join('')
}

const column = (heading: string, delimiter: string, of: Column['of'], right = false): Column => ({
  heading,
  delimiter,
  right,
  of,
})

function pad(c: Column | undefined, cell: string, width: number): string {
  if (c === undefined) return ''
  const inner = Math.max(0, width - c.delimiter.length)
  return c.delimiter + (c.right ? cell.padStart(inner) : cell.padEnd(inner))
}

/** Listening sockets first, as the kernel dumps them. */
function socketsOf(view: WorldView, netns: string, protocol: 'tcp' | 'udp' | 'raw'): SocketRecord[] {
  const all = view.list('socket', netns).filter((s) => s.protocol === protocol)
  return [...all.filter(isListening), ...all.filter((s) => !isListening(s))]
}

const isListening = (s: SocketRecord): boolean => s.state === 'LISTEN' || s.state === 'UNCONN'

function isShown(s: SocketRecord, o: SsOptions): boolean {
  if (o.which === 'all') return s.state !== 'CLOSED'
  if (o.which === 'listening') return isListening(s)
  return !isListening(s) && s.state !== 'CLOSED' && s.state !== 'TIME_WAIT' && s.state !== 'SYN_RECV'
}

/** The file descriptor is not modelled: the first one after stdin, stdout and stderr is shown. */
function users(view: WorldView, s: SocketRecord): string {
  const p = s.process === undefined ? undefined : view.get('process', s.process)
  if (p === undefined) return ''
  const name = (p.argv[0] ?? '').split('/').pop() ?? ''
  return ` users:(("${name.slice(0, 15)}",pid=${p.pid},fd=3))`
}

export interface ParsedSocket {
  readonly line: number
  readonly protocol: 'tcp' | 'udp'
  readonly state: SocketRecord['state']
  readonly receiveQueue: number
  readonly sendQueue: number
  readonly local: { readonly address: Ipv4; readonly port: number; readonly device?: string }
  readonly remote?: { readonly address: Ipv4; readonly port: number }
  readonly process?: { readonly name: string; readonly pid: number }
}

const STATES: ReadonlyMap<string, SocketRecord['state']> = new Map(
  (Object.entries(STATE_NAMES) as [SocketRecord['state'], string][]).map(([state, name]) => [name, state]),
)

/**
 * Reads what `ss -n` prints of TCP and UDP sockets; `protocol` for text of one protocol, which has no Netid column.
 * IPv6 sockets are passed over, but `*:PORT` (an IPv6 socket that takes IPv4 too) is read as `0.0.0.0:PORT`.
 */
export function parseSs(
  text: string,
  protocol: 'tcp' | 'udp',
): TextResult<{ readonly sockets: readonly ParsedSocket[]; readonly ipv6: number }> {
  const sockets: ParsedSocket[] = []
  let ipv6 = 0
  for (const { line, text: t } of numberedLines(text)) {
    if (/^\s*(Netid|State)\b/.test(t)) continue
    let words = wordsOf(t)
    let kind = protocol
    if (words[0] === 'tcp' || words[0] === 'udp') {
      kind = words[0]
      words = words.slice(1)
    } else if (!STATES.has(words[0] ?? '')) {
      if (STATES.has(words[1] ?? '')) continue
      return textError('ss', line, words[0] ?? '', 'a socket state such as LISTEN')
    }
    const state =
      kind === 'udp' && words[0] === 'ESTAB'
        ? 'ESTAB'
        : words[0] === 'UNCONN'
          ? 'UNCONN'
          : words[0] === 'ESTAB'
            ? 'ESTABLISHED'
            : STATES.get(words[0] ?? '')
    const local = endpoint(words[3])
    const peer = endpoint(words[4])
    if (state === undefined || local === undefined || peer === undefined)
      return textError('ss', line, t, 'state, queues, local and peer address')
    if (local === 'ipv6' || peer === 'ipv6') {
      ipv6++
      continue
    }
    const user = /\(\("([^"]*)",pid=(\d+)/.exec(t)
    sockets.push({
      line,
      protocol: kind,
      state,
      receiveQueue: integer(words[1]) ?? 0,
      sendQueue: integer(words[2]) ?? 0,
      local,
      ...(peer.port === 0 ? {} : { remote: peer }),
      ...(user ? { process: { name: user[1] ?? '', pid: Number(user[2]) } } : {}),
    })
  }
  return ok({ sockets, ipv6 })
}

function endpoint(word: string | undefined): ParsedSocket['local'] | 'ipv6' | undefined {
  const colon = (word ?? '').lastIndexOf(':')
  if (word === undefined || colon < 0) return undefined
  const [host = '', device] = word.slice(0, colon).split('%')
  if (host.startsWith('[')) return 'ipv6'
  const address = host === '*' ? (0 as Ipv4) : ipv4OrUndefined(host)
  const port = word.slice(colon + 1)
  const number = port === '*' ? 0 : integer(port)
  if (address === undefined || number === undefined) return undefined
  return { address, port: number, ...(device === undefined ? {} : { device }) }
}
