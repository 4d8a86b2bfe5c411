import type { ExchangeKind } from '../trace/exchanges.ts'
import type { DropReason } from '../trace/step.ts'
import type { Fact, FactKind, FactOf, RoleOf, RuleRole, VerdictFact } from './fact.ts'
import type { Sentence } from './sentence.ts'

/** One language. A fact without its sentence, or a drop reason without its words, does not compile. */
export interface Catalogue {
  readonly facts: { readonly [K in FactKind]: (fact: FactOf<K>) => Sentence }
  readonly roles: { readonly [K in RuleRole['kind']]: (role: RoleOf<K>) => Sentence }
  /** What a drop reason means, without a full stop. */
  readonly reasons: Readonly<Record<DropReason, string>>
  readonly verdict: (fact: VerdictFact) => Sentence
  readonly exchange: Readonly<Record<ExchangeKind, string>>
  readonly note: (what: string, where: string | undefined) => Sentence
  /** Between two sentences. */
  readonly space: string
}

/** The sentence of a fact. The union guarantees that the entry takes exactly this fact. */
export function sentenceOf(catalogue: Catalogue, fact: Fact): Sentence {
  return (catalogue.facts[fact.kind] as (fact: Fact) => Sentence)(fact)
}

export function roleSentence(catalogue: Pick<Catalogue, 'roles'>, role: RuleRole): Sentence {
  return (catalogue.roles[role.kind] as (role: RuleRole) => Sentence)(role)
}
