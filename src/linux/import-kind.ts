/** What a published text is, told from its content first and from its file name where the content leaves it open. */
export type TextKind =
  | 'iptables-save'
  | 'iptables-S'
  | 'iptables-L'
  | 'ip-addr'
  | 'ip-route'
  | 'ip-rule'
  | 'ip-neigh'
  | 'bridge-fdb'
  | 'bridge-link'
  | 'bridge-vlan'
  | 'brctl'
  | 'conntrack'
  | 'ss'
  | 'sysctl'
  | 'ipset'
  | 'nft'
  | 'ipvs'
  | 'kubernetes'
  | 'other'

/** Each with a pattern that one line of such text matches. Order matters: the more telling first. */
const LINES: readonly (readonly [TextKind, RegExp])[] = [
  ['iptables-save', /^\*(filter|nat|mangle|raw|security)\s*$/],
  ['iptables-L', /^Chain \S+ \((policy |\d+ references)/],
  ['iptables-S', /^-(P|N|A) [A-Za-z]\S*( (ACCEPT|DROP|-[a-z!]| !).*)?$/],
  ['nft', /^\s*table (ip|ip6|inet|arp|bridge|netdev) \S+ \{/],
  ['ipvs', /^(IP Virtual Server|-A -[tuf] )/],
  ['ip-rule', /^\d+:\s+(not )?from /],
  ['bridge-link', /^\d+: [^:]+: <[A-Z_,-]*> mtu \d+ master \S+ (state )?/],
  ['ip-addr', /^\d+: \S+: <[A-Z_0-9,-]*> mtu |^\d+: \S+\s+inet6? /],
  ['ip-addr', /^\S+\s+(UP|DOWN|UNKNOWN|LOWERLAYERDOWN)\s+([0-9a-f]{2}:|\d+\.|[0-9a-f]+::|<|$)/],
  ['bridge-fdb', /^([0-9a-f]{2}:){5}[0-9a-f]{2} (dev|self|master|vlan)/],
  ['bridge-vlan', /^port\s+vlan/],
  ['brctl', /^bridge name\s+bridge id/],
  ['conntrack', /\ssrc=\S+ dst=\S+.* src=\S+ dst=/],
  ['ss', /^(Netid\s+)?State\s+Recv-Q\s+Send-Q/],
  ['ip-neigh', /^\S+ (dev \S+ ).*(REACHABLE|STALE|DELAY|PROBE|FAILED|INCOMPLETE|PERMANENT|NOARP)\s*$/],
  [
    'ip-route',
    /^((unicast|local|broadcast|multicast|anycast|blackhole|unreachable|prohibit|throw) )?(default|[0-9a-f.:]+(\/\d+)?)( (dev|via|proto|scope|table|metric|tos|src) .*)?\s*$/,
  ],
  ['ipset', /^(Type: (hash|bitmap|list):|create \S+ (hash|bitmap|list):)/],
  ['sysctl', /^(net|kernel|vm|fs)[./][\w./-]+ ?= ?/],
  ['kubernetes', /^\s*"?apiVersion"?:/],
]

/** Looks at the first lines that say anything; JSON and YAML by their first sign. */
export function textKind(text: string): TextKind {
  const lines = text.slice(0, 20_000).split('\n')
  if (/^\s*[[{]\s*("|$)/.test(lines[0] ?? '') || /^\s*\{/.test(lines[0] ?? '')) {
    return /"apiVersion"\s*:/.test(text.slice(0, 4000)) ? 'kubernetes' : 'other'
  }
  for (const line of lines) {
    const t = line.trimEnd()
    if (t === '' || /^#/.test(t)) continue
    const found = LINES.find(([, pattern]) => pattern.test(t))
    if (found) return found[0]
  }
  return 'other'
}
