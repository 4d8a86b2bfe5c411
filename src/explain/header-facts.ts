import { formatIpv4 } from '../net/address.ts'
import type { Packet } from '../net/packet.ts'
import { STEP } from '../trace/columns.ts'
import { destinationOf, quotedEnds, sourceOf } from '../trace/names.ts'
import { fieldText } from '../trace/step-text.ts'
import { before, type Context, nameIn, optional, type StepOf } from './context.ts'
import type { Fact, NatWhy } from './fact.ts'
import { nftRole } from './nft-facts.ts'
import { roleOf } from './rule-facts.ts'
import { change, code, type Span } from './sentence.ts'

/** kube-proxy's --iptables-masquerade-bit, 14 by default. */
const MASQUERADE_BIT = 0x4000

export function rewriteFact(c: Context, step: StepOf<'rewrite'>): Fact {
  const plainChange = change(fieldText(step, step.from), fieldText(step, step.to))
  switch (step.field) {
    case 'eth.src':
    case 'eth.dst': {
      const owner = step.field === 'eth.dst' ? nextHopOf(c) : undefined
      return {
        kind: 'mac-set',
        which: step.field === 'eth.src' ? 'src' : 'dst',
        value: step.from === 0 ? code(fieldText(step, step.to)) : plainChange,
        ...optional('owner', owner),
      }
    }
    case 'ip.ttl':
      return { kind: 'ttl', change: plainChange }
    case 'ip.src':
    case 'l4.sport':
      return { kind: 'translated', which: 'src', change: endChange(c, sourceOf, 'src'), why: natWhy(c) }
    case 'ip.dst':
    case 'l4.dport':
      return { kind: 'translated', which: 'dst', change: endChange(c, destinationOf, 'dst'), why: natWhy(c) }
    case 'meta.mark': {
      const set = (step.to & MASQUERADE_BIT) !== 0
      const was = (step.from & MASQUERADE_BIT) !== 0
      return { kind: 'marked', change: plainChange, masquerade: set === was ? 'other' : set ? 'set' : 'cleared' }
    }
    case 'payload':
      return { kind: 'quote-translated', ...optional('change', quotedChange(c)) }
    default:
      return { kind: 'field-set', field: code(step.field), change: plainChange }
  }
}

/** The next hop that was looked up last for this packet, here or before it waited. */
function nextHopOf(c: Context): Span | undefined {
  const seqs = c.reader.packets.seqsOf(c.packet)
  for (let i = seqs.length - 1; i >= 0; i--) {
    const s = seqs[i] as number
    const step = s < c.seq && c.reader.kindOf(s) === STEP.neighLookup ? c.reader.step(s) : undefined
    if (step?.kind === 'neigh.lookup') return code(formatIpv4(step.address))
  }
  return undefined
}

/** Address and port are rewritten one after the other, and are one change: from before the first to after the last of the run. */
function endChange(c: Context, text: (p: Packet) => string, which: 'src' | 'dst'): Span {
  const fields = which === 'src' ? ['ip.src', 'l4.sport'] : ['ip.dst', 'l4.dport']
  const belongs = (s: number | undefined) => {
    if (s === undefined || c.reader.packetOf(s) !== c.packet || c.reader.kindOf(s) !== STEP.rewrite) return false
    const step = c.reader.step(s)
    return step.kind === 'rewrite' && fields.includes(step.field)
  }
  let first = c.seq
  let last = c.seq
  while (belongs(first - 1)) first--
  while (last + 1 < c.reader.length && belongs(last + 1)) last++
  return change(text(c.reader.packetAt(c.packet, first - 1)), text(c.reader.packetAt(c.packet, last)))
}

/** The end of the quoted datagram that this step rewrites. */
function quotedChange(c: Context): Span | undefined {
  const from = quotedEnds(c.reader.packetAt(c.packet, c.seq - 1))
  const to = quotedEnds(c.reader.packetAt(c.packet, c.seq))
  if (from === undefined || to === undefined) return undefined
  if (from.src !== to.src) return change(from.src, to.src)
  return from.dst === to.dst ? undefined : change(from.dst, to.dst)
}

/** Why addresses change here: a rule of this very walk, or what conntrack remembers. */
function natWhy(c: Context): NatWhy {
  let reply = false
  let entry: string | undefined
  let byRule: boolean | undefined
  for (const s of before(c)) {
    const step = c.reader.step(s)
    if (step.kind === 'nat') {
      byRule ??= step.binding === 'rule'
      entry ??= step.conntrack
    } else if (step.kind === 'rule' && step.verdict === 'nat' && byRule !== false) {
      const rule = c.reader.versions.near(step.rule, s)
      if (rule?.kind === 'rule') return { kind: 'rule', role: roleOf(c.view, rule) }
      if (rule?.kind === 'nft-rule') return { kind: 'rule', role: nftRole(c.reader, c.view, rule, s) }
    } else if (step.kind === 'hook') {
      byRule ??= false
    } else if (step.kind === 'ct.lookup') {
      entry ??= step.conntrack
      reply = step.info === 'ESTABLISHED_REPLY' || step.info === 'RELATED_REPLY'
      break
    }
  }
  const span = entry === undefined ? undefined : nameIn(c, entry)
  return { kind: reply ? 'reverse' : 'binding', ...optional('entry', span), ...optional('service', serviceOfEntry(c, entry)) }
}

/** The Service whose rule made a conntrack entry's binding: the rule that its maker walked last before. */
function serviceOfEntry(c: Context, entry: string | undefined): Span | undefined {
  if (entry === undefined) return undefined
  const made = c.reader.versions.listOf(entry)?.seqs.find((s) => s >= 0)
  if (made === undefined) return undefined
  const packet = c.reader.packetOf(made)
  for (const s of c.reader.packets.seqsOf(packet)) {
    if (s < made || c.reader.kindOf(s) !== STEP.rule) continue
    const step = c.reader.step(s)
    const rule = step.kind === 'rule' && step.verdict === 'nat' ? c.reader.versions.near(step.rule, s) : undefined
    if (rule?.kind !== 'rule' && rule?.kind !== 'nft-rule') continue
    const role = rule.kind === 'rule' ? roleOf(c.view, rule) : nftRole(c.reader, c.view, rule, s)
    return role.kind === 'dnat' ? role.service : undefined
  }
  return undefined
}
