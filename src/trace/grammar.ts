import { FIELD, PACKET_FIELDS, type Packet } from '../net/packet.ts'
import { STEP } from './columns.ts'
import { AFTERMATH, HOP_ENDS } from './hops.ts'
import type { TraceReader } from './reader.ts'

const CLOSING: ReadonlySet<number> = new Set([STEP.depart, STEP.deliver, STEP.drop, STEP.wait, STEP.undetermined])
/** Steps without a packet. */
const PACKETLESS: ReadonlySet<number> = new Set([...AFTERMATH, STEP.change])

/** Where a packet stands in the grammar. */
type Standing =
  | 'unborn'
  /** Born, and its first hop has not begun. */
  | 'born'
  | 'open'
  /** Departed: an entry comes next. */
  | 'departed'
  | 'waiting'
  /** Delivered, dropped or undetermined: nothing comes after. */
  | 'ended'

/**
 * Checks a trace against the grammar that readers rely on, and returns what violates it (empty: none), at most 50.
 *
 * - seq counts, time never runs back, causes point backwards;
 * - a packet is born before anything happens to it; its hops open with an entry (a copy's first hop with its birth) and close
 *   with exactly one departure, delivery, drop, wait or `undetermined`;
 * - after a departure comes an entry in the place that it named; after a wait the packet goes on in the same place; after any
 *   other closing only consequences that name it;
 * - a rewrite starts from the value that the field had;
 * - deltas chain: each starts from what the one before left; journeys lie inside the trace.
 */
export function checkGrammar(reader: TraceReader): string[] {
  const out: string[] = []
  const say = (seq: number, text: string) => {
    if (out.length < 50) out.push(`step ${seq}: ${text}`)
  }
  checkOrder(reader, say)
  checkPackets(reader, say)
  checkDecodable(reader, say)
  checkDeltas(reader, say)
  for (const j of reader.trace.journeys) {
    if (j.first < 0 || j.last >= reader.length || j.first > j.last + 1) say(j.first, `journey ${j.run} ends outside the trace`)
    const v = j.verdict
    if (v.kind !== 'answered' && v.decidedBy !== undefined && (v.decidedBy < 0 || v.decidedBy >= reader.length)) {
      say(v.decidedBy, `journey ${j.run} is decided outside the trace`)
    }
  }
  return out
}

type Say = (seq: number, text: string) => void

function checkOrder(reader: TraceReader, say: Say): void {
  const { events: e, refs } = reader.trace
  for (let s = 0; s < e.length; s++) {
    if (s > 0 && (e.t[s] as number) < (e.t[s - 1] as number)) say(s, `time runs back from ${e.t[s - 1]} to ${e.t[s]}`)
    if ((e.cause[s] as number) >= s) say(s, `its cause ${e.cause[s]} is not before it`)
    if (!refs[e.netns[s] as number]?.startsWith('netns:')) say(s, 'has no namespace')
    const device = e.device[s] as number
    if (device >= 0 && !refs[device]?.startsWith('dev:')) say(s, 'names a device that is none')
  }
}

function checkPackets(reader: TraceReader, say: Say): void {
  const { events: e, refs, packets } = reader.trace
  const standing: Standing[] = new Array(packets.length).fill('unborn')
  const goingTo = new Int32Array(packets.length).fill(-1)
  for (let s = 0; s < e.length; s++) {
    const p = e.packet[s] as number
    const kind = e.kind[s] as number
    if (p < 0) {
      if (!PACKETLESS.has(kind) && kind !== STEP.route && kind !== STEP.neighLookup)
        say(s, `${nameOfKind(kind)} without a packet`)
      continue
    }
    const now = standing[p]
    if (now === undefined) {
      say(s, `packet ${p} is not in the table`)
      continue
    }
    if (kind === STEP.born) {
      if (now !== 'unborn') say(s, `packet ${p} is born twice`)
      if ((e.b[s] as number) >= p) say(s, `packet ${p} is born of the later packet ${e.b[s]}`)
      standing[p] = 'born'
      continue
    }
    if (now === 'unborn') say(s, `packet ${p}: ${nameOfKind(kind)} before its birth`)
    if (kind === STEP.enter) {
      if (now === 'open') say(s, `packet ${p} enters a place before it left the one before`)
      if (now === 'ended') say(s, `packet ${p} moves after its end`)
      const place = (e.a[s] === 0 ? e.device[s] : e.netns[s]) as number
      if (now === 'departed' && goingTo[p] !== place) {
        say(s, `packet ${p} left for ${refs[goingTo[p] as number]} and enters ${refs[place]}`)
      }
      standing[p] = 'open'
    } else if (CLOSING.has(kind)) {
      if (now === 'departed') say(s, `packet ${p}: ${nameOfKind(kind)} after it had left`)
      if (now === 'ended') say(s, `packet ${p}: ${nameOfKind(kind)} after its end`)
      goingTo[p] = kind === STEP.depart ? (e.a[s] as number) : -1
      standing[p] = kind === STEP.depart ? 'departed' : kind === STEP.wait ? 'waiting' : 'ended'
    } else if (!AFTERMATH.has(kind)) {
      if (now === 'departed') say(s, `packet ${p}: ${nameOfKind(kind)} between two places`)
      else if (now === 'ended') say(s, `packet ${p}: ${nameOfKind(kind)} after its end`)
      else standing[p] = 'open'
    }
    if (kind === STEP.rewrite) checkRewrite(reader, s, p, say)
  }
}

function checkRewrite(reader: TraceReader, seq: number, packet: number, say: Say): void {
  const step = reader.step(seq)
  if (step.kind !== 'rewrite' || step.field === 'payload') return
  const mark = step.field === 'meta.mark'
  const before = mark ? reader.markAt(packet, seq - 1) : fieldOf(reader.packetAt(packet, seq - 1), step.field)
  if (before !== step.from) say(seq, `packet ${packet}: ${step.field} was ${before}, not ${step.from}`)
}

/** The value of a rewritable header field. */
function fieldOf(p: Packet, field: (typeof PACKET_FIELDS)[number]): number {
  switch (PACKET_FIELDS.indexOf(field)) {
    case FIELD.ETH_SRC:
      return p.ethSrc
    case FIELD.ETH_DST:
      return p.ethDst
    case FIELD.TOS:
      return p.tos
    case FIELD.IP_ID:
      return p.ident
    case FIELD.IP_FLAGS:
      return p.ipFlags
    case FIELD.FRAGMENT:
      return p.fragmentOffset
    case FIELD.TTL:
      return p.ttl
    case FIELD.SRC:
      return p.src
    case FIELD.DST:
      return p.dst
    case FIELD.SPORT:
      return p.sport
    case FIELD.DPORT:
      return p.dport
    case FIELD.ICMP_REST:
      return p.icmpRest
    default:
      return 0
  }
}

/** Every row must mean something: a stray number would otherwise be found by whoever looks at that step. */
function checkDecodable(reader: TraceReader, say: Say): void {
  for (let s = 0; s < reader.length; s++) {
    try {
      reader.step(s)
    } catch (e) {
      say(s, e instanceof Error ? e.message : String(e))
    }
  }
  const { hops } = reader
  for (let h = 0; h < hops.length; h++) {
    if (HOP_ENDS[hops.end[h] as number] === 'open' && reader.trace.truncated === undefined) {
      const { packet, first } = hops.hop(h)
      say(first, `packet ${packet} never leaves this place`)
    }
  }
}

function checkDeltas(reader: TraceReader, say: Say): void {
  const { deltas, initial } = reader.trace
  const world = new Map<string, unknown>(initial)
  deltas.deltas.forEach((d, i) => {
    const seq = deltas.seq[i] as number
    if (i > 0 && seq < (deltas.seq[i - 1] as number)) say(seq, 'deltas are not in order')
    if (seq >= reader.length) say(seq, `delta of ${d.id} belongs to no step`)
    if (world.get(d.id) !== d.from) say(seq, `delta of ${d.id} does not start from what was there`)
    if (d.to === undefined) world.delete(d.id)
    else world.set(d.id, d.to)
  })
}

const KIND_NAMES = Object.keys(STEP)
const nameOfKind = (kind: number): string => KIND_NAMES[kind] ?? `kind ${kind}`
