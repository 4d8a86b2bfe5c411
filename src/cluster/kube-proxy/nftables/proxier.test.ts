import { describe, expect, it } from 'vitest'
import { nodePortAddresses } from '../config.ts'
import { endpointsMap } from '../endpoints-map.ts'
import { parseIpSloppy } from '../ip.ts'
import { servicePorts } from '../service-map.ts'
import { fed, ingress, web } from '../testing.ts'
import { NftablesProxier } from './proxier.ts'
import type { NftablesProxyConfig } from './setup.ts'
import { parseDump } from './table.ts'
import { transactionText } from './transaction.ts'

const nft = (...args: Parameters<typeof web>) => fed(web(...args), { mode: 'nftables' })
const rules = (lines: readonly string[], chain: string): string[] =>
  lines.flatMap((l) => (l.startsWith(`add rule ip kube-proxy ${chain}`) ? [l.split(' ').slice(5).join(' ')] : []))
const elements = (lines: readonly string[], container: string): string[] =>
  lines.flatMap((l) => (l.startsWith(`add element ip kube-proxy ${container} `) ? [l.split(' ').slice(5).join(' ')] : []))

describe('the table of a Service', () => {
  it('is found by address and port in maps, and chooses among its endpoints at random', () => {
    const lines = nft({})
    const base = 'PFISGYVC-default/web/tcp/'
    expect(elements(lines, 'service-ips')).toEqual([`{ 10.96.0.10 . tcp . 80 : goto service-${base} }`])
    const [masquerade, choice] = rules(lines, `service-${base}`)
    expect(masquerade).toBe('ip daddr 10.96.0.10 ip saddr != 10.244.0.0/16 jump mark-for-masquerade')
    expect(choice).toMatch(/^numgen random mod 2 vmap \{ 0 : goto endpoint-\S+ , 1 : goto endpoint-\S+ \}$/)
  })

  it('has node ports on the node’s own address alone', () => {
    expect(elements(nft({ type: 'NodePort' }), 'nodeport-ips')).toEqual(['{ 192.168.1.11 }'])
    expect(elements(nft({ type: 'NodePort' }), 'service-nodeports')).toEqual([
      '{ tcp . 30080 : goto external-PFISGYVC-default/web/tcp/ }',
    ])
  })

  it('refuses what has no endpoint, drops what has none here', () => {
    const nobody = nft({ selector: { app: 'nobody' }, externalIPs: ['203.0.113.7'] })
    expect(elements(nobody, 'no-endpoint-services')).toEqual([
      '{ 10.96.0.10 . tcp . 80 comment "default/web" : goto reject-chain }',
      '{ 203.0.113.7 . tcp . 80 comment "default/web" : goto reject-chain }',
    ])
    const endpoints = { subsets: [{ addresses: [{ ip: '10.244.2.5', nodeName: 'node2' }], ports: [{ port: 8080 }] }] }
    const remote = { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'web' }, ...endpoints }
    const local = fed(web({ selector: undefined, internalTrafficPolicy: 'Local' }), { mode: 'nftables', objects: [remote] })
    expect(elements(local, 'no-endpoint-services')).toEqual(['{ 10.96.0.10 . tcp . 80 comment "default/web" : drop }'])
  })

  it('keeps a client with its endpoint by a set a endpoint', () => {
    const lines = nft({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } })
    expect(lines.filter((l) => l.startsWith('add set ip kube-proxy affinity-'))).toEqual([
      expect.stringMatching(/10\.244\.1\.5\/8080 \{ type ipv4_addr ; flags dynamic,timeout ; timeout 60s ; \}$/),
      expect.stringMatching(/10\.244\.2\.5\/8080 /),
    ])
  })

  it('checks source ranges before DNAT', () => {
    const ranges = { type: 'LoadBalancer', loadBalancerSourceRanges: ['198.51.100.0/24', '192.168.1.0/24'] }
    const lines = nft(ranges, ingress('203.0.113.8'))
    expect(rules(lines, 'firewall-PFISGYVC')).toEqual(['ip saddr != { 198.51.100.0/24 , 192.168.1.0/24 , 203.0.113.8 } drop'])
    expect(rules(lines, 'filter-prerouting-pre-dnat')).toEqual(['ct state new jump firewall-check'])
  })
})

// --- sync after sync -------------------------------------------------------------------------------------------------

const CONFIG: NftablesProxyConfig = {
  family: 'IPv4',
  nodeName: 'node1',
  nodeIP: parseIpSloppy('192.168.1.11'),
  interfaceAddresses: [],
  localDetector: { kind: 'none' },
  masqueradeAll: false,
  masqueradeMark: 0x4000,
  nodePortAddresses: nodePortAddresses('IPv4', []),
  serviceCIDRs: '',
}
const state = (services: Readonly<Record<string, readonly string[]>>) => {
  const names = Object.keys(services)
  const metadata = (name: string) => ({ name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } })
  const ports = servicePorts(
    names.map((name, i) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(name),
      spec: { clusterIP: `10.96.0.${i + 1}`, ports: [{ port: 80 }] },
    })),
    'IPv4',
  )
  const slices = names.map((name) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: metadata(name),
    ports: [{ port: 80 }],
    endpoints: (services[name] ?? []).map((a) => ({ addresses: [a] })),
  }))
  return [ports, endpointsMap(slices, 'IPv4')] as const
}

describe('a partial sync', () => {
  it('of nothing changed does nothing', () => {
    const p = new NftablesProxier(CONFIG)
    p.sync(...state({ a: ['10.244.1.1'] }))
    expect(p.sync(...state({ a: ['10.244.1.1'] }), new Set()).operations).toEqual([])
  })

  it('empties the chains that nobody needs and deletes them a second later', () => {
    const p = new NftablesProxier(CONFIG)
    p.sync(...state({ a: ['10.244.1.1'], b: ['10.244.1.2'] }))
    const { operations } = p.sync(...state({ a: ['10.244.1.1'] }), new Set(['default/b']))
    expect(operations.map((o) => `${o.verb} ${o.object.kind}`).sort()).toEqual([
      'delete element',
      'delete element',
      'flush chain',
      'flush chain',
    ])
    const stale = [...p.staleChains]
    expect(stale).toHaveLength(2)
    expect(transactionText('ip', p.deleteStaleChains())).toBe(stale.map((c) => `delete chain ip kube-proxy ${c}\n`).join(''))
  })

  it('sends a map element elsewhere by deleting and adding it', () => {
    const p = new NftablesProxier(CONFIG)
    p.sync(...state({ a: [] }))
    const { operations } = p.sync(...state({ a: ['10.244.1.1'] }), new Set(['default/a']))
    const text = transactionText('ip', operations)
    expect(text).toContain('add element ip kube-proxy service-ips { 10.96.0.1 . tcp . 80 : goto service-')
    expect(text).toContain('delete element ip kube-proxy no-endpoint-services { 10.96.0.1 . tcp . 80 }')
  })

  it('leaves what a full sync of the same state would have made', () => {
    const [a, b] = [new NftablesProxier(CONFIG), new NftablesProxier(CONFIG)]
    a.sync(...state({ a: ['10.244.1.1'], b: ['10.244.1.2'] }))
    a.sync(...state({ a: ['10.244.1.3', '10.244.1.4'], b: ['10.244.1.2'] }), new Set(['default/a']))
    a.deleteStaleChains()
    b.sync(...state({ a: ['10.244.1.3', '10.244.1.4'], b: ['10.244.1.2'] }))
    expect(a.table.dump()).toBe(b.table.dump())
  })
})

describe('a table that was there before kube-proxy', () => {
  it('is taken over: chains of Services that are gone are stale, and nothing of its maps is left', () => {
    const old = new NftablesProxier(CONFIG)
    old.sync(...state({ a: ['10.244.1.1'], b: ['10.244.1.2'] }))
    const p = new NftablesProxier(CONFIG, parseDump('ip', old.table.dump()))
    p.sync(...state({ a: ['10.244.1.1'] }))
    expect(p.staleChains.size).toBe(2)
    p.deleteStaleChains()
    const fresh = new NftablesProxier(CONFIG)
    fresh.sync(...state({ a: ['10.244.1.1'] }))
    expect(p.table.dump()).toBe(fresh.table.dump())
  })

  it('keeps the elements and endpoints of it that are right, and writes what is new', () => {
    const old = new NftablesProxier(CONFIG)
    old.sync(...state({ a: ['10.244.1.1'], b: ['10.244.1.2'] }))
    const empty = new NftablesProxier(CONFIG).sync(...state({})).operations.length
    const p = new NftablesProxier(CONFIG, parseDump('ip', old.table.dump()))
    const { operations } = p.sync(...state({ a: ['10.244.1.1', '10.244.1.3'], b: ['10.244.1.2'], c: [] }))
    // Two chains of Services and one of an endpoint, each made, emptied and given its rules (no masquerade here); c's two elements.
    expect(operations.length - empty).toBe(2 * (2 + 1) + (2 + 2) + 2)
    const fresh = new NftablesProxier(CONFIG)
    fresh.sync(...state({ a: ['10.244.1.1', '10.244.1.3'], b: ['10.244.1.2'], c: [] }))
    expect(p.table.dump()).toBe(fresh.table.dump())
    // A later full sync finds its own work, and base chains that it need not make anew.
    const again = p.sync(...state({ a: ['10.244.1.1', '10.244.1.3'], b: ['10.244.1.2'], c: [] })).operations
    expect(again.some((o) => o.object.kind === 'element')).toBe(false)
    expect(again.some((o) => o.verb === 'delete' && o.object.kind === 'chain')).toBe(false)
  })

  it('writes an endpoint again whose Service began or ceased to keep clients with it', () => {
    const [ports, endpoints] = state({ a: ['10.244.1.1'] })
    const keeping = ports.map((p) => ({ ...p, affinitySeconds: 60 }))
    for (const [before, after] of [
      [ports, keeping],
      [keeping, ports],
    ] as const) {
      const old = new NftablesProxier(CONFIG)
      old.sync(before, endpoints)
      const p = new NftablesProxier(CONFIG, parseDump('ip', old.table.dump()))
      p.sync(after, endpoints)
      const fresh = new NftablesProxier(CONFIG)
      fresh.sync(after, endpoints)
      expect(p.table.dump()).toBe(fresh.table.dump())
    }
  })
})
