import { bench, describe } from 'vitest'
import { route, testFib } from './testing.ts'
import { PrefixTrie } from './trie.ts'

// 2,000 routes as a node of a large cluster has them: one /24 of pods a node, and a default route.
const POD_CIDRS = Array.from({ length: 2000 }, (_, i) => 0x0a000000 + i * 256)
const addresses = Array.from({ length: 4096 }, (_, i) => (POD_CIDRS[(i * 769) % 2000] as number) + (i % 254) + 1)

describe('2,000 routes', () => {
  const trie = new PrefixTrie<number>()
  trie.update(0, 0, () => [-1])
  POD_CIDRS.forEach((a, i) => {
    trie.update(a, 24, () => [i])
  })
  let sum = 0
  bench('longest-prefix match, 4,096 lookups', () => {
    for (let i = 0; i < 4096; i++) sum += trie.longest(addresses[i] as number)
    if (sum === -1) throw new Error('never')
  })

  const routes = POD_CIDRS.map((a) => ({ ...route('0.0.0.0/0', { via: '192.0.2.1', dev: 'eth0' }), dst: a, prefixLength: 24 }))
  const { fib, flow } = testFib({ addresses: { eth0: ['192.0.2.11/24'] }, routes: routes as never })
  const flows = addresses.map((dst, i) => ({ ...flow('0.0.0.0'), dst, src: i }))
  bench('whole lookup of 4,096 new flows: rules, local, main', () => {
    fib.invalidate()
    for (const f of flows) fib.lookup(f)
  })

  const few = flows.slice(0, 16)
  bench('whole lookup of 16 known flows, 4,096 times', () => {
    for (let i = 0; i < 4096; i++) fib.lookup(few[i & 15] as (typeof few)[0])
  })
})
