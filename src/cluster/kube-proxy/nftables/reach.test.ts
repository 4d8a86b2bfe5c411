import { describe, expect, it } from 'vitest'
import { printNftSet } from '../../../linux/nft/list.ts'
import type { Manifest } from '../../../scenario/document.ts'
import { type Played, play } from '../../../sim/testing/play.ts'
import { built, documentOf, node, pod, service } from '../../testing.ts'

// Services in nftables mode, through the engine: backends on both nodes, a client pod on node2.

const NODES = [node('node1', '10.244.1.0/24', '192.168.1.11'), node('node2', '10.244.2.0/24', '192.168.1.12')]
const backend = (name: string, nodeName: string, podIP: string) =>
  pod(name, nodeName, { podIP, app: 'web', ports: [{ containerPort: 8080 }] })
const WEB = backend('web', 'node1', '10.244.1.5')
const VIP = '203.0.113.8'
const web = (spec: object = {}, status?: object): Manifest => ({
  ...service('web', {
    clusterIP: '10.96.0.10',
    selector: { app: 'web' },
    ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }],
    ...spec,
  }),
  ...(status === undefined ? {} : { status }),
})
const balanced = (spec: object) => web({ type: 'LoadBalancer', ...spec }, { loadBalancer: { ingress: [{ ip: VIP }] } })

const worldOf = (objects: readonly Manifest[]) => {
  const doc = documentOf([...NODES, pod('client', 'node2', { podIP: '10.244.2.9' }), ...objects])
  return built({ ...doc, cluster: { ...doc.cluster, kubeProxy: { mode: 'nftables' } } })
}
const how = ({ exitCodes, output }: Played, i = 0): string =>
  exitCodes[i] === 0
    ? `answered by ${/Hostname: (\S+)/.exec(output[i] ?? '')?.[1] ?? 'somebody'}`
    : `failed: ${(output[i] ?? '').trim()}`
const curl = (from: string, url: string, ...objects: readonly Manifest[]): string =>
  how(play(worldOf(objects), [from, `curl -m 5 ${url}`]))

describe('a node in nftables mode', () => {
  it('has kube-proxy’s table and nothing of it in iptables', () => {
    const world = [...worldOf([WEB, web()]).values()]
    expect(world.filter((r) => r.kind === 'nft-table').map((r) => `${r.netns} ${r.family} ${r.name}`)).toEqual([
      'netns:node1 ip kube-proxy',
      'netns:node2 ip kube-proxy',
    ])
    const chains = world.flatMap((r) => (r.kind === 'chain' && r.name.startsWith('KUBE-') ? [r.name] : []))
    expect([...new Set(chains)].sort()).toEqual(['KUBE-FIREWALL', 'KUBE-IPTABLES-HINT', 'KUBE-KUBELET-CANARY'])
    expect(world.some((r) => r.kind === 'sysctl' && r.key.endsWith('route_localnet'))).toBe(false)
  })
})

describe('a cluster IP', () => {
  it('is answered for pods and for nodes', () => {
    expect(curl('pod/client', 'http://10.96.0.10/', WEB, web())).toBe('answered by web')
    expect(curl('node2', 'http://10.96.0.10/', WEB, web())).toBe('answered by web')
  })

  it('refuses a port that no Service has, and connections when there is no endpoint', () => {
    expect(curl('pod/client', 'http://10.96.0.10:81/', WEB, web())).toMatch(/Couldn't connect/)
    expect(curl('node2', 'http://10.96.0.10:81/', WEB, web())).toMatch(/Couldn't connect/)
    expect(curl('pod/client', 'http://10.96.0.10/', web())).toMatch(/Couldn't connect/)
  })

  it('that no Service has is dropped inside the service CIDR', () => {
    const played = play(worldOf([WEB, web()]), ['pod/client', 'curl -m 2 http://10.96.77.77/'])
    expect(how(played)).toMatch(/timed out/i)
    const dropped = played.events('drop').map((e) => e.step.decidedBy)
    expect(new Set(dropped)).toEqual(new Set(['nftrule:node2/ip/kube-proxy/cluster-ips-check/2']))
  })
})

describe('session affinity', () => {
  const affine = web({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } })
  const backends = [
    WEB,
    backend('a', 'node1', '10.244.1.6'),
    backend('b', 'node2', '10.244.2.6'),
    backend('c', 'node2', '10.244.2.7'),
  ]

  it('sends a client to the endpoint that it had before, by a set that remembers for its timeout', () => {
    const runs = Array.from({ length: 5 }, () => ['pod/client', 'curl -m 5 http://10.96.0.10/'] as const)
    const played = play(worldOf([...backends, affine]), ...runs)
    const first = how(played, 0)
    expect(first).toMatch(/^answered by /)
    expect(runs.map((_, i) => how(played, i))).toEqual(runs.map(() => first))
    const sets = played.end.list('nft-set', 'netns:node2').filter((s) => s.name.startsWith('affinity-') && s.elements.length > 0)
    expect(sets).toHaveLength(1)
    for (const s of sets) expect(printNftSet(played.end, s)).toMatch(/elements = \{ 10\.244\.2\.9 expires 5\ds\d*m?s? \}/)
  })

  it('is over when the client has been away for longer', () => {
    const run = ['pod/client', 'curl -m 5 http://10.96.0.10/'] as const
    const apart = play(worldOf([...backends, affine]), run, ['pod/client', 'ping -c 62 10.244.2.1'], run)
    const draws = apart
      .events('rule')
      .filter((e) => e.step.target?.includes('/endpoint-') === true && e.step.rule.includes('/service-'))
    // The fifth rule draws; the four before it look the client up.
    expect(draws.map((e) => e.step.rule.split('/').at(-1))).toEqual(['6', '6'])
  })
})

describe('a node port', () => {
  it.each([
    ['another node', 'node2', '192.168.1.11'],
    ['a node, at itself, where no backend is', 'node2', '192.168.1.12'],
    ['a pod', 'pod/client', '192.168.1.11'],
  ])('answers %s', (_, from, ip) => {
    expect(curl(from, `http://${ip}:30080/`, WEB, web({ type: 'NodePort' }))).toBe('answered by web')
  })

  it('is not on localhost in this mode', () => {
    expect(curl('node1', 'http://127.0.0.1:30080/', WEB, web({ type: 'NodePort' }))).toMatch(/Couldn't connect/)
  })

  it('with externalTrafficPolicy Local is silent to machines where no backend is', () => {
    const local = web({ type: 'NodePort', externalTrafficPolicy: 'Local' })
    expect(curl('node1', 'http://192.168.1.12:30080/', WEB, local)).toMatch(/timed out/i)
    expect(curl('node2', 'http://192.168.1.11:30080/', WEB, local)).toBe('answered by web')
    expect(curl('pod/client', 'http://192.168.1.12:30080/', WEB, local)).toBe('answered by web')
  })

  it('keeps the source address with the Local policy, and not with Cluster', () => {
    const seen = (policy: string) => {
      const object = web({ type: 'NodePort', externalTrafficPolicy: policy })
      return /RemoteAddr: ([\d.]+)/.exec(
        play(worldOf([WEB, object]), ['node2', 'curl http://192.168.1.11:30080/']).output[0] ?? '',
      )?.[1]
    }
    expect(seen('Local')).toBe('192.168.1.12')
    expect(seen('Cluster')).toBe('10.244.1.1')
  })
})

describe('a load balancer’s address', () => {
  it('lets only loadBalancerSourceRanges in, before any DNAT', () => {
    expect(curl('pod/client', `http://${VIP}/`, WEB, balanced({ loadBalancerSourceRanges: ['10.244.0.0/16'] }))).toBe(
      'answered by web',
    )
    const refused = play(worldOf([WEB, balanced({ loadBalancerSourceRanges: ['198.51.100.0/24'] })]), [
      'pod/client',
      `curl -m 2 http://${VIP}/`,
    ])
    expect(how(refused)).toMatch(/timed out/i)
    expect(refused.events('nat')).toEqual([])
    expect(refused.events('drop')[0]?.step.decidedBy).toMatch(/^nftrule:node2\/ip\/kube-proxy\/firewall-/)
  })
})
