import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../scenario/document.ts'
import { play } from '../../sim/testing/play.ts'
import { built, documentOf, node, pod, service } from '../testing.ts'

// Ways in from outside, through the engine: node2 and a client pod reach a Service whose only backend is on node1.

const NODES = [node('node1', '10.244.1.0/24', '192.168.1.11'), node('node2', '10.244.2.0/24', '192.168.1.12')]
const BACKEND = pod('web', 'node1', { podIP: '10.244.1.5', app: 'web', ports: [{ containerPort: 8080 }] })
const web = (spec: object, status?: object): Manifest => ({
  ...service('web', { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }], ...spec }),
  ...(status === undefined ? {} : { status }),
})
const curl = (from: string, url: string, object: Manifest): string => {
  const world = built(documentOf([...NODES, BACKEND, pod('client', 'node2', { podIP: '10.244.2.9' }), object]))
  const { exitCodes, output } = play(world, [from, `curl -m 5 ${url}`])
  return exitCodes[0] === 0 ? 'answered' : `failed: ${(output[0] ?? '').trim()}`
}

describe('a node port', () => {
  it.each([
    ['the other node, at the node with the backend', 'node2', '192.168.1.11'],
    ['the other node, at itself, where no backend is', 'node2', '192.168.1.12'],
    ['a pod, at the node with the backend', 'pod/client', '192.168.1.11'],
    ['the node itself, on localhost', 'node1', '127.0.0.1'],
  ])('answers %s', (_, from, ip) => {
    expect(curl(from, `http://${ip}:30080/`, web({ type: 'NodePort' }))).toBe('answered')
  })

  it('of a Service with externalTrafficPolicy Local is silent on a node without a backend, to machines', () => {
    const local = web({ type: 'NodePort', externalTrafficPolicy: 'Local' })
    expect(curl('node1', 'http://192.168.1.12:30080/', local)).toMatch(/timed out/i)
    expect(curl('node2', 'http://192.168.1.11:30080/', local)).toBe('answered')
    // A pod's own node sends it on to any backend: as if it had gone out and come back.
    expect(curl('pod/client', 'http://192.168.1.12:30080/', local)).toBe('answered')
  })
})

describe('addresses that nodes answer for', () => {
  it('are external IPs and load balancer addresses, for pods too', () => {
    expect(curl('pod/client', 'http://203.0.113.7/', web({ externalIPs: ['203.0.113.7'] }))).toBe('answered')
    const balanced = web({ type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '203.0.113.8' }] } })
    expect(curl('node2', 'http://203.0.113.8/', balanced)).toBe('answered')
  })

  it('are not those of a load balancer that terminates connections itself', () => {
    const proxied = web({ type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '203.0.113.8', ipMode: 'Proxy' }] } })
    const world = built(documentOf([...NODES, BACKEND, proxied]))
    const { events, exitCodes } = play(world, ['node2', 'curl -m 5 http://203.0.113.8/'])
    expect(exitCodes).toEqual([0])
    // The balancer took the connection, not the node.
    expect(events('proxy.route').map((e) => e.netns)).toEqual(['netns:lb/web'])
  })

  it('are guarded by loadBalancerSourceRanges', () => {
    const status = { loadBalancer: { ingress: [{ ip: '203.0.113.8' }] } }
    const guarded = (range: string) => web({ type: 'LoadBalancer', loadBalancerSourceRanges: [range] }, status)
    expect(curl('pod/client', 'http://203.0.113.8/', guarded('10.244.0.0/16'))).toBe('answered')
    expect(curl('pod/client', 'http://203.0.113.8/', guarded('198.51.100.0/24'))).toMatch(/timed out/i)
  })
})
