import type { ProxyConfig } from '../config.ts'

/** kube-proxy's settings for --proxy-mode=iptables, and what it finds out about the machine's iptables and kernel. */
export interface IptablesProxyConfig extends ProxyConfig {
  /** iptables knows --random-fully (1.6.2 and later). */
  readonly randomFully: boolean
  /** nf_conntrack_tcp_be_liberal: packets out of window are not INVALID, so nothing has to drop those that are. */
  readonly conntrackTCPLiberal: boolean
  /** The nfacct counters that exist on this node. */
  readonly nfacct: ReadonlySet<string>
  /** --iptables-localhost-nodeports, where --nodeport-addresses leaves room for it. */
  readonly localhostNodePorts: boolean
  /** Above this many endpoints, rules for endpoints lose their comments and stale chains stay for a while. */
  readonly largeClusterEndpoints: number
}

/** As a kubeadm cluster has them. */
export const IPTABLES_DEFAULTS = {
  randomFully: true,
  conntrackTCPLiberal: false,
  nfacct: new Set<string>(),
  localhostNodePorts: true,
  largeClusterEndpoints: 1000,
} as const
