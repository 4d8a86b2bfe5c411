import type { DeviceId, ProcessId, RecordId } from './ids.ts'
import type { TableName } from './netfilter.ts'
import type {
  IpvsDestinationRecord,
  IpvsServiceRecord,
  NftChainRecord,
  NftRuleRecord,
  NftSetRecord,
  NftTableRecord,
  ProcessRecord,
  SocketRecord,
  WorldRecord,
} from './records.ts'
import type { Delta } from './world.ts'

// What changes around the packets while a journey is under way: objects, pods, kube-proxy's rules. The cluster works out what;
// the simulation lets it happen at its virtual time, as steps of the trace; the lab does the same to a real kernel.

/** Shared by all changes. Those of one journey stand in order of time. */
interface At {
  /** Index of the journey. */
  readonly journey: number
  /** Virtual ns since the journey began. A journey that is over by then waits for it. */
  readonly at: number
  /** Name of the namespace where it is shown: the pod's node, the node that syncs. */
  readonly netns: string
  /** The object, the pod's namespace, the node. */
  readonly record: RecordId
}

/** Objects as the API server holds them from now on; `deltas` are of object records only. */
export interface ObjectsChange extends At {
  readonly kind: 'apply' | 'delete' | 'terminate'
  readonly deltas: readonly Delta[]
}

/** A pod's sandbox: its namespace, its devices and their other ends, and then its servers. */
export interface AttachChange extends At {
  readonly kind: 'attach'
  readonly records: readonly WorldRecord[]
  readonly servers: readonly ProcessRecord[]
}

/** Processes of a namespace that stays: the containers of a pod on the host's network. */
export interface StartChange extends At {
  readonly kind: 'start'
  readonly servers: readonly ProcessRecord[]
}

/** The containers' processes get SIGKILL: the grace period is over, or nobody wanted to wait. No step of its own. */
export interface KillChange extends At {
  readonly kind: 'kill'
  readonly processes: readonly ProcessId[]
}

/** A node's cable is pulled. `port`: the switch's end. */
export interface UnplugChange extends At {
  readonly kind: 'unplug'
  readonly port: DeviceId
}

/** The pod's namespace goes, and everything in it. */
export interface DetachChange extends At {
  readonly kind: 'detach'
}

/** Part of one iptables table, as iptables-restore --noflush takes it. */
export interface TableSync {
  readonly table: TableName
  /** Chains that are emptied and written again: their rules count from zero. */
  readonly written: readonly string[]
  readonly removed: readonly string[]
  /** Chain and rule records of the whole table afterwards, as far as they differ. */
  readonly deltas: readonly Delta[]
}

/**
 * What others than kube-proxy bring up to date on one machine: the cloud its balancers and routes, the network plugin the host ports.
 * `tables`: chains that are neither `written` nor `removed` are edited in place, and their rules go on counting.
 */
export interface ConfigureChange extends At {
  readonly kind: 'configure'
  readonly tables: readonly TableSync[]
  /** Routes and files, as far as they differ. */
  readonly deltas: readonly Delta[]
  /** All that the machine's tables of nftables are to hold; absent where nothing of it changes. */
  readonly nft?: readonly NftRecord[]
  readonly stale?: readonly StaleFlows[]
}

/** UDP flows whose original direction goes to `port` (of `address`, or of any), unless their replies come from one of `serving`. */
export interface StaleFlows {
  readonly address?: number
  readonly port: number
  /** Addresses of serving endpoints. */
  readonly serving: readonly number[]
}

/** What kube-proxy in IPVS mode asks of a node beside its rules. */
export interface IpvsServers {
  /** Sets, addresses of kube-ipvs0 and their local routes, as far as they differ. */
  readonly deltas: readonly Delta[]
  /** All virtual servers and real servers as they should be. One that should not may stay a while, at weight 0. */
  readonly servers: readonly (IpvsServiceRecord | IpvsDestinationRecord)[]
}

export type NftRecord = NftTableRecord | NftChainRecord | NftRuleRecord | NftSetRecord

/** Sockets that kube-proxy in userspace mode opens and closes, as records of a world that is built anew. */
export interface PortalChange {
  readonly process: ProcessId
  readonly opens: readonly SocketRecord[]
  readonly closes: readonly SocketRecord[]
}

/** kube-proxy on one node: its rules, and the conntrack entries that it deletes afterwards. */
export interface SyncChange extends At {
  readonly kind: 'sync'
  /** In nftables mode: all that the node's tables of nftables are to hold. */
  readonly nft?: readonly NftRecord[]
  readonly ipvs?: IpvsServers
  readonly tables: readonly TableSync[]
  readonly stale: readonly StaleFlows[]
  /** Servers of kube-proxy itself that come and go with it: health check node ports. */
  readonly starts?: readonly ProcessRecord[]
  readonly stops?: readonly ProcessId[]
  readonly portals?: PortalChange
}

export type WorldChange =
  | ObjectsChange
  | AttachChange
  | StartChange
  | KillChange
  | DetachChange
  | UnplugChange
  | ConfigureChange
  | SyncChange
