import { STEP } from '../trace/columns.ts'
import { destinationOf } from '../trace/names.ts'
import type { TraceReader } from '../trace/reader.ts'
import type { WorldView } from '../world/world.ts'
import type { RoleOf } from './fact.ts'
import { ownerOf } from './names.ts'
import { nftRole } from './nft-facts.ts'
import { roleOf } from './rule-facts.ts'
import { change, type Span } from './sentence.ts'

/** A packet's translation by a Service's rule: where it was sent and where it went. */
export interface ServiceTranslation {
  readonly seq: number
  readonly object?: Span
  readonly role: RoleOf<'dnat'>
  readonly change: Span
}

/** The Service rule that gave a packet (or the packet that it is a copy of) its destination, up to `seq`. */
export function serviceOfPacket(
  reader: TraceReader,
  view: WorldView,
  packet: number,
  seq: number,
): ServiceTranslation | undefined {
  for (const s of reader.packets.seqsOf(packet)) {
    if (s > seq) break
    if (reader.kindOf(s) !== STEP.rule) continue
    const found = translationAt(reader, view, packet, s)
    if (found !== undefined) return found
  }
  const parent = reader.packets.parent[packet] ?? -1
  return reader.packets.origin(packet) === 'clone' && parent >= 0 ? serviceOfPacket(reader, view, parent, seq) : undefined
}

/** The translation that the rule of step `seq` brought about, if it is one of a Service's endpoints. */
export function translationAt(reader: TraceReader, view: WorldView, packet: number, seq: number): ServiceTranslation | undefined {
  const step = reader.step(seq)
  if (step.kind !== 'rule' || step.verdict !== 'nat') return undefined
  const rule = reader.versions.near(step.rule, seq)
  const role =
    rule?.kind === 'rule' ? roleOf(view, rule) : rule?.kind === 'nft-rule' ? nftRole(reader, view, rule, seq) : undefined
  if (role?.kind !== 'dnat') return undefined
  const { from, to } = destinationsAt(reader, packet, seq)
  return { seq, ...(role.service === undefined ? {} : { object: role.service }), role, change: change(from, to) }
}

/** Where the packet was sent before the rule of step `seq`, and where after the rewrites that follow it. */
function destinationsAt(reader: TraceReader, packet: number, seq: number): { from: string; to: string } {
  const after = reader.rewritesOf(packet).filter((s) => s > seq)
  // The rewrites of one translation follow each other; what comes later in the journey is not part of it.
  let last = seq
  for (const s of after) {
    const r = reader.step(s)
    if (r.kind !== 'rewrite' || (r.field !== 'ip.dst' && r.field !== 'l4.dport')) break
    last = s
  }
  return { from: destinationOf(reader.packetAt(packet, seq)), to: destinationOf(reader.packetAt(packet, last)) }
}

/** A new destination by a rule that is no Service's endpoint, and who has it. */
export function redirectionAt(reader: TraceReader, view: WorldView, seq: number): { change: Span; owner?: Span } | undefined {
  const step = reader.step(seq)
  if (step.kind !== 'rule' || step.verdict !== 'nat') return undefined
  const rule = reader.versions.near(step.rule, seq)
  if (rule?.kind !== 'rule' || rule.spec.target.kind !== 'dnat' || roleOf(view, rule).kind === 'dnat') return undefined
  const packet = reader.packetOf(seq)
  const { from, to } = destinationsAt(reader, packet, seq)
  const at = rule.spec.target.range.addresses?.from
  const owner = at === undefined ? undefined : ownerOf(view, at)
  return { change: change(from, to), ...(owner === undefined ? {} : { owner }) }
}
