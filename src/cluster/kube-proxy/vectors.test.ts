import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parsePrefix } from '../../net/address.ts'
import type { Manifest, ScenarioDocument } from '../../scenario/document.ts'
import { fillIn } from '../fill-in.ts'
import type { Cluster } from '../model.ts'
import { DEFAULT_PROXY_CONFIG, type IptablesProxyConfig, proxyTables } from './iptables.ts'
import { endpointChain, probability, servicePortHash } from './names.ts'
import { restoreText } from './restore-text.ts'
import { endpointsOf, servicePorts } from './service-map.ts'
import { categorizeEndpoints } from './topology.ts'

// kube-proxy's own decisions as data (kubernetes/kubernetes, Apache-2.0), where they are at hand.
const SHARED = new URL('../../../../shared/conformance/kube-proxy/', import.meta.url)
const here = existsSync(SHARED)
const read = (name: string): { vectors: readonly never[] } =>
  here ? JSON.parse(readFileSync(new URL(name, SHARED), 'utf8')) : { vectors: [] }

interface Vector {
  readonly id: string
  readonly features: readonly string[]
  readonly nodeConfig: {
    readonly nodeName: string
    readonly ipFamily: string
    readonly localDetector: { readonly kind: string; readonly cidr: string }
    readonly masqueradeAll: boolean
    readonly hasRandomFully: boolean
    readonly conntrackTCPLiberal: boolean
    readonly localhostNodePorts: boolean
    readonly nfAcctCounters: Readonly<Record<string, boolean>>
  }
  readonly services: readonly Manifest[]
  readonly endpointSlices: readonly Manifest[]
  readonly sync: { readonly kind: string }
  readonly expectedIptables: string | null
  readonly expectedCounts?: { readonly sepDnatRules?: number; readonly sepDnatRulesWithComment?: number }
  readonly flows: readonly {
    readonly name: string
    readonly sourceIP: string
    readonly destIP: string
    readonly destPort: number
    readonly protocol: string
    readonly expect: string
    readonly masq: boolean
  }[]
}

const clusterIPOnly = (v: Vector) =>
  v.services.length > 0 && v.services.every((s) => Reflect.get(s.spec as object, 'type') === 'ClusterIP')
const vectors = (read('iptables.json').vectors as readonly Vector[]).filter(
  (v) => v.nodeConfig.ipFamily === 'IPv4' && clusterIPOnly(v),
)

function clusterOf(v: Vector): Cluster {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: v.nodeConfig.nodeName }, spec: { podCIDR: '10.200.0.0/24' } }
  const doc: ScenarioDocument = {
    hopscope: 1,
    title: v.id,
    seed: 1,
    cluster: {
      podCIDR: '10.0.0.0/8',
      serviceCIDR: '172.30.0.0/16',
      network: { plugin: 'bridge', fabric: 'l2', mtu: 1500 },
      kubeProxy: { mode: 'iptables' },
    },
    objects: [node, ...v.services, ...v.endpointSlices],
    overrides: {},
    journeys: [],
  }
  const filled = fillIn(doc)
  if (!filled.ok) throw new Error(JSON.stringify(filled.error))
  return filled.value
}

function rulesetOf(v: Vector): string {
  const { nodeConfig } = v
  const cidr = parsePrefix(nodeConfig.localDetector.cidr ?? '')
  const config: IptablesProxyConfig = {
    ...DEFAULT_PROXY_CONFIG,
    nodeName: nodeConfig.nodeName,
    clusterCIDR: cidr.ok ? cidr.value : undefined,
    masqueradeAll: nodeConfig.masqueradeAll,
    randomFully: nodeConfig.hasRandomFully,
    conntrackTCPLiberal: nodeConfig.conntrackTCPLiberal,
    localhostNodePorts: nodeConfig.localhostNodePorts,
    nfacct: new Set(Object.keys(nodeConfig.nfAcctCounters).filter((k) => nodeConfig.nfAcctCounters[k])),
  }
  const cluster = clusterOf(v)
  const { filter, nat } = proxyTables(servicePorts(cluster.services), endpointsOf(cluster.slices), config)
  return restoreText([filter, nat])
}

/** The vectors' canonical order: KUBE-NODEPORTS, KUBE-SERVICES, then by byte order; rules chain by chain. */
function canonical(text: string): string {
  const rank = (c: string) => (c === 'KUBE-NODEPORTS' ? 0 : c === 'KUBE-SERVICES' ? 1 : 2)
  return text
    .split('*')
    .slice(1)
    .map((table) => {
      const [name, ...lines] = table.trimEnd().split('\n')
      const chains = lines.filter((l) => l.startsWith(':')).map((l) => l.slice(1).split(' ')[0] ?? '')
      chains.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
      const rules = chains.flatMap((c) => lines.filter((l) => l.startsWith(`-A ${c} `)))
      return `*${name}\n${chains.map((c) => `:${c} - [0:0]\n`).join('')}${rules.join('\n')}\nCOMMIT\n`
    })
    .join('')
}

/** The vectors' tracer: every endpoint behind a probability is visited. */
function trace(text: string, flow: Vector['flows'][number]): { outputs: string; masq: boolean } {
  const rules = (table: string, chain: string) =>
    (text.split('*').find((t) => t.startsWith(table)) ?? '').split('\n').filter((l) => l.startsWith(`-A ${chain} `))
  const state = { outputs: [] as string[], masq: false, dst: flow.destIP }
  const inside = (cidr: string, ip: string) => {
    const [p, a] = [parsePrefix(cidr), parsePrefix(ip)]
    return p.ok && a.ok && (a.value.address ^ p.value.address) >>> (32 - p.value.length || 0) === 0
  }
  const walk = (table: string, chain: string): boolean => {
    for (const r of rules(table, chain)) {
      const src = /(! )?-s (\S+)/.exec(r)
      const dst = /(! )?-d (\S+)/.exec(r)
      if (src && inside(src[2] ?? '', flow.sourceIP) === (src[1] !== undefined)) continue
      if (dst && inside(dst[2] ?? '', state.dst) === (dst[1] !== undefined)) continue
      if (/-m mark|--ctstate|--dst-type/.test(r)) continue
      if (/-p (\S+)/.exec(r)?.[1] !== flow.protocol.toLowerCase() && / -p /.test(r)) continue
      const port = /--dport (\d+)/.exec(r)?.[1]
      if (port !== undefined && Number(port) !== flow.destPort) continue
      const target = /-j (\S+)(?: --to-destination (\S+))?/.exec(r)
      if (target === null) continue
      if (target[1] === 'KUBE-MARK-MASQ') state.masq = true
      else if (/^(DNAT|DROP|REJECT|ACCEPT)$/.test(target[1] ?? '')) {
        state.outputs.push(target[2] ?? target[1] ?? '')
        return true
      } else if (walk(table, target[1] ?? '') && !r.includes('--probability')) return true
    }
    return false
  }
  walk('nat', 'KUBE-SERVICES')
  const first = state.outputs[0]
  if (first !== undefined) state.dst = first.split(':')[0] ?? state.dst
  for (const chain of ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-NODEPORTS', 'KUBE-PROXY-FIREWALL']) walk('filter', chain)
  return { outputs: state.outputs.join(', '), masq: state.masq }
}

describe.runIf(here)('what kube-proxy itself does for ClusterIP Services', () => {
  it.each(vectors.filter((v) => v.expectedIptables && v.sync.kind === 'full').map((v) => [v.id, v] as const))(
    'writes the ruleset of %s',
    (_, v) => {
      expect(canonical(rulesetOf(v))).toBe(v.expectedIptables)
    },
  )
  it.each(vectors.filter((v) => v.flows.length > 0).map((v) => [v.id, v] as const))(
    'sends the packets of %s to the same endpoints',
    (_, v) => {
      const text = rulesetOf(v)
      for (const flow of v.flows)
        expect({ name: flow.name, ...trace(text, flow) }).toEqual({ name: flow.name, outputs: flow.expect, masq: flow.masq })
    },
  )
  it.each(vectors.filter((v) => v.expectedCounts && v.sync.kind === 'full').map((v) => [v.id, v] as const))(
    'counts the endpoint rules of %s',
    (_, v) => {
      const dnat = rulesetOf(v)
        .split('\n')
        .filter((l) => l.startsWith('-A KUBE-SEP-') && l.includes('-j DNAT'))
      if (v.expectedCounts?.sepDnatRules !== undefined) expect(dnat.length).toBe(v.expectedCounts.sepDnatRules)
      if (v.expectedCounts?.sepDnatRulesWithComment !== undefined) {
        expect(dnat.filter((l) => l.includes('--comment')).length).toBe(v.expectedCounts.sepDnatRulesWithComment)
      }
    },
  )

  it('names chains and probabilities alike', () => {
    for (const v of read('names.json').vectors as readonly Record<string, string & number>[]) {
      if (v.kind === 'iptables-service-hash') expect(servicePortHash(v.servicePortName ?? '', v.protocol ?? '')).toBe(v.expect)
      if (v.kind === 'iptables-endpoint-chain')
        expect(endpointChain(v.servicePortName ?? '', v.protocol ?? '', v.endpoint ?? '')).toBe(v.expect)
      if (v.kind === 'iptables-probability') expect(probability(v.n ?? 1)).toBe(v.expect)
    }
  })

  it('picks the same endpoints by topology', () => {
    interface Topology {
      readonly id: string
      readonly nodeLabels: Readonly<Record<string, string>>
      readonly service: {
        readonly internalPolicyLocal: boolean
        readonly externalPolicyLocal: boolean
        readonly nodePort: number
      }
      readonly endpoints: readonly {
        readonly endpoint: string
        readonly zoneHints: readonly string[] | null
        readonly ready: boolean
        readonly serving: boolean
        readonly terminating: boolean
        readonly isLocal: boolean
      }[]
      readonly expect: {
        readonly clusterEndpoints: readonly string[] | null
        readonly localEndpoints: readonly string[] | null
        readonly allLocallyReachableEndpoints: readonly string[]
        readonly hasAnyEndpoints: boolean
      }
    }
    for (const v of read('topology.json').vectors as readonly Topology[]) {
      const endpoints = v.endpoints.map(({ zoneHints, ...e }) => ({ ...e, ...(zoneHints === null ? {} : { zoneHints }) }))
      const policy = { ...v.service, externallyAccessible: v.service.nodePort !== 0 }
      const got = categorizeEndpoints(endpoints, policy, v.nodeLabels['topology.kubernetes.io/zone'])
      const names = (l: readonly { endpoint: string }[] | undefined) => l?.map((e) => e.endpoint).sort() ?? null
      const sorted = (l: readonly string[] | null) => l?.toSorted() ?? null
      expect([v.id, names(got.cluster), names(got.local), names(got.reachable), got.any]).toEqual([
        v.id,
        sorted(v.expect.clusterEndpoints),
        sorted(v.expect.localEndpoints),
        sorted(v.expect.allLocallyReachableEndpoints),
        v.expect.hasAnyEndpoints,
      ])
    }
  })

  it('serves the same Services', () => {
    interface MapVector {
      readonly id: string
      readonly ipFamily: string
      readonly services: readonly Manifest[]
      readonly expect: { readonly servicePortCount: number }
    }
    for (const v of (read('service-map.json').vectors as readonly MapVector[]).filter((m) => m.ipFamily === 'IPv4')) {
      const cluster = clusterOf({ ...vectors[0], id: v.id, services: v.services, endpointSlices: [] } as Vector)
      expect([v.id, servicePorts(cluster.services).length]).toEqual([v.id, v.expect.servicePortCount])
    }
  })
})
