// Defaults of a fresh network namespace (Linux 6.1, `ip netns add` and `sysctl -a`); a node's own values are records.
const DEFAULTS: ReadonlyMap<string, number> = new Map([
  ['net.ipv4.ip_forward', 0],
  ['net.ipv4.ip_default_ttl', 64],
  ['net.ipv4.icmp_echo_ignore_all', 0],
  ['net.ipv4.icmp_echo_ignore_broadcasts', 1],
  ['net.ipv4.icmp_ratelimit', 1000],
  // Bits of the types that are limited: unreachable, source quench, time exceeded, parameter problem.
  ['net.ipv4.icmp_ratemask', 6168],
  ['net.ipv4.ip_no_pmtu_disc', 0],
  ['net.ipv4.ipfrag_time', 30],
  ['net.bridge.bridge-nf-call-iptables', 0],
  ['net.ipv4.vs.conn_reuse_mode', 1],
  ['net.ipv4.vs.snat_reroute', 1],
  ['net.ipv4.neigh.default.mcast_solicit', 3],
  ['net.ipv4.neigh.default.ucast_solicit', 3],
  ['net.ipv4.neigh.default.retrans_time_ms', 1000],
  ['net.ipv4.neigh.default.delay_first_probe_time', 5],
  ['net.ipv4.neigh.default.base_reachable_time_ms', 30000],
  ['net.ipv4.neigh.default.unres_qlen_bytes', 212992],
  ['net.ipv4.tcp_syn_retries', 6],
  ['net.ipv4.tcp_synack_retries', 5],
  ['net.ipv4.tcp_retries2', 15],
  ['net.ipv4.tcp_fin_timeout', 60],
  ['net.netfilter.nf_conntrack_tcp_loose', 1],
  ['net.netfilter.nf_conntrack_tcp_be_liberal', 0],
  ['net.netfilter.nf_conntrack_tcp_timeout_syn_sent', 120],
  ['net.netfilter.nf_conntrack_tcp_timeout_syn_recv', 60],
  ['net.netfilter.nf_conntrack_tcp_timeout_established', 432000],
  ['net.netfilter.nf_conntrack_tcp_timeout_fin_wait', 120],
  ['net.netfilter.nf_conntrack_tcp_timeout_close_wait', 60],
  ['net.netfilter.nf_conntrack_tcp_timeout_last_ack', 30],
  ['net.netfilter.nf_conntrack_tcp_timeout_time_wait', 120],
  ['net.netfilter.nf_conntrack_tcp_timeout_close', 10],
  ['net.netfilter.nf_conntrack_tcp_timeout_max_retrans', 300],
  ['net.netfilter.nf_conntrack_tcp_timeout_unacknowledged', 300],
  ['net.netfilter.nf_conntrack_udp_timeout', 30],
  ['net.netfilter.nf_conntrack_udp_timeout_stream', 120],
  ['net.netfilter.nf_conntrack_icmp_timeout', 30],
  ['net.netfilter.nf_conntrack_generic_timeout', 600],
])

// net/ipv4/devinet.c ipv4_devconf, ipv4_devconf_dflt
const CONF_DEFAULTS: ReadonlyMap<string, number> = new Map([
  ['send_redirects', 1],
  ['shared_media', 1],
  ['accept_redirects', 1],
  ['secure_redirects', 1],
])

export function sysctlDefault(key: string): number {
  const conf = /^net\.ipv4\.conf\.[^.]+(?:\.[^.]+)*\.([a-z_]+)$/.exec(key)
  if (conf) return CONF_DEFAULTS.get(conf[1] as string) ?? 0
  return DEFAULTS.get(key) ?? 0
}

/** What IN_DEV_* macros answer for one device (include/linux/inetdevice.h), worked out once: a namespace's sysctls are fixed in a run. */
export interface DeviceConf {
  readonly forwarding: boolean
  /** 0 off, 1 strict, 2 loose. */
  readonly rpFilter: number
  readonly sendRedirects: boolean
  readonly acceptRedirects: boolean
  readonly secureRedirects: boolean
  readonly sharedMedia: boolean
  readonly acceptLocal: boolean
  readonly routeLocalnet: boolean
  readonly proxyArp: boolean
  readonly arpIgnore: number
  readonly arpAnnounce: number
  /** The sysctl that decided, for a drop's `decidedBy`. */
  readonly forwardingKey: string
  readonly rpFilterKey: string
}

/** `read` gives a record's value or undefined. */
export function deviceConf(device: string, read: (key: string) => number | undefined): DeviceConf {
  const key = (scope: string, name: string) => `net.ipv4.conf.${scope}.${name}`
  // A device starts from conf.default when it is made; afterwards the two are separate values.
  const own = (name: string) => read(key(device, name)) ?? read(key('default', name)) ?? sysctlDefault(key(device, name))
  const all = (name: string) => read(key('all', name)) ?? sysctlDefault(key('all', name))
  const or = (name: string) => all(name) !== 0 || own(name) !== 0
  const max = (name: string) => Math.max(all(name), own(name))
  // Writing ip_forward (or conf.all.forwarding, the same value) sets forwarding on every device: devinet_sysctl_forward.
  const ownForward = read(key(device, 'forwarding'))
  const forwarding = ownForward ?? read('net.ipv4.ip_forward') ?? read(key('all', 'forwarding')) ?? 0
  // inet_forward_change(): a host that becomes a router believes redirects no longer, unless it is told to again.
  const router = (read('net.ipv4.ip_forward') ?? read(key('all', 'forwarding')) ?? 0) !== 0
  const allAccepts = (read(key('all', 'accept_redirects')) ?? (router ? 0 : 1)) !== 0
  return {
    forwarding: forwarding !== 0,
    rpFilter: max('rp_filter'),
    sendRedirects: or('send_redirects'),
    acceptRedirects: forwarding !== 0 ? allAccepts && own('accept_redirects') !== 0 : or('accept_redirects'),
    secureRedirects: or('secure_redirects'),
    sharedMedia: or('shared_media'),
    acceptLocal: or('accept_local'),
    routeLocalnet: or('route_localnet'),
    proxyArp: or('proxy_arp'),
    arpIgnore: max('arp_ignore'),
    arpAnnounce: max('arp_announce'),
    forwardingKey: ownForward === undefined ? 'net.ipv4.ip_forward' : key(device, 'forwarding'),
    rpFilterKey: all('rp_filter') > own('rp_filter') ? key('all', 'rp_filter') : key(device, 'rp_filter'),
  }
}
