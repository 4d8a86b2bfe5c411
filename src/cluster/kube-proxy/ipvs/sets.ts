import type { IpAddress, IpFamily } from '../ip.ts'
import type { L4Protocol } from '../rule.ts'

// kube-proxy's ipsets in IPVS mode (pkg/proxy/ipvs/ipset.go, proxier.go: ipsetInfo).

export type SetType = 'hash:ip,port' | 'hash:ip,port,ip' | 'hash:ip,port,net' | 'hash:ip' | 'bitmap:port'

interface SetInfo {
  readonly type: SetType
  readonly comment: string
}

export const SETS = {
  'KUBE-LOOP-BACK': {
    type: 'hash:ip,port,ip',
    comment: 'Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose',
  },
  'KUBE-CLUSTER-IP': { type: 'hash:ip,port', comment: 'Kubernetes service cluster ip + port for masquerade purpose' },
  'KUBE-EXTERNAL-IP': {
    type: 'hash:ip,port',
    comment: 'Kubernetes service external ip + port for masquerade and filter purpose',
  },
  'KUBE-EXTERNAL-IP-LOCAL': {
    type: 'hash:ip,port',
    comment: 'Kubernetes service external ip + port with externalTrafficPolicy=local',
  },
  'KUBE-LOAD-BALANCER': { type: 'hash:ip,port', comment: 'Kubernetes service lb portal' },
  'KUBE-LOAD-BALANCER-FW': {
    type: 'hash:ip,port',
    comment: 'Kubernetes service load balancer ip + port for load balancer with sourceRange',
  },
  'KUBE-LOAD-BALANCER-LOCAL': {
    type: 'hash:ip,port',
    comment: 'Kubernetes service load balancer ip + port with externalTrafficPolicy=local',
  },
  'KUBE-LOAD-BALANCER-SOURCE-IP': {
    type: 'hash:ip,port,ip',
    comment: 'Kubernetes service load balancer ip + port + source IP for packet filter purpose',
  },
  'KUBE-LOAD-BALANCER-SOURCE-CIDR': {
    type: 'hash:ip,port,net',
    comment: 'Kubernetes service load balancer ip + port + source cidr for packet filter purpose',
  },
  'KUBE-NODE-PORT-TCP': { type: 'bitmap:port', comment: 'Kubernetes nodeport TCP port for masquerade purpose' },
  'KUBE-NODE-PORT-LOCAL-TCP': {
    type: 'bitmap:port',
    comment: 'Kubernetes nodeport TCP port with externalTrafficPolicy=local',
  },
  'KUBE-NODE-PORT-UDP': { type: 'bitmap:port', comment: 'Kubernetes nodeport UDP port for masquerade purpose' },
  'KUBE-NODE-PORT-LOCAL-UDP': {
    type: 'bitmap:port',
    comment: 'Kubernetes nodeport UDP port with externalTrafficPolicy=local',
  },
  'KUBE-NODE-PORT-SCTP-HASH': {
    type: 'hash:ip,port',
    comment: "Kubernetes nodeport SCTP port for masquerade purpose with type 'hash ip:port'",
  },
  'KUBE-NODE-PORT-LOCAL-SCTP-HASH': {
    type: 'hash:ip,port',
    comment: "Kubernetes nodeport SCTP port with externalTrafficPolicy=local with type 'hash ip:port'",
  },
  'KUBE-HEALTH-CHECK-NODE-PORT': { type: 'bitmap:port', comment: 'Kubernetes health check node port' },
  'KUBE-IPVS-IPS': { type: 'hash:ip', comment: 'Addresses on the ipvs interface' },
} as const satisfies Record<string, SetInfo>

export type SetName = keyof typeof SETS
export const SET_NAMES = Object.keys(SETS) as SetName[]

/** IPv6 sets have names of their own, within the kernel's 31 characters. */
export const setName = (name: SetName, family: IpFamily): string =>
  family === 'IPv4' ? name : name.replace('KUBE-', 'KUBE-6-').slice(0, 31)

/** As kube-proxy creates them (pkg/proxy/ipvs/util/ipset.go). */
export const setOptions = (type: SetType, family: IpFamily): readonly string[] =>
  type === 'bitmap:port'
    ? ['range', '0-65535']
    : ['family', family === 'IPv4' ? 'inet' : 'inet6', 'hashsize', '1024', 'maxelem', '65536']

export const ipPort = (ip: IpAddress, protocol: L4Protocol, port: number): string => `${ip.text},${protocol}:${port}`

/** The entries of every set as one sync finds them. */
export class SetEntries {
  readonly #entries = new Map<SetName, Set<string>>(SET_NAMES.map((n) => [n, new Set()]))

  add(set: SetName, entry: string): void {
    this.#entries.get(set)?.add(entry)
  }
  isEmpty(set: SetName): boolean {
    return this.#entries.get(set)?.size === 0
  }
  /** In byte order: the real one is that of a Go set. */
  of(set: SetName): string[] {
    return [...(this.#entries.get(set) ?? [])].sort()
  }
}
