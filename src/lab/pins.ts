import { dnsBrief } from '../net/dns-brief.ts'
import { IPPROTO, TCP } from '../net/packet.ts'
import { STEP } from '../trace/columns.ts'
import type { TraceReader } from '../trace/reader.ts'
import { PACKET_ORIGINS } from '../trace/step.ts'
import { innerFlow, isTunnelPort } from './compare/tunnel.ts'
import { type DnsTable, dnsTablesOf, questionOf } from './dns.ts'
import { isRandomChoice } from './nft.ts'
import { type ProxyPins, proxyPinsOf } from './proxies.ts'

/** What the engine chose freely in a run, so that a real kernel can be made to choose alike. */
export interface Pins {
  /** One for each journey. */
  readonly journeys: readonly JourneyPins[]
  /** For each rule with `-m statistic --mode random`: source ports of the packets that it took. Rules that took none are absent. */
  readonly draws: ReadonlyMap<string, readonly number[]>
  /**
   * The same for packets to a DNS server, whose ports resolvers choose, and for a tunnel's, whose ports are a hash: the questions, or
   * the flows inside, that a rule took, in hexadecimal digits, each once.
   */
  readonly questions: ReadonlyMap<string, readonly string[]>
  /** For each rule of nftables with `numgen random … vmap`: the chain that it led to, by source port. */
  readonly turns: ReadonlyMap<string, ReadonlyMap<number, string>>
  /** By process id. */
  readonly proxies: ReadonlyMap<string, ProxyPins>
  /** What DNS servers did, by process id. */
  readonly dns: ReadonlyMap<string, DnsTable>
}

export interface JourneyPins {
  /** Source ports of the TCP connections and UDP datagrams that the journey's own process sent, in order, each once; a resolver's cannot be chosen. */
  readonly ports: readonly number[]
  /** Echo identifiers, in order, each once. */
  readonly echoIds: readonly number[]
  /** Virtual seconds from its first step to its last. */
  readonly seconds: number
}

const DNS_PORT = 53
const FROM_SOCKET = PACKET_ORIGINS.indexOf('socket')

/** Reads the free choices of a run out of its trace. */
export function pinsOf(reader: TraceReader): Pins {
  const { events: e, journeys, refs } = reader.trace
  const ports = journeys.map(() => new Set<number>())
  const echoIds = journeys.map(() => new Set<number>())
  const byProcess = new Map(journeys.map((j, i) => [j.process, i]))
  const draws = new Map<string, Set<number>>()
  const questions = new Map<string, Set<string>>()
  const turns = new Map<string, Map<number, string>>()
  for (let s = 0; s < e.length; s++) {
    const kind = e.kind[s]
    if (kind === STEP.born && e.a[s] === FROM_SOCKET) {
      const journey = byProcess.get(refs[e.c[s] ?? -1] ?? '')
      if (journey === undefined) continue
      const p = reader.packetAt(reader.packetOf(s), s)
      if (dnsBrief(p) !== undefined) continue
      if (p.protocol === IPPROTO.ICMP) echoIds[journey]?.add(p.icmpRest >>> 16)
      // A resolver's connection is no choice of the command's.
      else if (p.protocol === IPPROTO.TCP && p.dport === DNS_PORT) continue
      else if (p.protocol === IPPROTO.UDP || (p.tcpFlags & (TCP.SYN | TCP.ACK)) === TCP.SYN) ports[journey]?.add(p.sport)
    } else if (kind === STEP.rule) {
      const rule = refs[e.a[s] ?? -1] ?? ''
      if (rule.startsWith('nftrule:')) {
        noteTurn(reader, rule, s, turns)
        continue
      }
      if (!isRandom(reader, rule, s)) continue
      const p = reader.packetAt(reader.packetOf(s), s)
      if (p.protocol === IPPROTO.UDP && dnsBrief(p) !== undefined) add(questions, rule, questionOf(p.payload))
      else {
        const inner = isTunnelPort(p.protocol, p.dport) ? innerFlow(p.payload) : ''
        if (inner === '') add(draws, rule, p.sport)
        else add(questions, rule, inner)
      }
    }
  }
  return {
    journeys: journeys.map((j, i) => ({
      ports: [...(ports[i] ?? [])],
      echoIds: [...(echoIds[i] ?? [])],
      seconds: (reader.timeOf(j.last) - reader.timeOf(j.first)) / 1e9,
    })),
    draws: new Map([...draws].map(([rule, taken]) => [rule, [...taken]])),
    questions: new Map([...questions].map(([rule, taken]) => [rule, [...taken]])),
    turns,
    proxies: proxyPinsOf(reader),
    dns: dnsTablesOf(reader),
  }
}

function add<T>(lists: Map<string, Set<T>>, key: string, value: T): void {
  const list = lists.get(key) ?? new Set<T>()
  list.add(value)
  lists.set(key, list)
}

/** Where a rule of nftables that draws at random led the packet of step `seq`. */
function noteTurn(reader: TraceReader, rule: string, seq: number, turns: Map<string, Map<number, string>>): void {
  const record = reader.versions.at(rule, seq)
  const step = reader.step(seq)
  if (record?.kind !== 'nft-rule' || !isRandomChoice(record) || step.kind !== 'rule' || step.target === undefined) return
  const chain = reader.versions.at(step.target, seq)
  if (chain?.kind !== 'nft-chain') return
  const taken = turns.get(rule) ?? new Map<number, string>()
  taken.set(reader.packetAt(reader.packetOf(seq), seq).sport, chain.name)
  turns.set(rule, taken)
}

function isRandom(reader: TraceReader, rule: string, seq: number): boolean {
  const record = reader.versions.at(rule, seq)
  return record?.kind === 'rule' && record.spec.matches.some((m) => m.kind === 'statistic' && m.mode === 'random')
}

/** Every source port that a lab is told to use: those of the journeys, then those of the proxies. */
export const pinnedPorts = (pins: Pins): number[] => [
  ...pins.journeys.flatMap((j) => j.ports),
  ...[...pins.proxies.values()].flatMap((p) => p.ports),
]
