import { describe, expect, it } from 'vitest'
import { clientPod, scenario, TWO_NODES, webPod } from '../../library/parts.ts'
import { balancedService, hostPortPod, VIP } from '../../library/ways-in.ts'
import type { Manifest, ScenarioDocument } from '../../scenario/document.ts'
import { played } from './testing.ts'

const client = clientPod('client', 'node1', '10.244.1.2')
const idle = { from: 'pod/client', run: 'ping -c 2 10.244.1.1' }
const atOnce = (p: Manifest): Manifest => ({ ...p, spec: { ...(p.spec as object), terminationGracePeriodSeconds: 0 } })
const hosts = (output: string | undefined) => [...(output ?? '').matchAll(/Hostname: (\S+)/g)].map((m) => m[1])

describe('a cloud balancer in front of a Service with externalTrafficPolicy Local', () => {
  const local = balancedService({ externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 })
  const doc = (more: Partial<ScenarioDocument> = {}): ScenarioDocument =>
    scenario({
      title: 'the pod moves',
      objects: [...TWO_NODES, client, atOnce(webPod('web-a', 'node1', '10.244.1.3')), local],
      journeys: [{ from: 'internet', run: `curl http://${VIP}/` }, idle, { from: 'internet', run: `curl http://${VIP}/` }],
      changes: [
        { journey: 1, at: '0s', apply: [webPod('web-b', 'node2', '10.244.2.2')], delete: [{ kind: 'Pod', name: 'web-a' }] },
      ],
      ...more,
    })

  it('finds the new node with its next probe, and gives up the old one after three that failed', () => {
    const { outputs, told, says } = played(doc())
    expect(hosts(outputs[0])).toEqual(['web-a'])
    expect(hosts(outputs[2])).toEqual(['web-b'])
    const first = Number(told[0]?.split(' ')[0])
    const rounds = told.filter((l) => l.includes('configure')).map((l) => l.replace(/^\d+/, (t) => String(Number(t) - first)))
    expect(rounds).toEqual([
      '8000 ms lb/web configure obj:Service/default/web',
      '24000 ms lb/web configure obj:Service/default/web',
    ])
    expect(says('lb/web', 'iptables -t nat -S PREROUTING')).toMatch(/node2.*192\.168\.1\.12:30080/)
    expect(says('lb/web', 'iptables -t nat -S PREROUTING')).not.toMatch(/node1/)
  })

  it('answers its probes by the endpoints of this moment', () => {
    const ask = { from: 'pod/client', run: 'curl -s http://192.168.1.11:32000/' }
    const { outputs } = played(
      doc({ journeys: [ask, ask], changes: [{ journey: 1, at: '0s', delete: [{ kind: 'Pod', name: 'web-a' }] }] }),
    )
    expect(outputs.map((o) => /"localEndpoints": (\d+)/.exec(o)?.[1])).toEqual(['1', '0'])
  })

  it('has a health check port only as long as the Service asks for one', () => {
    const ask = { from: 'pod/client', run: 'curl -s http://192.168.1.11:32000/' }
    const cluster = balancedService()
    const { verdicts } = played(
      doc({
        journeys: [ask, idle, ask, idle, ask],
        changes: [
          { journey: 1, at: '0s', apply: [cluster] },
          { journey: 3, at: '0s', apply: [local] },
        ],
      }),
    )
    expect(verdicts).toEqual(['answered', 'answered', 'failed', 'answered', 'answered'])
  })
})

describe('a balancer of another kind', () => {
  const ask = { from: 'internet', run: `curl -m 2 http://${VIP}/` }
  const moves = (service: Manifest, cluster: Partial<ScenarioDocument['cluster']>): ScenarioDocument => {
    const doc = scenario({
      title: 'the pod moves',
      objects: [...TWO_NODES, client, atOnce(webPod('web-a', 'node1', '10.244.1.3')), service],
      journeys: [ask, idle, ask, ask],
      changes: [
        { journey: 1, at: '0s', apply: [webPod('web-b', 'node2', '10.244.2.2')], delete: [{ kind: 'Pod', name: 'web-a' }] },
      ],
    })
    return { ...doc, cluster: { ...doc.cluster, ...cluster } }
  }
  const local = (ipMode: string): Manifest => ({
    ...balancedService({ externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 }),
    status: { loadBalancer: { ingress: [{ ip: VIP, ipMode }] } },
  })

  it('that ends connections opens them to the nodes that answer its probes', () => {
    const p = played(moves(local('Proxy'), {}))
    expect(p.outputs.map((o) => hosts(o)[0])).toEqual(['web-a', undefined, 'web-b', 'web-b'])
    expect(p.says('lb/web', 'cat /etc/l4-proxy/targets')).toBe('80 192.168.1.12:30080\n')
  })

  it('that passes packets on as they are hashes over those nodes', () => {
    const p = played(moves(local('VIP'), { loadBalancer: 'direct' }))
    expect(p.outputs.map((o) => hosts(o)[0])).toEqual(['web-a', undefined, 'web-b', 'web-b'])
    expect(p.says('lb/web', 'nft list ruleset')).toMatch(/mod 1 seed 0x5eed map \{ 0 : 0x0*2 \}/)
  })
})

describe('host ports', () => {
  const mapped = (name: string, podIP: string, port: number) => atOnce(hostPortPod(name, 'node1', podIP, port))
  const from2 = (port: number) => ({ from: 'node2', run: `curl -m 2 http://192.168.1.11:${port}/` })

  it('come with their pod and go with it', () => {
    const { outputs, verdicts, says } = played(
      scenario({
        title: 'host ports',
        objects: [...TWO_NODES, client],
        journeys: [from2(18080), idle, from2(18080), idle, from2(18080)],
        changes: [
          { journey: 1, at: '0s', apply: [mapped('a', '10.244.1.3', 18080)] },
          { journey: 3, at: '0s', delete: [{ kind: 'Pod', name: 'a' }] },
        ],
      }),
    )
    expect(verdicts).toEqual(['failed', 'answered', 'answered', 'answered', 'failed'])
    expect(hosts(outputs[2])).toEqual(['a'])
    // The plugin's own top-level chains stay when the last pod has gone.
    const nat = says('node1', 'iptables-save -t nat')
    expect(nat).toMatch(/^:CNI-HOSTPORT-DNAT /m)
    expect(nat).not.toMatch(/CNI-DN-/)
    expect(nat.match(/^-A PREROUTING .*CNI-HOSTPORT-DNAT$/gm)).toHaveLength(1)
  })

  it('of other pods go on counting', () => {
    const { says } = played(
      scenario({
        title: 'two of them',
        objects: [...TWO_NODES, client, mapped('a', '10.244.1.3', 18080), mapped('b', '10.244.1.4', 18081)],
        journeys: [from2(18080), from2(18081), idle, from2(18081)],
        changes: [{ journey: 2, at: '0s', delete: [{ kind: 'Pod', name: 'a' }] }],
      }),
    )
    const entries = says('node1', 'iptables-save -c -t nat').match(/^\[\d+:\d+\] -A CNI-HOSTPORT-DNAT .*$/gm)
    expect(entries?.map((l) => l.replace(/ .*dports (\d+).*/, ' $1'))).toEqual(['[2:120] 18081'])
  })
})

describe("pods on the host's network", () => {
  const onHost: Manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'agent', labels: { app: 'web' } },
    spec: {
      nodeName: 'node2',
      hostNetwork: true,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'web', image: 'agnhost', ports: [{ containerPort: 8080 }] }],
    },
  }
  const ask = { from: 'pod/client', run: 'curl -m 2 http://192.168.1.12:8080/' }

  it('run and end without a namespace of their own', () => {
    const { verdicts, told, says } = played(
      scenario({
        title: 'on the host',
        objects: [...TWO_NODES, client],
        journeys: [ask, idle, ask, idle, ask],
        changes: [
          { journey: 1, at: '0s', apply: [onHost] },
          { journey: 3, at: '0s', delete: [{ kind: 'Pod', name: 'agent' }] },
        ],
      }),
    )
    expect(verdicts).toEqual(['failed', 'answered', 'answered', 'answered', 'failed'])
    expect(told.filter((l) => l.includes('start'))).toHaveLength(1)
    expect(says('node2', 'kubectl get pods')).not.toMatch(/agent/)
    expect(says('node2', 'ss -ltn')).not.toMatch(/8080/)
  })
})
