import { get16, toHex } from '../base/bytes.ts'
import { formatIpv4, ipv4 } from '../net/address.ts'
import { dnsBrief } from '../net/dns-brief.ts'
import { readName } from '../net/dns-name.ts'
import { DnsStream } from '../net/dns-stream.ts'
import { IPPROTO, type Packet } from '../net/packet.ts'
import { startingWorld } from '../sim/starting-world.ts'
import { STEP } from '../trace/columns.ts'
import type { TraceReader } from '../trace/reader.ts'
import { PACKET_ORIGINS } from '../trace/step.ts'
import type { ProcessRecord } from '../world/records.ts'
import { viewOf, type World } from '../world/world.ts'
import { shellWord } from './names.ts'

// The DNS servers of a lab: the script's helper says byte for byte what the engine's servers said, to the same questions, and asks
// what they asked. So a lab proves what the kernel did with the packets; what the servers answer is proven elsewhere.

/** What a server does for a question, in order: it asks others and waits for each, and answers at last. */
export interface DnsAction {
  /** The message in hexadecimal digits; its id is the lab's own. */
  readonly message: string
  /** It ends with the question's own OPT record. */
  readonly opt: boolean
  /** Whom it asks, and from which address and port; absent for the answer. */
  readonly ask?: { readonly to: string; readonly from: string; readonly port: number; readonly tcp: boolean }
}

export interface DnsTable {
  /** By the question (name in lower case, type, class) in hexadecimal digits, `tcp:` before one over TCP: what to do the first time, the second … */
  readonly answers: Readonly<Record<string, readonly (readonly DnsAction[])[]>>
}

const FROM_SOCKET = PACKET_ORIGINS.indexOf('socket')
const SERVERS: ReadonlySet<string> = new Set(['coredns', 'nsd', 'pdns_recursor'])
const DNS_PORT = 53

/** What every DNS server of a run did, by process id. */
export function dnsTablesOf(reader: TraceReader): ReadonlyMap<string, DnsTable> {
  const { events: e, refs } = reader.trace
  // A pod that comes while the journeys run brings its server with it.
  const isServer = (process: string, seq: number): boolean => {
    const record = reader.versions.near(process, seq)
    return record?.kind === 'process' && SERVERS.has(record.argv[0] ?? '')
  }
  const found = new Map<string, Map<string, (readonly DnsAction[])[]>>()
  const streams = new DnsStreams()
  for (let s = 0; s < e.length; s++) {
    if (e.kind[s] !== STEP.born || e.a[s] !== FROM_SOCKET) continue
    const process = refs[e.c[s] ?? -1] ?? ''
    if (!isServer(process, s)) continue
    const packet = reader.packetAt(reader.packetOf(s), s)
    if (packet.sport !== DNS_PORT) continue
    for (const message of streams.messages(packet)) {
      if ((message[2] ?? 0) < 0x80) continue
      const asked = asksBefore(reader, s, process)
      const key = `${packet.protocol === IPPROTO.TCP ? 'tcp:' : ''}${questionOf(message)}`
      const ofProcess = found.get(process) ?? new Map<string, (readonly DnsAction[])[]>()
      found.set(process, ofProcess)
      ofProcess.set(key, [...(ofProcess.get(key) ?? []), [...asked, actionOf(message)]])
    }
  }
  return new Map([...found].map(([process, answers]) => [process, { answers: Object.fromEntries(answers) }]))
}

/** The questions that led to a response, found along the causes, oldest first; those of the question that it answers end there. */
function asksBefore(reader: TraceReader, answer: number, process: string): DnsAction[] {
  const { events: e, refs } = reader.trace
  const own = reader.packetAt(reader.packetOf(answer), answer)
  const asks: DnsAction[] = []
  // From inside a packet's way straight to its birth: what released it from a neighbour's queue is another packet's story.
  const before = (s: number): number => {
    const packet = e.packet[s] ?? -1
    return packet >= 0 && e.kind[s] !== STEP.born ? (reader.packets.born[packet] ?? -1) : (e.cause[s] ?? -1)
  }
  for (let s = e.cause[answer] ?? -1; s >= 0; s = before(s)) {
    const kind = e.kind[s]
    if (kind !== STEP.born && kind !== STEP.deliver) continue
    const p = reader.packetAt(reader.packetOf(s), s)
    if (p.dport !== DNS_PORT) continue
    const tcp = p.protocol === IPPROTO.TCP
    // A connection carries one question after the other, so that the last one that came is the one.
    const [message] = tcp ? new DnsStreams().messages(p) : [p.payload]
    if (message === undefined || message.length < HEADER || (message[2] ?? 0) >= 0x80) continue
    const same = p.src === own.dst && p.sport === own.dport && p.protocol === own.protocol
    if (kind === STEP.deliver && same && (tcp || get16(p.payload, 0) === get16(own.payload, 0))) break
    if (kind === STEP.born && refs[e.c[s] ?? -1] === process) {
      const ask = { to: formatIpv4(ipv4(p.dst)), from: formatIpv4(ipv4(p.src)), port: p.sport, tcp }
      asks.unshift({ ...actionOf(message), ask })
    }
  }
  return asks
}

/** Messages of packets: a datagram is one, of a connection they are put together. */
class DnsStreams {
  /** By ends of the connection: what came of it, and the sequence number that comes next. */
  readonly #streams = new Map<string, { readonly stream: DnsStream; next: number | undefined }>()

  /** Those that are whole with this packet. What is sent again counts once. */
  messages(p: Packet): Uint8Array[] {
    if (p.protocol === IPPROTO.UDP) return dnsBrief(p) === undefined ? [] : [p.payload]
    if (p.protocol !== IPPROTO.TCP || p.payload.length === 0) return []
    const key = `${p.src} ${p.sport} ${p.dst} ${p.dport}`
    const at = this.#streams.get(key) ?? { stream: new DnsStream(), next: undefined }
    this.#streams.set(key, at)
    if (at.next !== undefined && p.seq !== at.next) return []
    at.next = (p.seq + p.payload.length) >>> 0
    at.stream.push(p.payload)
    const out: Uint8Array[] = []
    for (let m = at.stream.take(); m !== undefined; m = at.stream.take()) if (m.length >= HEADER) out.push(m)
    return out
  }
}

const HEADER = 12

const actionOf = (payload: Uint8Array): DnsAction => ({ message: toHex(payload), opt: endsWithOpt(payload) })

/** An OPT record (RFC 6891) stands last in every message that the engine's programs write. */
function endsWithOpt(b: Uint8Array): boolean {
  if (get16(b, 10) === 0) return false
  for (let at = b.length - 11; at > 12; at--) {
    if (b[at] === 0 && get16(b, at + 1) === 41 && at + 11 + get16(b, at + 9) === b.length) return true
  }
  return false
}

/** The question section of a message, name in lower case, in hexadecimal digits. */
export function questionOf(b: Uint8Array): string {
  const name = readName(b, 12)
  if (name === undefined) return ''
  const question = b.slice(12, name.next + 4)
  // Lengths of labels are at most 63, so that only letters lie between 65 and 90.
  for (let i = 0; i < name.next - 12; i++) {
    const byte = question[i] ?? 0
    if (byte >= 65 && byte <= 90) question[i] = byte + 32
  }
  return toHex(question)
}

/** The backlog of a server's TCP socket. */
const listeningOf = (world: World, p: ProcessRecord): number =>
  viewOf(startingWorld(world))
    .list('socket', p.netns)
    .find((s) => s.process === p.id && s.protocol === 'tcp')?.sendQueue ?? 4096

/** The helper's command for a DNS server; undefined for any other process. */
export function dnsServerCommand(
  world: World,
  p: ProcessRecord,
  table: DnsTable | undefined,
): { readonly command: string; readonly protocol: 'udp'; readonly port: number } | undefined {
  if (!SERVERS.has(p.argv[0] ?? '')) return undefined
  const socket = viewOf(world)
    .list('socket', p.netns)
    .find((s) => s.process === p.id)
  const own = /^--local-address=(.+)$/.exec(p.argv.find((w) => w.startsWith('--local-address=')) ?? '')?.[1]
  const at = p.argv.indexOf('-a')
  const address = socket === undefined ? (own ?? (at > 0 ? p.argv[at + 1] : undefined)) : formatIpv4(socket.local.address)
  const backlog = listeningOf(world, p)
  const config = { address: address ?? '0.0.0.0', backlog, keep: p.argv[0] === 'coredns', answers: table?.answers ?? {} }
  return { command: `python3 "$HELPER" dns ${shellWord(JSON.stringify(config))}`, protocol: 'udp', port: DNS_PORT }
}

/** `put_file NETNS NAME` for every file of /etc that programs read to resolve names; the glibc switch says that these are asked. */
export function fileLines(world: World, short: (netns: string) => string): string[] {
  const files = viewOf(world)
    .list('file')
    .filter((f) => f.path === '/etc/resolv.conf' || f.path === '/etc/hosts')
  const lines = files.flatMap((f) => put(short(f.netns.slice('netns:'.length)), f.path.slice('/etc/'.length), f.content))
  const places = new Set(files.map((f) => short(f.netns.slice('netns:'.length))))
  return [...lines, ...[...places].flatMap((p) => put(p, 'nsswitch.conf', 'hosts: files dns\n'))]
}

const put = (short: string, name: string, content: string): string[] => [
  `put_file ${short} ${name} <<'END'`,
  ...content.replace(/\n$/, '').split('\n'),
  'END',
]
