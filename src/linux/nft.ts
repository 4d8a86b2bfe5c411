/** One table of an `nft list ruleset`, told from its outline alone. */
export interface ParsedNftTable {
  /** `ip`, `ip6`, `inet`, `arp`, `bridge`, `netdev` */
  readonly family: string
  readonly name: string
  readonly chains: number
  readonly rules: number
  /** Whether iptables-nft keeps its rules in it: then iptables-save says the same, and it is modelled from there. */
  readonly iptables: boolean
}

/** The tables of `nft list ruleset` or `nft list table …` text, with how much is in each. */
export function nftTables(text: string): ParsedNftTable[] {
  const out: { -readonly [K in keyof ParsedNftTable]: ParsedNftTable[K] }[] = []
  let inChain = false
  let managed = false
  for (const raw of text.split('\n')) {
    const t = raw.trim()
    if (t.startsWith('#')) managed ||= t.includes('managed by iptables-nft')
    const table = /^table (?:(ip|ip6|inet|arp|bridge|netdev) )?(\S+) \{/.exec(t)
    const last = out[out.length - 1]
    if (table) {
      out.push({ family: table[1] ?? 'ip', name: table[2] ?? '', chains: 0, rules: 0, iptables: managed })
      managed = false
    } else if (/^chain \S+ \{/.test(t) && last) {
      last.chains++
      inChain = true
    } else if (t === '}') inChain = false
    else if (inChain && last && t !== '' && !t.startsWith('type ') && !t.startsWith('#') && !t.startsWith('policy ')) last.rules++
  }
  return out
}
