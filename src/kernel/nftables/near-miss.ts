import { prng } from '../../base/prng.ts'
import type { NftStatement } from '../../world/nft.ts'
import type { NftRuleRecord, NftSetRecord } from '../../world/records.ts'
import { inputOf, type PacketFacts, placeOf } from '../netfilter/near-miss.ts'
import { compileKey, type ExpressionDeps, setIndex } from './expression.ts'
import { compileMatch } from './match.ts'
import { isBits } from './rule.ts'
import { type Loaded, SetIndex } from './set.ts'

/** `depends`: chance, a counter or time decided, or it is not modelled; the facts do not say. */
export interface StatementFit {
  readonly statement: NftStatement
  readonly fits: boolean | 'depends'
}

/** What of a moment a rule of nftables looks at beside the packet: the sets of its table as they were, and the time (ns). */
export interface NftFacts extends PacketFacts {
  readonly sets: readonly NftSetRecord[]
  readonly now: number
}

/** Every condition of a rule in order, and whether the packet fits it. Pure: counters do not move. */
export function explainNftRule(rule: NftRuleRecord, facts: NftFacts): readonly StatementFit[] {
  const deps = depsOf(rule, facts)
  return rule.statements.flatMap((statement) => {
    const fits = fitOf(statement, facts, deps)
    return fits === undefined ? [] : [{ statement, fits }]
  })
}

/** Undefined for what is no condition. */
function fitOf(s: NftStatement, facts: NftFacts, deps: ExpressionDeps): boolean | 'depends' | undefined {
  switch (s.kind) {
    case 'match': {
      const c = compileMatch(s, deps, isBits(s.left))
      return 'unmodelled' in c || !c.pure ? 'depends' : c.test(inputOf(facts), placeOf(facts))
    }
    case 'vmap': {
      const key = compileKey(s.key, deps)
      if ('unmodelled' in key || !key.pure) return 'depends'
      const index = setIndex(s.map, key.width, deps)
      const loaded: Loaded[] = []
      if (index === undefined) return 'depends'
      return key.load(inputOf(facts), placeOf(facts), loaded) && index.find(loaded, facts.now) !== undefined
    }
    case 'limit':
    case 'unknown':
      return 'depends'
    default:
      return undefined
  }
}

function depsOf(rule: NftRuleRecord, facts: NftFacts): ExpressionDeps {
  return {
    // Never drawn from: what would is not evaluated.
    rng: prng(0),
    now: () => facts.now,
    addressType: (address, device) => facts.addressType(address, device),
    set: (name) => {
      const record = facts.sets.find((s) => s.name === name && s.table === rule.table && s.family === rule.family)
      return record === undefined ? undefined : new SetIndex(record.elements, record.type.length)
    },
  }
}
