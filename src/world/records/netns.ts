import type { FaultId, FileId, NetnsId, ProcessId, SysctlId } from '../ids.ts'
import type { Origin } from './origin.ts'

// A network namespace, and what belongs to it alone: its sysctls, the processes in it, the files those read.

export type NetnsRole = 'node' | 'pod' | 'switch' | 'router' | 'gateway' | 'internet' | 'client' | 'load-balancer'

export interface NetnsRecord {
  readonly kind: 'netns'
  readonly id: NetnsId
  /** As users write it: `node1`, `pod/client`, `pod/kube-system/coredns-a`, `fabric`, `internet`. */
  readonly name: string
  readonly role: NetnsRole
  /** For a pod: the node whose kernel it shares. */
  readonly node?: NetnsId
  /** For a pod: its containers, the pause container first; one network namespace for all. */
  readonly containers?: readonly { readonly name: string; readonly image?: string }[]
  readonly origin: Origin
}

export interface SysctlRecord {
  readonly kind: 'sysctl'
  readonly id: SysctlId
  readonly netns: NetnsId
  /** `net.ipv4.ip_forward`, `net.ipv4.conf.eth0.rp_filter`. */
  readonly key: string
  readonly value: string
  readonly origin: Origin
}

/** A text file that programs of a namespace read: what decides how names resolve there. */
export interface FileRecord {
  readonly kind: 'file'
  readonly id: FileId
  readonly netns: NetnsId
  /** `/etc/resolv.conf` */
  readonly path: string
  readonly content: string
  readonly origin: Origin
}

/** A CPU of the machine is interrupted while it handles the first packet of a flow to this port, between PREROUTING and FORWARD. */
export interface FaultRecord {
  readonly kind: 'fault'
  readonly id: FaultId
  readonly netns: NetnsId
  /** IP protocol number. */
  readonly protocol: number
  readonly port: number
  /** ns */
  readonly duration: number
  readonly origin: Origin
}

export interface ProcessRecord {
  readonly kind: 'process'
  readonly id: ProcessId
  readonly netns: NetnsId
  readonly pid: number
  readonly container?: string
  readonly argv: readonly string[]
  readonly state: 'running' | 'exited'
  readonly exitCode?: number
  /** stdout and stderr as a terminal would show them. */
  readonly output: string
  readonly origin: Origin
}
