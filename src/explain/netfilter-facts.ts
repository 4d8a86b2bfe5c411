import { formatIpv4 } from '../net/address.ts'
import { STEP } from '../trace/columns.ts'
import { destinationOf, sourceOf } from '../trace/names.ts'
import { chainNameAt } from '../trace/nft.ts'
import { type Context, nameIn, optional, type StepOf } from './context.ts'
import type { Fact, RuleRole } from './fact.ts'
import { nftRole } from './nft-facts.ts'
import { roleOf } from './rule-facts.ts'
import { change, code, record } from './sentence.ts'

const chainIn = (c: Context, id: string) => record(id, chainNameAt(c.reader, id, c.seq))

export function chainFact(c: Context, step: StepOf<'chain'>): Fact {
  const chain = c.view.get('chain', step.chain)
  return { kind: 'chain', chain: chainIn(c, step.chain), table: step.table, ...optional('hook', chain?.hook) }
}

export function ruleFact(c: Context, step: StepOf<'rule'>): Fact {
  const rule = c.reader.versions.near(step.rule, c.seq)
  const span = nameIn(c, step.rule)
  if (rule?.kind === 'nft-rule') {
    return { kind: 'rule', rule: span, role: withAddress(c, nftRole(c.reader, c.view, rule, c.seq)), tried: step.tried }
  }
  if (rule?.kind !== 'rule') {
    return {
      kind: 'rule',
      rule: span,
      role: { kind: 'plain', component: 'kernel', target: code(step.verdict) },
      tried: step.tried,
    }
  }
  return { kind: 'rule', rule: span, role: withAddress(c, roleOf(c.view, rule)), tried: step.tried }
}

/** Masquerading picks its address when it acts: the rewrite that follows says which. */
function withAddress(c: Context, role: RuleRole): RuleRole {
  if (role.kind !== 'masquerade-marked' && role.kind !== 'egress-masquerade') return role
  for (const s of c.reader.rewritesOf(c.packet)) {
    if (s < c.seq) continue
    const r = c.reader.step(s)
    if (r.kind === 'rewrite' && r.field === 'ip.src') return { ...role, address: code(formatIpv4(r.to)) }
    if (c.reader.hops.hopOf(s) !== c.reader.hops.hopOf(c.seq)) break
  }
  return role
}

export function policyFact(c: Context, step: StepOf<'policy'>): Fact {
  return { kind: 'policy', chain: chainIn(c, step.chain), verdict: step.verdict, tried: step.tried }
}

export function ctLookupFact(c: Context, step: StepOf<'ct.lookup'>): Fact {
  const entry = step.conntrack === undefined ? undefined : c.reader.versions.near(step.conntrack, c.seq)
  const translates = entry?.kind === 'conntrack' && (entry.srcNat || entry.dstNat)
  return {
    kind: 'ct-found',
    info: step.info,
    ...optional('entry', step.conntrack === undefined ? undefined : nameIn(c, step.conntrack)),
    translates,
  }
}

export function ctChangeFact(c: Context, step: StepOf<'ct.change'>): Fact {
  if (c.packet < 0 && step.change === 'destroy') return { kind: 'ct-cleaned', entry: nameIn(c, step.conntrack), where: c.where }
  if (step.change === 'clash') return { kind: 'ct-clashed', entry: nameIn(c, step.conntrack), end: clashEnd(c) }
  const state = step.state === undefined || step.state === '' ? undefined : code(step.state)
  return { kind: 'ct-changed', change: step.change, entry: nameIn(c, step.conntrack), ...optional('state', state) }
}

/** What became of the packet that clashed: the steps after tell. */
function clashEnd(c: Context): 'shared' | 'kept' | 'dropped' {
  const { reader, packet, seq } = c
  for (let s = seq + 1; s < reader.length && reader.packetOf(s) === packet; s++) {
    const step = reader.step(s)
    if (step.kind === 'drop') return 'dropped'
    if (step.kind === 'ct.change' && step.change === 'confirm') return 'kept'
    if (step.kind !== 'ct.change') break
  }
  return 'shared'
}

/** What a binding does to the packet: its rewrites follow the `nat` row. */
export function natFact(c: Context, step: StepOf<'nat'>): Fact {
  const { reader, packet, seq } = c
  let last = seq
  for (let s = seq + 1; s < reader.length && reader.packetOf(s) === packet && reader.kindOf(s) === STEP.rewrite; s++) last = s
  const text = step.manip === 'src' ? sourceOf : destinationOf
  const from = packet < 0 ? '' : text(reader.packetAt(packet, seq))
  const to = packet < 0 ? '' : text(reader.packetAt(packet, last))
  const changed = from === to ? undefined : change(from, to)
  return {
    kind: 'nat-bound',
    entry: nameIn(c, step.conntrack),
    manip: step.manip,
    binding: step.binding,
    ...optional('change', changed),
  }
}
