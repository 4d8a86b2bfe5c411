import { describe, expect, it } from 'vitest'
import { built, documentOf, node, pod, service } from '../../cluster/testing.ts'
import type { Manifest } from '../../scenario/document.ts'
import { play } from '../testing/play.ts'

const NODES = [node('node1', '10.244.1.0/24', '192.168.1.11'), node('node2', '10.244.2.0/24', '192.168.1.12')]
const ready = pod('web', 'node1', { podIP: '10.244.1.5', app: 'web', ports: [{ containerPort: 8080 }] })
const notReady: Manifest = {
  ...pod('slow', 'node2', { podIP: '10.244.2.5', app: 'web', ports: [{ containerPort: 8080 }] }),
  status: { podIP: '10.244.2.5', conditions: [{ type: 'Ready', status: 'False' }] },
}
const balanced = (spec: object = {}): Manifest =>
  service('web', {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 32100,
    selector: { app: 'web' },
    ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }],
    ...spec,
  })
const check = (ip: string, object = balanced()) =>
  play(built(documentOf([...NODES, ready, notReady, object])), ['node1', `curl -s -i http://${ip}:32100/`]).output[0] ?? ''

describe('a health check node port', () => {
  it('says 200 and how many ready endpoints this node has', () => {
    expect(check('192.168.1.11')).toMatch(
      /^HTTP\/1\.1 200 OK[\s\S]*X-Load-Balancing-Endpoint-Weight: 1[\s\S]*"name": "web"[\s\S]*"localEndpoints": 1/,
    )
  })

  it('says 503 where there is none, though a pod that is not ready may be there', () => {
    expect(check('192.168.1.12')).toMatch(/^HTTP\/1\.1 503 Service Unavailable[\s\S]*"localEndpoints": 0/)
  })

  it('is only there for externalTrafficPolicy Local', () => {
    expect(check('192.168.1.11', balanced({ externalTrafficPolicy: 'Cluster' }))).toBe('')
  })
})
