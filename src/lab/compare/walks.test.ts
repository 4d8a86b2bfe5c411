import { describe, expect, it } from 'vitest'
import { parseWalks } from './walks.ts'

// As iptables-nft 1.8.9 and nft 1.0.6 print them; a REJECT sends its error in the middle of a walk.
const RULESET = `table ip filter { # handle 1
	chain FORWARD { # handle 2
		type filter hook forward priority filter; policy accept;
		ct state new counter packets 1 bytes 60 jump SERVICES # handle 5
	}

	chain SERVICES { # handle 3
		ip daddr 192.0.2.9 counter packets 0 bytes 0 drop # handle 7
		ip daddr 192.0.2.10 counter packets 1 bytes 60 reject # handle 8
	}
}
`
const TRACE = `PACKET: 2 aaaa IN=cbr0 OUT=eth0 MACSRC=2:0:0:0:0:1 SRC=192.0.2.2 DST=192.0.2.10 LEN=60 TOS=0x0 TTL=63 ID=7 DF SPORT=40000 DPORT=80 SYN 
 TRACE: 2 aaaa filter:FORWARD:rule:0x5:JUMP:SERVICES  -4 -t filter -A FORWARD -m conntrack --ctstate NEW -j SERVICES
PACKET: 2 bbbb OUT=cbr0 SRC=192.0.2.1 DST=192.0.2.2 LEN=88 TOS=0xc0 TTL=64 ID=9 
 TRACE: 2 bbbb hopscope_trace:output:policy:ACCEPT 
PACKET: 2 bbbb OUT=cbr0 SRC=192.0.2.1 DST=192.0.2.2 LEN=88 TOS=0xc0 TTL=64 ID=9 
 TRACE: 2 bbbb filter:OUTPUT:policy:ACCEPT 
 TRACE: 2 aaaa filter:SERVICES:rule:0x8:DROP  -4 -t filter -A SERVICES -d 192.0.2.10/32 -j REJECT
`

describe('what xtables-monitor says', () => {
  it('becomes one line for each base chain that a packet walked, rules by their place', () => {
    expect(parseWalks(TRACE, RULESET).map((w) => w.text)).toEqual([
      '192.0.2.2 > 192.0.2.10 40000 > 80 length 60 ttl 63 SYN filter FORWARD: FORWARD/1 SERVICES/2',
      '192.0.2.1 > 192.0.2.2 length 88 ttl 64 filter OUTPUT: policy ACCEPT',
    ])
  })
})
