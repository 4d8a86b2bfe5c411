import type { JourneyCommand } from '../../sim/run.ts'
import type { TableName } from '../../world/netfilter.ts'
import type { NetnsRecord } from '../../world/records.ts'

// A fuzz case: one small network, told so that any line of it can be left out and the rest still means something.

export interface FuzzCase {
  /** What the case was drawn from; the engine's run takes it too. */
  readonly seed: number
  readonly hosts: readonly FuzzHost[]
  readonly cables: readonly FuzzCable[]
  readonly journeys: readonly JourneyCommand[]
}

export interface FuzzHost {
  readonly name: string
  readonly role: NetnsRecord['role']
  readonly bridges: readonly string[]
  /** `10.244.1.1/24` on `cbr0`. */
  readonly addresses: readonly { readonly device: string; readonly cidr: string }[]
  /** Lines as `ip route show table all` prints them; the kernel's own follow from the addresses. */
  readonly routes: readonly string[]
  /** Lines as `ip rule` prints them, beside the three default ones. */
  readonly rules: readonly string[]
  readonly sysctls: Readonly<Record<string, string>>
  readonly tables: readonly FuzzTable[]
  /** Lines of `ipset save`. */
  readonly sets: readonly string[]
  /** Command lines of servers that run from the start. */
  readonly servers: readonly string[]
  readonly tunnels?: readonly FuzzTunnel[]
}

/** A VXLAN device; its address and routes stand with the host's others. */
export interface FuzzTunnel {
  readonly device: string
  /** As `ip -d link` says it, behind `vxlan`: `id 42 local 192.168.1.1 dev eth0 dstport 8472 nolearning`. */
  readonly words: string
  readonly mtu: number
  /** Entries as `bridge fdb` prints them: `0e:00:00:00:00:02 dst 192.168.1.2`. */
  readonly fdb: readonly string[]
  /** Neighbours that a control plane has put there: `10.244.2.0 lladdr 0e:00:00:00:00:02`. */
  readonly neighbours: readonly string[]
}

export interface FuzzTable {
  readonly table: TableName
  readonly policies: Readonly<Record<string, 'ACCEPT' | 'DROP'>>
  /** User chains. */
  readonly chains: readonly string[]
  /** `-A CHAIN …` */
  readonly rules: readonly string[]
}

export interface FuzzEnd {
  readonly host: string
  readonly device: string
  /** Bridge that it is a port of. */
  readonly master?: string
  readonly hairpin?: boolean
}

export interface FuzzCable {
  readonly a: FuzzEnd
  readonly b: FuzzEnd
  readonly mtu: number
}
