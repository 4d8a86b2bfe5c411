// What packets of a case have met, by name: how often chance brings a thing about, and so whether the comparison with a kernel
// says anything of it. A name counts when a packet was decided by it, not when it stands in the case.

/** What the generator is expected to bring about, so that what never happens shows as well. */
export const FEATURES = {
  chains: [
    ...['PREROUTING', 'OUTPUT'].map((c) => `raw ${c}`),
    ...['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].map((c) => `mangle ${c}`),
    ...['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'].map((c) => `nat ${c}`),
    ...['INPUT', 'FORWARD', 'OUTPUT'].map((c) => `filter ${c}`),
    'policy DROP',
  ],
  targets: [
    ...['ACCEPT', 'DROP', 'RETURN', 'none', 'jump', 'goto', 'LOG', 'TRACE', 'NOTRACK', 'MARK'],
    ...['CONNMARK set', 'CONNMARK save', 'CONNMARK restore', 'DNAT', 'DNAT to a port', 'SNAT', 'SNAT to a port'],
    ...['MASQUERADE', 'MASQUERADE to a port', 'REDIRECT', 'REDIRECT to a port'],
    ...['REJECT icmp-port-unreachable', 'REJECT icmp-host-prohibited', 'REJECT icmp-net-unreachable'],
    ...['REJECT icmp-admin-prohibited', 'REJECT icmp-proto-unreachable', 'REJECT tcp-reset'],
    ...[
      'REJECT icmp, bridged',
      'REJECT tcp-reset, bridged',
      'DNAT, bridged',
      'REDIRECT, bridged',
      'NOTRACK, bridged',
      'DROP, bridged',
    ],
  ],
  matches: [
    ...[
      '-s',
      '-d',
      '-i',
      '-o',
      '-p',
      '-f',
      'tcp ports',
      'tcp flags',
      'udp ports',
      'icmp',
      'multiport',
      'comment',
      'mark',
      'connmark',
    ],
    ...['ctstate', 'ctstate SNAT', 'ctstate DNAT', 'ctstate UNTRACKED', 'ctstate INVALID', 'ctstate RELATED', 'conntrack tuple'],
    ...[
      'conntrack ctdir',
      'conntrack ctstatus',
      'state',
      'addrtype',
      'addrtype limit-iface',
      'statistic nth',
      'statistic random',
    ],
    ...['set hash:ip', 'set hash:net', 'set hash:ip,port', 'physdev in', 'physdev out', 'physdev is-bridged', 'physdev is-in'],
    ...['recent set', 'recent rcheck', 'recent update', 'recent remove', 'recent hitcount', 'limit', 'mac', 'nfacct'],
  ],
  routes: [
    ...['blackhole', 'unreachable', 'prohibit', 'throw'].map((t) => `route ${t}`),
    ...['route in another table', 'rule lookup', 'rule fwmark', 'rule from', 'rule to', 'rule iif', 'rule not'],
    ...['rule blackhole', 'rule unreachable', 'rule prohibit', 'rp_filter drop', 'no route', 're-routed by mark'],
  ],
  paths: [
    ...['bridge flood', 'bridge forward', 'bridged hook', 'tunnel', 'proxied ARP', 'ARP without answer'],
    ...['fragmented', 'frag-needed', 'reassembled', 'TTL exceeded', 'redirect sent', 'retransmission'],
  ],
} as const satisfies Record<string, readonly string[]>
/** How many of some cases met each feature. */
export class Coverage {
  readonly #counts = new Map<string, number>()
  cases = 0

  add(features: ReadonlySet<string>): void {
    this.cases++
    for (const name of features) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  /** A line a feature, group by group, with the cases that met it. */
  table(): string {
    return Object.entries(FEATURES)
      .map(([group, names]) => [group, ...names.map((n) => `${String(this.of(n)).padStart(6)}  ${n}`)].join('\n'))
      .join('\n')
  }
}
