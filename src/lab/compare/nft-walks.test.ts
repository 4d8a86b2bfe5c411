import { describe, expect, it } from 'vitest'
import { compareNft } from './nft.ts'
import { parseWalks } from './walks.ts'

// `nft -a monitor trace` of nftables 1.0.6 on Linux 6.18, some header fields left out.
const TRACE = `trace id aaaa ip hopscope_trace prerouting packet: iif "cbr0" ip saddr 10.244.1.2 ip daddr 10.96.0.10 ip dscp cs0 ip ttl 64 ip id 1 ip length 60 tcp sport 40000 tcp dport 80 tcp flags == syn tcp window 64240
trace id aaaa ip hopscope_trace prerouting rule meta nftrace set 1 # handle 2 (verdict continue)
trace id aaaa ip hopscope_trace prerouting policy accept
trace id aaaa ip kube-proxy nat-prerouting packet: iif "cbr0" ip saddr 10.244.1.2 ip daddr 10.96.0.10 ip dscp cs0 ip ttl 64 ip id 1 ip length 60 tcp sport 40000 tcp dport 80 tcp flags == syn tcp window 64240
trace id aaaa ip kube-proxy nat-prerouting rule jump services # handle 27 (verdict jump services)
trace id aaaa ip kube-proxy service-A-ns/web/tcp/ rule numgen random mod 2 vmap { 0 : goto a, 1 : goto b } # handle 30 (verdict goto a)
trace id bbbb ip filter OUTPUT packet: oif "lo" ip saddr 10.0.0.1 ip daddr 10.0.0.2 ip ttl 64 ip length 52 tcp sport 80 tcp dport 40000 tcp flags == 0x12 tcp window 1
trace id bbbb ip filter OUTPUT policy accept meta mark 0x00004000
`
const RULESET = `table ip kube-proxy { # handle 1
	set s { # handle 3
		type ipv4_addr
	}
	chain nat-prerouting { # handle 14
		type nat hook prerouting priority dstnat; policy accept;
		jump services # handle 27
	}
	chain service-A-ns/web/tcp/ { # handle 15
		ip daddr 10.96.0.10 jump x # handle 29
		numgen random mod 2 vmap { 0 : goto a, 1 : goto b } # handle 30
	}
}
`

describe('what nft monitor says', () => {
  it('becomes one line for each base chain that a packet walked, as the engine writes it', () => {
    expect(parseWalks(TRACE, RULESET).map((w) => w.text)).toEqual([
      '10.244.1.2 > 10.96.0.10 40000 > 80 length 60 ttl 64 SYN kube-proxy nat-prerouting: nat-prerouting/1 service-A-ns/web/tcp//2',
      '10.0.0.1 > 10.0.0.2 80 > 40000 length 52 ttl 64 ACK,SYN filter OUTPUT: policy ACCEPT',
    ])
  })
})

describe('tables of two runs', () => {
  const table = (rule: string, elements: string) =>
    `table ip t {\n set s { type ipv4_addr; flags timeout; ${elements} }\n chain c { ${rule}; accept; }\n}\n`
  const one = table('counter packets 1 bytes 60', 'elements = { 10.0.0.1 timeout 1m expires 40s }')

  it('are alike whatever time their elements have left', () => {
    expect(compareNft('node1', one, one.replace('40s', '39s'))).toEqual({ rules: 2, entries: 1, differences: [] })
  })

  it('differ in a counter, an element, a chain', () => {
    const differences = (kernel: string) => compareNft('node1', one, kernel).differences.map((d) => `${d.what} ${d.where}`)
    expect(differences(one.replace('packets 1', 'packets 2'))).toEqual(['nft node1 ip t c 1'])
    expect(differences(one.replace('10.0.0.1', '10.0.0.2'))).toEqual(['nft set node1 ip t s', 'nft set node1 ip t s'])
    expect(differences(one.replace('chain c', 'chain d'))).toEqual(['nft node1 ip t d', 'nft node1 ip t c'])
  })

  it('do not differ where chance decided: a lab has the choice written down', () => {
    const drawn = table('numgen random mod 2 vmap { 0 : goto a, 1 : goto b }', '')
    const pinned = table('th sport vmap { 40000 : goto b }', '')
    expect(compareNft('node1', drawn, pinned).differences).toEqual([])
  })
})
