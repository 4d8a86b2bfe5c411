import type { NetnsId, NftChainId, NftRuleId, NftSetId, NftTableId } from '../ids.ts'
import type { NftChainType, NftElement, NftFamily, NftHook, NftStatement, NftType } from '../nft.ts'
import type { Origin } from './origin.ts'

// The tables of nftables that no iptables tool keeps.

/** A table of nftables (struct nft_table) that no iptables tool keeps. */
export interface NftTableRecord {
  readonly kind: 'nft-table'
  readonly id: NftTableId
  readonly netns: NetnsId
  readonly family: NftFamily
  readonly name: string
  /** `dormant`: its base chains are not registered. */
  readonly flags: readonly string[]
  readonly comment?: string
  readonly handle: number
  /** Objects that are kept as written and not modelled: flowtables, named counters, helpers. */
  readonly others: readonly string[]
  readonly origin: Origin
}

export interface NftChainRecord {
  readonly kind: 'nft-chain'
  readonly id: NftChainId
  readonly netns: NetnsId
  readonly family: NftFamily
  /** The table's name. */
  readonly table: string
  readonly name: string
  readonly base?: {
    readonly type: NftChainType
    readonly hook: NftHook
    readonly priority: number
    readonly policy: 'accept' | 'drop'
    /** Of ingress and egress hooks. */
    readonly device?: string
  }
  readonly comment?: string
  readonly handle: number
  readonly rules: readonly NftRuleId[]
  readonly origin: Origin
}

export interface NftRuleRecord {
  readonly kind: 'nft-rule'
  readonly id: NftRuleId
  readonly netns: NetnsId
  readonly family: NftFamily
  readonly table: string
  readonly chain: string
  readonly handle: number
  /** In the order they are evaluated. */
  readonly statements: readonly NftStatement[]
  readonly comment?: string
  readonly origin: Origin
}

/** A named set, or a map when it has data. */
export interface NftSetRecord {
  readonly kind: 'nft-set'
  readonly id: NftSetId
  readonly netns: NetnsId
  readonly family: NftFamily
  readonly table: string
  readonly name: string
  /** One type a field. */
  readonly type: readonly NftType[]
  /** Of a map: `verdict` alone, or a type a field. */
  readonly data?: readonly NftType[]
  /** `typeof` spelling of its type, which nft prints back. */
  readonly typeOf?: string
  /** `interval`, `timeout`, `dynamic`, `constant`. */
  readonly flags: readonly string[]
  /** Nanoseconds. */
  readonly timeout?: number
  readonly gcInterval?: number
  readonly size?: number
  readonly policy?: string
  readonly autoMerge?: true
  readonly comment?: string
  /** Statements of the set itself (`counter`), kept as written. */
  readonly stateful?: string
  readonly handle: number
  /** As it is at this moment; elements whose time is over may still be listed. */
  readonly elements: readonly NftElement[]
  readonly origin: Origin
}
