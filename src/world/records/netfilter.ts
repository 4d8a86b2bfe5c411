import type { ChainId, IpsetId, NetnsId, RuleId } from '../ids.ts'
import type { HookName, RuleSpec, TableName } from '../netfilter.ts'
import type { Origin } from './origin.ts'

// The tables of iptables, and ipset.

export interface Counters {
  readonly packets: number
  readonly bytes: number
}

export interface ChainRecord {
  readonly kind: 'chain'
  readonly id: ChainId
  readonly netns: NetnsId
  readonly table: TableName
  readonly name: string
  /** Base chains only. */
  readonly hook?: HookName
  readonly policy?: 'ACCEPT' | 'DROP'
  /** As loaded; what a run adds is in the trace's cells. */
  readonly counters: Counters
  readonly rules: readonly RuleId[]
  readonly origin: Origin
}

export interface RuleRecord {
  readonly kind: 'rule'
  readonly id: RuleId
  readonly netns: NetnsId
  readonly table: TableName
  readonly chain: string
  readonly spec: RuleSpec
  readonly counters: Counters
  readonly origin: Origin
}

export interface IpsetRecord {
  readonly kind: 'ipset'
  readonly id: IpsetId
  readonly netns: NetnsId
  readonly name: string
  readonly type: string
  readonly options: readonly string[]
  readonly entries: readonly string[]
  readonly origin: Origin
}
