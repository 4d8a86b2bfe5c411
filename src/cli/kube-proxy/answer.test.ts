import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { kubeProxyCommand } from '../kube-proxy-command.ts'
import { answer, answerVector, vectorsOf } from './answer.ts'
import type { NodeConfig, RulesetVector } from './vector.ts'

// A vector of our own: a node at 192.0.2.11 and a load-balanced Service with one endpoint here and one elsewhere.

const NODE: NodeConfig = {
  proxyMode: 'iptables',
  ipFamily: 'IPv4',
  nodeName: 'here',
  nodeIP: '192.0.2.11',
  tracerLocalIPs: ['127.0.0.1', '192.0.2.11'],
  interfaces: [
    { name: 'lo', addresses: ['127.0.0.1/8'] },
    { name: 'eth0', addresses: ['192.0.2.11/24'] },
  ],
  nodeLabels: {},
  localDetector: { kind: 'ClusterCIDR', cidr: '10.1.0.0/16' },
  masqueradeAll: false,
  masqueradeBit: 14,
  nodePortAddresses: [],
}
const service = (spec: object) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.2.0.9',
    ports: [{ name: 'h', port: 80, protocol: 'TCP', nodePort: 30080 }],
    ...spec,
  },
  status: { loadBalancer: { ingress: [{ ip: '198.51.100.9' }] } },
})
const slice = (...endpoints: object[]) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: 'h', port: 8080, protocol: 'TCP' }],
  endpoints,
})
const HERE = { addresses: ['10.1.1.5'], nodeName: 'here' }
const AWAY = { addresses: ['10.1.2.5'], nodeName: 'away' }
const flow = (sourceIP: string, destIP: string, destPort: number) => ({
  name: `${sourceIP} to ${destIP}:${destPort}`,
  sourceIP,
  destIP,
  destPort,
  protocol: 'TCP' as const,
})
const FLOWS = [
  flow('10.1.1.9', '10.2.0.9', 80),
  flow('203.0.113.5', '192.0.2.11', 30080),
  flow('203.0.113.5', '198.51.100.9', 80),
  flow('10.1.1.9', '198.51.100.9', 80),
  flow('192.0.2.11', '192.0.2.11', 30080),
  flow('203.0.113.5', '192.0.2.11', 31000),
  flow('10.1.1.5', '10.2.0.9', 80),
]
const vector = (id: string, spec: object, endpoints: object[], node: Partial<NodeConfig> = {}): RulesetVector => ({
  id,
  nodeConfig: { ...NODE, ...node },
  services: [service(spec)],
  endpointSlices: [slice(...endpoints)],
  sync: { kind: 'full', previous: null },
  flows: FLOWS,
})
const endsOf = (v: RulesetVector): string[] => {
  const { flows } = answerVector(v) as { flows: { expect: string; masq: boolean }[] }
  return flows.map((f) => `${f.expect}${f.masq ? ' masq' : ''}`)
}
const [A, B] = ['10.1.1.5:8080', '10.1.2.5:8080']
const BOTH = `${A}, ${B}`

describe.each(['iptables', 'nftables'] as const)('where packets end in %s mode', (proxyMode) => {
  it('is any endpoint, masqueraded from outside, with Cluster policies', () => {
    expect(endsOf(vector('cluster', {}, [AWAY, HERE], { proxyMode }))).toEqual([
      BOTH,
      `${BOTH} masq`,
      `${BOTH} masq`,
      `${BOTH} masq`,
      `${BOTH} masq`,
      '',
      // A pod that may reach itself.
      `${BOTH} masq`,
    ])
  })

  it('is the endpoint here for machines, and any for pods and the node, with externalTrafficPolicy Local', () => {
    const local = { externalTrafficPolicy: 'Local', healthCheckNodePort: 31000 }
    const healthCheck = proxyMode === 'iptables' ? 'ACCEPT' : ''
    expect(endsOf(vector('local', local, [AWAY, HERE], { proxyMode }))).toEqual([
      BOTH,
      A,
      A,
      BOTH,
      `${BOTH} masq`,
      healthCheck,
      `${BOTH} masq`,
    ])
    expect(endsOf(vector('away', local, [AWAY], { proxyMode })).slice(1, 5)).toEqual(['DROP', 'DROP', B, `${B} masq`])
  })

  it('is a refusal where there is no endpoint', () => {
    expect(endsOf(vector('none', {}, [], { proxyMode })).slice(0, 4)).toEqual(['REJECT', 'REJECT', 'REJECT', 'REJECT'])
  })
})

describe('where IPv6 packets end in nftables mode', () => {
  const node: Partial<NodeConfig> = {
    proxyMode: 'nftables',
    ipFamily: 'IPv6',
    nodeIP: '2001:db8::11',
    tracerLocalIPs: ['::1', '2001:db8::11'],
    interfaces: [{ name: 'eth0', addresses: ['2001:db8::11/64'] }],
    localDetector: { kind: 'ClusterCIDR', cidr: 'fd00:1::/48' },
    nodePortAddresses: ['2001:db8::11/128'],
    serviceCIDRs: ['fd00:2::/112'],
  }
  const six = (spec: object, endpoints: object[]): RulesetVector => ({
    ...vector('six', {}, [], node),
    services: [
      { ...service({ clusterIP: 'fd00:2::9', ...spec }), status: { loadBalancer: { ingress: [{ ip: '2001:db8:99::9' }] } } },
    ],
    endpointSlices: [{ ...slice(...endpoints), addressType: 'IPv6' }],
    flows: [
      flow('fd00:1:0:1::9', 'fd00:2::9', 80),
      flow('2001:db8:f::5', '2001:db8::11', 30080),
      flow('2001:db8:f::5', '2001:db8:99::9', 80),
      flow('fd00:1:0:1::9', '2001:db8:99::9', 80),
      flow('2001:db8::11', '2001:db8::11', 30080),
      // A port and an address that no Service has.
      flow('fd00:1:0:1::9', 'fd00:2::9', 81),
      flow('fd00:1:0:1::9', 'fd00:2::77', 80),
      flow('fd00:1:0:1::5', 'fd00:2::9', 80),
    ],
  })
  const here = { addresses: ['fd00:1:0:1::5'], nodeName: 'here' }
  const away = { addresses: ['fd00:1:0:2::5'], nodeName: 'away' }
  const [a, b] = ['[fd00:1:0:1::5]:8080', '[fd00:1:0:2::5]:8080']

  it('is any endpoint, masqueraded from outside, with Cluster policies', () => {
    const any = `${a}, ${b}`
    const ends = [any, ...Array.from({ length: 4 }, () => `${any} masq`), 'REJECT', 'DROP', `${any} masq`]
    expect(endsOf(six({}, [here, away]))).toEqual(ends)
  })

  it('is the endpoint here with externalTrafficPolicy Local, nothing without one, and a refusal where there is none at all', () => {
    const local = { externalTrafficPolicy: 'Local', healthCheckNodePort: 31000 }
    expect(endsOf(six(local, [away, here])).slice(0, 5)).toEqual([`${a}, ${b}`, a, a, `${a}, ${b}`, `${a}, ${b} masq`])
    expect(endsOf(six(local, [away])).slice(1, 5)).toEqual(['DROP', 'DROP', b, `${b} masq`])
    expect(endsOf(six({}, [])).slice(0, 5)).toEqual(['REJECT', 'REJECT', 'REJECT', 'REJECT', 'REJECT'])
  })

  it('is nowhere for a client outside loadBalancerSourceRanges', () => {
    const ends = endsOf(six({ loadBalancerSourceRanges: ['2001:db8:f::/64', '2001:db8::/64'] }, [here]))
    expect(ends.slice(1, 5)).toEqual([`${a} masq`, `${a} masq`, 'DROP', `${a} masq`])
  })
})

describe('hopscope kube-proxy with a file of vectors', () => {
  const dir = mkdtempSync(join(tmpdir(), 'vectors-'))
  afterAll(() => rmSync(dir, { recursive: true }))
  const printed = async (content: unknown, status = 0): Promise<string[]> => {
    const file = join(dir, 'vectors.json')
    writeFileSync(file, JSON.stringify(content))
    const lines: string[] = []
    const io = { out: (text: string) => void lines.push(text), error: (text: string) => void lines.push(text) }
    expect(await kubeProxyCommand.run([file], io)).toBe(status)
    return lines
  }

  it('prints a JSON line for each, or for a single one', async () => {
    const one = { ...vector('one', {}, [HERE]), expectedNoLocalEndpoints: { internal: 0, external: 0 } }
    const name = { id: 'n', kind: 'iptables-probability', n: 3, expect: '0.3333333333' }
    const [first = '', second = ''] = await printed({ vectors: [one, name] })
    expect(JSON.parse(first)).toMatchObject({
      id: 'one',
      ruleset: expect.stringContaining('--to-destination 10.1.1.5:8080'),
      flows: FLOWS.map(({ name }) => ({ name })),
      expectedNoLocalEndpoints: { internal: 0, external: 0 },
    })
    expect(JSON.parse(second)).toEqual({ id: 'n', kind: name.kind, expect: name.expect })
    expect(await printed(one)).toHaveLength(1)
  })

  it('says what is wrong with one, and answers the others', async () => {
    const good = vector('good', {}, [HERE])
    const { nodeName: _, ...nameless } = NODE
    const bad = [
      { ...good, id: 'nameless', nodeConfig: nameless },
      { ...good, id: 'family', flows: [flow('2001:db8::1', '10.2.0.9', 80)] },
      { ...good, id: 'address', flows: [flow('10.1.1.9', '10.2.0.900', 80)] },
      { ...good, id: 'no ruleset', inputIptables: '*nat\n-A KUBE-SERVICES -j\nCOMMIT\n' },
      { id: 'of no kind', kind: 'iptables-colour', expect: 1 },
      { id: 'nothing', expect: 1 },
      7,
    ]
    const lines = await printed({ vectors: [...bad, good] }, 2)
    const errors = lines.filter((l) => !l.startsWith('{'))
    const answers = lines.flatMap((l) => (l.startsWith('{') ? [JSON.parse(l)] : []))
    expect(answers.map((a) => a.error)).toEqual([
      "nodeConfig.nodeName: expected the node's name",
      'flows[0].sourceIP: expected an IPv4 address',
      'flows[0].destIP: expected an IPv4 address',
      expect.stringContaining('the ruleset does not parse'),
      expect.stringContaining('kind: expected one of iptables-service-hash,'),
      'expected nodeConfig, kind, nodeLabels or ipFamily with what belongs to it',
      'expected an object',
      undefined,
    ])
    expect(answers.at(-1)).toMatchObject({ id: 'good', flows: FLOWS.map(({ name }) => ({ name })) })
    expect(errors).toHaveLength(bad.length)
    expect(errors[0]).toMatch(/vectors\.json: vectors\[0\]: nameless: nodeConfig\.nodeName: /)
  })

  it('names the fields that it takes no account of, and fills in what kube-proxy has a default for', () => {
    const { proxyMode, ipFamily, nodeName, nodeIP } = NODE
    const { services, endpointSlices } = vector('short', {}, [HERE])
    const short = {
      id: 'short',
      nodeConfig: { proxyMode, ipFamily, nodeName, nodeIP, featureGates: {} },
      services,
      endpointSlices,
    }
    const answered = answer({ ...short, expectedIpsets: [] })
    expect(answered).toMatchObject({
      ok: true,
      value: { unknownFields: ['expectedIpsets', 'nodeConfig.featureGates'], flows: [] },
    })
    expect(JSON.stringify(answered)).toContain('-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000')
  })

  it.each([
    [{ kind: 'NodeCIDR', cidr: '10.1.1.0/24' }, '! -s 10.1.1.0/24 ', 'ip saddr != 10.1.1.0/24 '],
    [{ kind: 'BridgeInterface', bridgeInterface: 'cbr0' }, '! -i cbr0 ', 'iifname != cbr0 '],
    [{ kind: 'InterfaceNamePrefix', interfaceNamePrefix: 'veth' }, '! -i veth+ ', 'iifname != veth* '],
  ] as const)('tells pods by %j', (localDetector, inIptables, inNftables) => {
    const text = (proxyMode: 'iptables' | 'nftables') =>
      JSON.stringify(answer({ ...vector('detector', {}, [HERE], { proxyMode, localDetector }), flows: [] }))
    expect(text('iptables')).toContain(`${inIptables}-j KUBE-MARK-MASQ`)
    expect(text('nftables')).toContain(`${inNftables}jump mark-for-masquerade`)
  })

  it('takes nothing else for vectors', () => {
    expect(vectorsOf({ hopscope: 1, objects: [] })).toBeUndefined()
    expect(vectorsOf([{ kind: 'Pod' }])).toBeUndefined()
    expect(vectorsOf('text')).toBeUndefined()
  })
})
