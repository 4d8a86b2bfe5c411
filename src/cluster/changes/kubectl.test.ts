import { describe, expect, it } from 'vitest'
import { execCommand } from '../../console/exec.ts'
import { clientPod, scenario, TWO_NODES, WEB_SERVICE } from '../../library/parts.ts'
import type { Manifest } from '../../scenario/document.ts'
import { played } from './testing.ts'

const web = (image: string, replicas: number): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 2,
        containers: [{ name: 'web', image, ports: [{ containerPort: 8080 }], readinessProbe: { initialDelaySeconds: 3 } }],
      },
    },
  },
})

describe('kubectl at the steps of a rollout', () => {
  const p = played(
    scenario({
      title: 'rollout',
      objects: [...TWO_NODES, clientPod('client', 'node1', '10.244.1.2'), WEB_SERVICE, web('one', 2)],
      journeys: [{ from: 'pod/client', run: 'ping -c 2 10.244.1.1' }],
      changes: [{ journey: 0, at: '1s', apply: [web('two', 2)] }],
    }),
  )
  const at = (ms: number, command: string): string[] => {
    const step = p.steps.findLastIndex((e) => e.t <= ms * 1e6)
    const printed = execCommand(p.timeline.at(step), 'netns:node1', command).stdout
    return printed
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((l) => l.replaceAll(/ +/g, ' ').replaceAll(/web-[a-z0-9]+(-[a-z0-9]+)?/g, 'web-X'))
  }

  it('shows the pods of this moment, with their nodes and addresses', () => {
    const pods = (ms: number) => at(ms, 'kubectl get pods -l app=web -o wide').map((l) => l.split(' ').slice(0, 3).join(' '))
    expect(pods(500)).toEqual(['web-X 1/1 Running', 'web-X 1/1 Running'])
    expect(pods(2000).toSorted()).toEqual(['web-X 0/1 Running', 'web-X 1/1 Running', 'web-X 1/1 Running'])
    expect(pods(5000).filter((l) => l.includes('Terminating'))).toHaveLength(1)
    expect(at(2000, 'kubectl get pods -l app=web -o wide').every((l) => /10\.244\.[12]\.\d+ node[12]/.test(l))).toBe(true)
  })

  it('counts what is ready and up to date', () => {
    const deployment = (ms: number) => at(ms, 'kubectl get deploy')[0]
    expect([500, 2000, 4500, 8000].map(deployment)).toEqual([
      'web 2/2 2 2 <unknown>',
      'web 2/2 1 2 <unknown>',
      'web 2/2 2 2 <unknown>',
      'web 2/2 2 2 <unknown>',
    ])
  })

  it('lists the endpoints, and describes those that are ready', () => {
    expect(at(2000, 'kubectl get endpointslices')[0]?.match(/10\.244\.\d+\.\d+/g)).toHaveLength(3)
    const described = (ms: number) => /Endpoints: +(\S+)/.exec(at(ms, 'kubectl describe svc web').join('\n'))?.[1]?.split(',')
    expect(described(2000)).toHaveLength(2)
    expect(described(8000)).toHaveLength(2)
    expect(described(8000)).not.toEqual(described(2000))
  })

  it('says which node is which', () => {
    expect(at(500, 'kubectl get nodes -o wide')[0]).toMatch(/^node1 Ready <none> <unknown> 192\.168\.1\.11/)
  })
})
