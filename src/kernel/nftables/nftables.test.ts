import { describe, expect, it } from 'vitest'
import { prng } from '../../base/prng.ts'
import { built, documentOf, node, pod } from '../../cluster/testing.ts'
import { parseExpression } from '../../linux/nft/parse-expression.ts'
import { printExpression } from '../../linux/nft/print.ts'
import { NftReader } from '../../linux/nft/reader.ts'
import { parseIpv4 } from '../../net/address.ts'
import { IPPROTO, Packet } from '../../net/packet.ts'
import { type Played, play } from '../../sim/testing/play.ts'
import { compileExpression } from './expression.ts'
import { explainNftRule } from './near-miss.ts'
import { SetIndex } from './set.ts'

// A client pod and a server on two nodes; node1, between them, has a ruleset of its own.

const OBJECTS = [
  node('node1', '10.244.1.0/24', '192.168.1.11'),
  node('node2', '10.244.2.0/24', '192.168.1.12'),
  pod('client', 'node1', { podIP: '10.244.1.2' }),
  pod('web', 'node2', { podIP: '10.244.2.2', ports: [{ containerPort: 8080 }] }),
]
const FORWARD = 'type filter hook forward priority'

const playWith = (nft: string, ...runs: readonly string[]): Played =>
  play(
    built(documentOf(OBJECTS, { overrides: { node1: { nft } } })),
    ...(runs.length > 0 ? runs : ['ping -c 1 -W 1 10.244.2.2']).map((run) => ['pod/client', run] as const),
  )
/** The first packet's way through node1's own chains: `chain/number verdict`, policies too. */
function walked(p: Played, packet?: number): string[] {
  const first = packet ?? p.events('chain').find((e) => e.step.chain.startsWith('nftchain:'))?.packet
  const out: string[] = []
  for (let s = 0; s < p.reader.length; s++) {
    const e = p.reader.event(s)
    if (e.packet !== first) continue
    const short = (id: string) => id.split('/').slice(3).join('/')
    if (e.step.kind === 'rule' && e.step.rule.startsWith('nftrule:')) out.push(`${short(e.step.rule)} ${e.step.verdict}`)
    if (e.step.kind === 'policy' && e.step.chain.startsWith('nftchain:')) out.push(`${short(e.step.chain)} ${e.step.verdict}`)
  }
  return out
}
const counts = (p: Played, rule: string): number => p.end.cell(`nftrule:node1/ip/t/${rule}`, 'packets')

describe('a verdict', () => {
  it('accept ends this base chain alone; a later one may still drop', () => {
    const p = playWith(`table ip t {
      chain early { ${FORWARD} -5; accept; drop; }
      chain late { ${FORWARD} 5; drop; } }`)
    expect(walked(p)).toEqual(['early/1 accept', 'late/1 drop'])
    expect(p.drops).toEqual(['node1: NETFILTER_DROP'])
  })

  it('drop ends it all', () => {
    const p = playWith(`table ip t {
      chain early { ${FORWARD} -5; drop; }
      chain late { ${FORWARD} 5; counter; } }`)
    expect(walked(p)).toEqual(['early/1 drop'])
  })

  it('goto does not come back; jump does; return in a base chain asks its policy', () => {
    const p = playWith(`table ip t {
      chain a { goto b; drop; }
      chain b { counter; }
      chain base { ${FORWARD} 0; jump a; counter; return; drop; } }`)
    expect(walked(p)).toEqual([
      'base/1 jump',
      'a/1 goto',
      'b/1 continue',
      'b return',
      'base/2 continue',
      'base/3 return',
      'base accept',
    ])
  })

  it('of the policy is asked when a chain that was gone to from the base chain ends', () => {
    const p = playWith(`table ip t {
      chain a { }
      chain base { ${FORWARD} 0; policy drop; goto a; accept; } }`)
    expect(walked(p)).toEqual(['base/1 goto', 'a return', 'base drop'])
    expect(p.drops).toEqual(['node1: NETFILTER_DROP'])
  })

  it('looked up in a map is one step that says where it led', () => {
    const p = playWith(`table ip t {
      map m { type ipv4_addr . inet_proto : verdict; flags interval; elements = { 10.244.2.0/24 . icmp : jump x, 10.244.0.0/16 . tcp : drop } }
      chain x { counter; }
      chain base { ${FORWARD} 0; ip daddr . meta l4proto vmap @m; ip protocol vmap { tcp : drop, icmp : accept }; drop; } }`)
    expect(walked(p)).toEqual(['base/1 jump', 'x/1 continue', 'x return', 'base/2 accept'])
    const jump = p.events('rule').find((e) => e.step.rule === 'nftrule:node1/ip/t/base/1')
    expect(jump?.step.target).toBe('nftchain:node1/ip/t/x')
  })
})

describe('a counter', () => {
  it('counts where it stands: before a condition that fails, or only behind those that held', () => {
    const p = playWith(
      `table ip t { chain base { ${FORWARD} 0; counter packets 7 bytes 0 tcp dport 80; ip protocol icmp counter; tcp dport 80 counter; } }`,
      'ping -c 2 10.244.2.2',
    )
    expect([1, 2, 3].map((n) => counts(p, `base/${n}`))).toEqual([4, 4, 0])
  })
})

describe('chains of one hook', () => {
  it('run by priority, among tables of iptables, those of nftables first at the same', () => {
    const p = playWith(`table ip t {
      chain c { ${FORWARD} 0; counter; }
      chain b { ${FORWARD} -149; counter; }
      chain a { ${FORWARD} -151; counter; } }`)
    const first = p.events('chain').find((e) => e.step.chain === 'nftchain:node1/ip/t/a')?.packet
    const order = p
      .events('chain')
      .flatMap((e) => (e.packet === first && e.netns === 'netns:node1' ? [e.step.chain.split('/').slice(1).join('/')] : []))
    const forward = order.slice(order.indexOf('ip/t/a'), order.indexOf('ip/t/a') + 5)
    expect(forward).toEqual(['ip/t/a', 'mangle/FORWARD', 'ip/t/b', 'ip/t/c', 'filter/FORWARD'])
  })

  it('for NAT are asked in turn until one has bound the flow, and never again for it', () => {
    const p = playWith(
      `table ip t {
        chain first { type nat hook prerouting priority -101; ip daddr 10.9.9.9 tcp dport 80 dnat to 10.244.2.2:8080; }
        chain second { type nat hook prerouting priority -99; ip daddr 10.9.9.9 counter dnat to 10.244.2.99; } }`,
      'curl -m 5 http://10.9.9.9/',
    )
    expect(p.exitCodes).toEqual([0])
    expect(counts(p, 'first/1')).toBe(1)
    expect(counts(p, 'second/1')).toBe(0)
  })

  it('of a dormant table, or of another family, are not there', () => {
    const p = playWith(`table ip t { flags dormant; chain base { ${FORWARD} 0; drop; } }
      table bridge t { chain base { type filter hook forward priority 0; drop; } }`)
    expect(p.exitCodes).toEqual([0])
  })
})

describe('jhash', () => {
  // Where Linux 6.18 counted packets of these sources to these ports.
  const RULES = [
    ['jhash ip saddr mod 16 seed 0xdeadbeef', [5, 5, 5, 2, 2, 2, 7, 7, 7]],
    ['jhash ip saddr . udp dport mod 16 seed 0x1', [1, 1, 13, 15, 8, 7, 2, 11, 5]],
    ['jhash ip saddr . ip daddr . meta l4proto . udp dport mod 16 seed 0x7', [3, 15, 5, 3, 9, 7, 8, 8, 14]],
    ['jhash udp dport mod 10 seed 0x9 offset 3', [7, 10, 7, 7, 10, 7, 7, 10, 7]],
  ] as const
  const place = { inDev: undefined, outDev: undefined }

  it.each(RULES)('%s finds what the kernel finds', (text, wanted) => {
    const e = parseExpression(new NftReader(text))
    const loader = compileExpression(e, { rng: prng(1), now: () => 0, addressType: () => 'UNICAST', set: () => undefined })
    if ('unmodelled' in loader) throw new Error(loader.unmodelled)
    expect(printExpression(e)).toBe(text)
    const found = ['10.0.0.1', '10.0.0.13', '10.0.0.14'].flatMap((source) =>
      [5000, 5003, 5011].map((port) => {
        const pkt = new Packet()
        const [src, dst] = [parseIpv4(source), parseIpv4('10.0.0.2')]
        if (src.ok && dst.ok) Object.assign(pkt, { src: src.value, dst: dst.value })
        pkt.protocol = IPPROTO.UDP
        pkt.dport = port
        const none = { ct: undefined, socket: undefined, physIn: undefined, physOut: undefined }
        return loader.load({ pkt, mark: 0, ctInfo: 0, ...none }, place)
      }),
    )
    expect(found).toEqual(wanted)
  })

  it('of a field whose bytes are not known is not evaluated', () => {
    const p = playWith(`table ip t { chain base { ${FORWARD} 0; jhash ip id mod 2 vmap { 0 : accept, 1 : drop } } }`)
    expect(p.events('undetermined')[0]?.step.what).toBe('jhash of a field whose bytes are not known')
  })
})

describe('what cannot be evaluated', () => {
  it('is named by the packet that meets it, and by none before a condition that keeps it out', () => {
    const nft = `table ip t { chain base { ${FORWARD} 0; ip protocol PROTO symhash mod 2 vmap { 0 : accept, 1 : drop } } }`
    expect(playWith(nft.replace('PROTO', 'tcp')).exitCodes).toEqual([0])
    const p = playWith(nft.replace('PROTO', 'icmp'))
    expect(p.events('undetermined')[0]?.step.what).toBe('symhash mod 2 vmap { 0 : accept, 1 : drop }')
    expect(p.events('undetermined')[0]?.step.decidedBy).toBe('nftrule:node1/ip/t/base/1')
  })

  it('is a chain that leads back to itself, which the kernel refuses to load', () => {
    const p = playWith(`table ip t { chain a { goto b; } chain b { goto a; } chain base { ${FORWARD} 0; jump a; } }`)
    expect(p.events('undetermined')[0]?.step.what).toMatch(/leads back to itself/)
  })

  it('is a set that the table does not have', () => {
    const p = playWith(`table ip t { chain base { ${FORWARD} 0; ip daddr @nowhere accept; } }`)
    expect(p.events('undetermined')[0]?.step.what).toBe('@nowhere: no such set')
  })
})

describe('numgen', () => {
  it('counts round, from the first of its values', () => {
    const p = playWith(
      `table ip t { chain base { ${FORWARD} 0; ip saddr 10.244.1.2 ct state new numgen inc mod 3 vmap { 0 : continue, 1 : drop, 2 : accept } } }`,
      ...Array.from({ length: 4 }, () => 'ping -c 1 -W 1 10.244.2.2'),
    )
    expect(p.exitCodes).toEqual([0, 1, 0, 0])
  })

  it('draws from the run’s own randomness: the same seed, the same choice', () => {
    const nft = `table ip t { chain base { ${FORWARD} 0; numgen random mod 2 vmap { 0 : accept, 1 : drop } } }`
    const runs = Array.from({ length: 8 }, () => 'ping -c 1 -W 1 10.244.2.2')
    const [a, b] = [playWith(nft, ...runs), playWith(nft, ...runs)]
    expect(a.exitCodes).toEqual(b.exitCodes)
    expect(new Set(a.exitCodes)).toEqual(new Set([0, 1]))
  })
})

describe('a set', () => {
  const exact = (value: number) => ({ key: [{ kind: 'number', value }] }) as const
  it('finds ranges by bisection, single values first, and what nobody else holds by *', () => {
    const index = new SetIndex(
      [
        exact(5),
        { key: [{ kind: 'range', from: 10, to: 20 }] },
        { key: [{ kind: 'prefix', address: 0x0a000000, length: 8 }] },
        { key: [{ kind: 'range', from: 1, to: 4 }], comment: 'low' },
      ],
      1,
    )
    expect([0, 1, 4, 5, 6, 10, 20, 21, 0x0affffff, 0x0b000000].map((n) => index.find([n], 0) !== undefined)).toEqual([
      false,
      true,
      true,
      true,
      false,
      true,
      true,
      false,
      true,
      false,
    ])
    expect(new SetIndex([{ key: [{ kind: 'any' }] }, exact(1)], 1).find([2], 0)?.key[0]?.kind).toBe('any')
  })

  it('has no element whose time is over', () => {
    const index = new SetIndex([{ ...exact(1), expires: 5e9 }], 1)
    expect([4.9e9, 5e9].map((now) => index.find([1], now) !== undefined)).toEqual([true, false])
  })
})

describe('why a rule did not match', () => {
  it('is the condition that the packet of that moment did not fit', () => {
    const p = playWith(`table ip t {
      set nets { type ipv4_addr; flags interval; elements = { 10.244.1.0/24 } }
      chain base { ${FORWARD} 0; ip saddr @nets ip ttl 63 tcp dport 80 counter accept; } }`)
    const at = p.events('chain').find((e) => e.step.chain === 'nftchain:node1/ip/t/base')
    const rule = p.end.get('nft-rule', 'nftrule:node1/ip/t/base/1')
    if (at === undefined || rule === undefined) throw new Error('no such rule')
    const packet = p.reader.packetAt(at.packet, at.seq)
    const facts = {
      packet,
      mark: 0,
      ctInfo: 6,
      ipsets: [],
      addressType: () => 'UNICAST' as const,
      sets: p.end.list('nft-set'),
      now: 0,
    }
    expect(explainNftRule(rule, facts).map((part) => part.fits)).toEqual([true, true, false])
  })
})
