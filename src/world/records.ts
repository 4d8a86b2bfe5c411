import type { ConntrackRecord } from './records/conntrack.ts'
import type { DeviceRecord, FdbRecord } from './records/device.ts'
import type { AddressRecord, NeighbourRecord, PolicyRuleRecord, RouteRecord } from './records/fib.ts'
import type { IpvsConnectionRecord, IpvsDestinationRecord, IpvsServiceRecord } from './records/ipvs.ts'
import type { ChainRecord, IpsetRecord, RuleRecord } from './records/netfilter.ts'
import type { FaultRecord, FileRecord, NetnsRecord, ProcessRecord, SysctlRecord } from './records/netns.ts'
import type { NftChainRecord, NftRuleRecord, NftSetRecord, NftTableRecord } from './records/nftables.ts'
import type { NoteRecord, ObjectRecord } from './records/object.ts'
import type { SocketRecord } from './records/socket.ts'

export type * from './records/conntrack.ts'
export type * from './records/device.ts'
export * from './records/fib.ts'
export type * from './records/ipvs.ts'
export type * from './records/netfilter.ts'
export type * from './records/netns.ts'
export type * from './records/nftables.ts'
export type * from './records/object.ts'
export type * from './records/origin.ts'
export type * from './records/socket.ts'

// Every record: plain, immutable, JSON-ready, flat. Addresses are branded integers; linux/ prints them. One file a family.

export type WorldRecord =
  | NetnsRecord
  | DeviceRecord
  | AddressRecord
  | RouteRecord
  | PolicyRuleRecord
  | NeighbourRecord
  | FdbRecord
  | SysctlRecord
  | ChainRecord
  | RuleRecord
  | IpsetRecord
  | NftTableRecord
  | NftChainRecord
  | NftRuleRecord
  | NftSetRecord
  | IpvsServiceRecord
  | IpvsDestinationRecord
  | IpvsConnectionRecord
  | ConntrackRecord
  | SocketRecord
  | ProcessRecord
  | ObjectRecord
  | NoteRecord
  | FileRecord
  | FaultRecord

export type RecordKind = WorldRecord['kind']

export type RecordOf<K extends RecordKind> = Extract<WorldRecord, { kind: K }>
