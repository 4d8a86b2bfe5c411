import { describe, expect, it } from 'vitest'
import { type ParseOptions, parseIptablesSave } from './parse.ts'
import { formatSpec } from './print-rule.ts'
import { emptyRuleset, type ParsedIptables } from './ruleset.ts'

function parse(text: string, options?: ParseOptions): ParsedIptables {
  const r = parseIptablesSave(text, options)
  if (!r.ok) throw new Error(`${r.error.line}: ${r.error.found}: ${r.error.expected}`)
  return r.value
}
const refusal = (text: string, options?: ParseOptions) => {
  const r = parseIptablesSave(text, options)
  return r.ok ? undefined : { line: r.error.line, found: r.error.found }
}
const rules = (p: ParsedIptables, table: 'filter' | 'nat' | 'mangle' = 'filter') =>
  [...(p.tables.get(table)?.chains.values() ?? [])].flatMap((c) => c.rules.map((r) => `${c.name}${formatSpec(r.spec)}`))
const filter = (...lines: string[]) => `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n${lines.join('\n')}\nCOMMIT\n`
const input = (rule: string) => rules(parse(filter(`-A INPUT ${rule}`)))[0]?.slice('INPUT '.length)

describe('what people write, as iptables-save prints it', () => {
  it.each([
    ['-s 10.244.1.5', '-s 10.244.1.5/32'],
    ['-s 10.244.1.5/24', '-s 10.244.1.0/24'],
    ['-s 10.0.0.0/255.0.255.0', '-s 10.0.0.0/255.0.255.0'],
    ['-s 0.0.0.0/0 -p all -j ACCEPT', '-j ACCEPT'],
    ['--source 10.0.0.1 --in-interface eth+ --jump DROP', '-s 10.0.0.1/32 -i eth+ -j DROP'],
    ['-p tcp --dport http', '-p tcp -m tcp --dport 80'],
    ['-p 6 --dport 1024:', '-p tcp -m tcp --dport 1024:65535'],
    [
      '-p tcp ! --syn -m state --state NEW -j DROP',
      '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m state --state NEW -j DROP',
    ],
    ['-m conntrack --ctstate ESTABLISHED,RELATED', '-m conntrack --ctstate RELATED,ESTABLISHED'],
    ['-p icmp --icmp-type echo-request', '-p icmp -m icmp --icmp-type 8'],
    ['-m statistic --mode random --probability 0.3333333333', '-m statistic --mode random --probability 0.33333333349'],
    ['-m limit --limit 3/minute', '-m limit --limit 3/min'],
    ['-m limit --limit 120/minute --limit-burst 20', '-m limit --limit 2/sec --limit-burst 20'],
    ['-j REJECT', '-j REJECT --reject-with icmp-port-unreachable'],
    ['-j LOG --log-prefix "drop: " --log-level warning', '-j LOG --log-prefix "drop: "'],
    ['-m comment --comment "!" -j ACCEPT', '-m comment --comment "!" -j ACCEPT'],
    ['-m comment --comment plain -j ACCEPT', '-m comment --comment plain -j ACCEPT'],
    [`-m comment --comment "it\\'s \\"quoted\\""`, `-m comment --comment "it\\'s \\"quoted\\""`],
    ['-s ! 10.0.0.0/8', '! -s 10.0.0.0/8'],
    ['-m tcp -p tcp --dport 80 -m comment --comment c --sport 7', '-p tcp -m tcp --sport 7 --dport 80 -m comment --comment c'],
  ])('%s', (given, printed) => {
    expect(input(given)).toBe(printed)
  })
  it('sets marks the way the kernel keeps them: and, or, xor and set are one operation', () => {
    const mark = (how: string) =>
      rules(parse(`*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j MARK ${how}\nCOMMIT\n`), 'mangle')[0]
    expect(mark('--set-mark 5/6')).toBe('PREROUTING -j MARK --set-xmark 0x5/0x7')
    expect(mark('--or-mark 0x4000')).toBe('PREROUTING -j MARK --set-xmark 0x4000/0x4000')
    expect(mark('--and-mark 5')).toBe('PREROUTING -j MARK --set-xmark 0x0/0xfffffffa')
    expect(mark('--xor-mark 5')).toBe('PREROUTING -j MARK --set-xmark 0x5/0x0')
  })
  it('makes one rule for each pair of listed addresses', () => {
    expect(rules(parse(filter('-A INPUT -s 10.0.0.1,10.0.0.2 -d 192.0.2.1,192.0.2.2 -j DROP')))).toEqual([
      'INPUT -s 10.0.0.1/32 -d 192.0.2.1/32 -j DROP',
      'INPUT -s 10.0.0.1/32 -d 192.0.2.2/32 -j DROP',
      'INPUT -s 10.0.0.2/32 -d 192.0.2.1/32 -j DROP',
      'INPUT -s 10.0.0.2/32 -d 192.0.2.2/32 -j DROP',
    ])
  })
})

describe('what is not modelled survives', () => {
  it.each([
    '-m ipvs --ipvs -j SNAT --to-source 10.0.0.2',
    '-m u32 --u32 "0x0>>0x16&0x3c@0xc>>0x1a&0x3c=0x50" -j DROP',
    '-p tcp -m tcp --dport 80 -m hashlimit --hashlimit-above 10/sec --hashlimit-mode srcip --hashlimit-name web -j DROP',
    '-m policy ! --dir in --pol none -m comment --comment x -j ACCEPT',
    '-m conntrack --ctexpire 5:6 -j ACCEPT',
    '-j NFLOG --nflog-prefix "a b" --nflog-group 100',
    '-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu',
    '-p udp -j DNAT --to-destination 1.2.3.4:53-60/100',
    '-j CT --zone 3',
  ])('%s', (rule) => {
    expect(input(rule)).toBe(rule)
  })
})

describe('iptables-restore as kube-proxy uses it', () => {
  const base = parse(
    `*nat
:PREROUTING ACCEPT [5:300]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-A - [0:0]
:KUBE-SVC-B - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-A
-A KUBE-SERVICES -d 10.96.0.2/32 -j KUBE-SVC-B
-A KUBE-SVC-A -j ACCEPT
COMMIT
`,
  )
  it('empties the chains it declares and keeps the others with --noflush', () => {
    const after = parse(
      '*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-SVC-B - [0:0]\n-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-A\n-X KUBE-SVC-B\nCOMMIT\n',
      { base, noflush: true },
    )
    expect(rules(after, 'nat')).toEqual([
      'PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
      'KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-A',
      'KUBE-SVC-A -j ACCEPT',
    ])
    expect(after.tables.get('nat')?.chains.get('PREROUTING')?.counters).toEqual({ packets: 5, bytes: 300 })
    expect(rules(base, 'nat')).toHaveLength(4)
  })
  it('starts the table anew without --noflush', () => {
    expect(rules(parse('*nat\n:KUBE-MARK-MASQ - [0:0]\nCOMMIT\n', { base }), 'nat')).toEqual([])
  })
  it('inserts, replaces and deletes by number and by rule', () => {
    const after = parse(
      `*filter
-N DOCKER-USER
-A FORWARD -j ACCEPT
-I FORWARD -j DOCKER-USER
-I FORWARD 2 -s 10.0.0.1 -j DROP
-A DOCKER-USER -j RETURN
-A FORWARD -p tcp --dport 22 -j DROP
-D FORWARD -p tcp --dport 22 -j DROP
-R FORWARD 2 -s 10.0.0.2 -j DROP
-D FORWARD 3
-P FORWARD DROP
COMMIT
`,
      { base: emptyRuleset(['filter']), noflush: true },
    )
    expect(rules(after)).toEqual(['FORWARD -j DOCKER-USER', 'FORWARD -s 10.0.0.2/32 -j DROP', 'DOCKER-USER -j RETURN'])
    expect(after.tables.get('filter')?.chains.get('FORWARD')?.policy).toBe('DROP')
  })
  it('reads counters before rules, after -c, and of policies', () => {
    const text = '*filter\n:INPUT DROP [7:420]\n[3:180] -A INPUT -j ACCEPT\n-A INPUT -c 4 240 -j DROP\nCOMMIT\n'
    const chain = parse(text).tables.get('filter')?.chains.get('INPUT')
    expect(chain?.counters).toEqual({ packets: 7, bytes: 420 })
    expect(chain?.rules.map((r) => [r.counters.packets, r.counters.bytes, r.line])).toEqual([
      [3, 180, 3],
      [4, 240, 4],
    ])
  })
  it('takes a jump to a chain that is declared further down', () => {
    expect(rules(parse('*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j LATER\n:LATER - [0:0]\nCOMMIT\n'))).toEqual(['INPUT -j LATER'])
  })
})

describe('what iptables-restore refuses, with its line', () => {
  it.each([
    ['an unknown option', filter('-A INPUT -p tcp --dprot 80 -j ACCEPT'), { line: 4, found: '--dprot' }],
    ['a port without a protocol', filter('-A INPUT --dport 80 -j ACCEPT'), { line: 4, found: '--dport' }],
    ['multiport without a protocol', filter('-A INPUT -m multiport --dports 80,443 -j ACCEPT'), { line: 4, found: 'multiport' }],
    [
      'multiport without ports to match',
      filter('-A INPUT -p icmp -m multiport --dports 80 -j DROP'),
      { line: 4, found: 'multiport' },
    ],
    ['an address that is none', filter('-A INPUT -s 10.0.0.256 -j ACCEPT'), { line: 4, found: '10.0.0.256' }],
    ['ip6tables-save text', filter('-A INPUT -s fe80::/10 -j ACCEPT'), { line: 4, found: 'fe80::/10' }],
    ['a missing chain', filter('-A KUBE-NOWHERE -j ACCEPT'), { line: 4, found: 'KUBE-NOWHERE' }],
    ['a jump to a missing chain', filter('-A INPUT -j ACCEPT', '-A INPUT -j KUBE-NOWHERE'), { line: 5, found: 'KUBE-NOWHERE' }],
    ['an open quote', filter('-A INPUT -m comment --comment "open'), { line: 4, found: '-A INPUT -m comment --comment "open' }],
    ['a table that is none', '*natt\nCOMMIT\n', { line: 1, found: 'natt' }],
    ['a line that is none', '*filter\nCOMMIT\nhello\n', { line: 3, found: 'hello' }],
    ['a negation of nothing', filter('-A INPUT -j ACCEPT !'), { line: 4, found: '' }],
    ['a negation of what cannot be', filter('-A INPUT ! -j ACCEPT'), { line: 4, found: '-j' }],
    ['a NAT target without an address', filter('-A INPUT -j DNAT'), { line: 4, found: '' }],
    ['deleting a rule that is not there', filter('-D INPUT -j DROP'), { line: 4, found: '-D INPUT -j DROP' }],
    ['deleting a chain that is jumped to', filter(':A - [0:0]', '-A INPUT -j A', '-X A'), { line: 5, found: '-X A' }],
  ])('%s', (_, text, expected) => {
    expect(refusal(text)).toEqual(expected)
  })
})
