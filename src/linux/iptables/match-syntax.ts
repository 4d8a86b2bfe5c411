import type { Match } from '../../world/netfilter.ts'
import type { Draft, RuleReader } from './reader.ts'

export type MatchOf<K extends Match['kind']> = Extract<Match, { kind: K }>

/** How one extension reads its options: `begin` at `-m name`, an entry of `options` for each, `finish` at the rule's end. */
export interface MatchSyntax {
  readonly begin: () => unknown
  readonly options: ReadonlyMap<string, (draft: never, r: RuleReader) => void>
  readonly finish: (draft: never, r: RuleReader) => Match
}

interface SyntaxOf<D> {
  readonly begin: () => D
  readonly options: Readonly<Record<string, (draft: D, r: RuleReader) => void>>
  /** Options that iptables knows and Hopscope keeps as they are: the whole match becomes `unknown`. */
  readonly unmodelled?: readonly string[]
}

export function syntax<D>(s: SyntaxOf<D>, finish: (draft: D, r: RuleReader) => Match): MatchSyntax {
  const options = new Map(Object.entries(s.options))
  for (const name of s.unmodelled ?? []) {
    options.set(name, (_, r) => {
      r.unmodelled = true
    })
  }
  return { begin: s.begin, options, finish }
}

/** For a match whose draft is the match. */
export const plain = <M extends Match>(s: SyntaxOf<Draft<M>>): MatchSyntax => syntax(s, (d) => d as unknown as M)
