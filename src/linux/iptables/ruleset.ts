import type { HookName, RuleSpec, TableName } from '../../world/netfilter.ts'
import type { Counters } from '../../world/records.ts'
import { BASE_CHAINS } from './names.ts'

export interface ParsedRule {
  readonly spec: RuleSpec
  readonly counters: Counters
  /** Where it was read, from 1; 0 for a rule that was not read from text. */
  readonly line: number
}

export interface ParsedChain {
  readonly name: string
  /** Base chains only. */
  readonly hook?: HookName
  readonly policy?: 'ACCEPT' | 'DROP'
  readonly counters: Counters
  readonly rules: readonly ParsedRule[]
}

export interface ParsedTable {
  readonly name: TableName
  readonly chains: ReadonlyMap<string, ParsedChain>
}

/** A whole ruleset, tables and chains in the order in which they were read. */
export interface ParsedIptables {
  readonly tables: ReadonlyMap<TableName, ParsedTable>
}

export const NO_COUNTERS: Counters = { packets: 0, bytes: 0 }

export const baseHook = (table: TableName, chain: string): HookName | undefined => BASE_CHAINS[table].find((h) => h === chain)

/** Tables as the kernel makes them: base chains that accept, and no rules. What `--noflush` text is applied to on a fresh node. */
export function emptyRuleset(tables: readonly TableName[]): ParsedIptables {
  return {
    tables: new Map(
      tables.map((name) => [
        name,
        {
          name,
          chains: new Map(
            BASE_CHAINS[name].map((hook) => [hook, { name: hook, hook, policy: 'ACCEPT', counters: NO_COUNTERS, rules: [] }]),
          ),
        },
      ]),
    ),
  }
}
