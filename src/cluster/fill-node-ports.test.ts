import { describe, expect, it } from 'vitest'
import { fillIn } from './fill-in.ts'
import { documentOf, errorsOf, node, service } from './testing.ts'

const portsOf = (...specs: readonly object[]) => {
  const c = fillIn(documentOf([node('n'), ...specs.map((s, i) => service(`s${i}`, s))]))
  if (!c.ok) throw new Error(JSON.stringify(c.error))
  return c.value.services.map((s) => s.ports.map((p) => p.nodePort))
}

describe('node ports that nobody chose', () => {
  it('come from the range, above the band that people choose from', () => {
    for (const port of portsOf({ type: 'NodePort', ports: [{ port: 80 }] })[0] ?? []) {
      expect(port).toBeGreaterThanOrEqual(30086)
      expect(port).toBeLessThanOrEqual(32767)
    }
  })

  it('are one for all protocols of a port, and one each for the rest', () => {
    const dns = {
      type: 'NodePort',
      ports: [
        { name: 'u', port: 53, protocol: 'UDP' },
        { name: 't', port: 53 },
        { name: 'm', port: 9153 },
      ],
    }
    const [[udp, tcp, metrics] = []] = portsOf(dns)
    expect(udp).toBe(tcp)
    expect(metrics).not.toBe(udp)
  })

  it('are not given to cluster IPs, nor to load balancers that do without', () => {
    expect(portsOf({ ports: [{ port: 80 }] })).toEqual([[undefined]])
    expect(portsOf({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] })).toEqual([[undefined]])
  })

  it('are refused when two Services ask for the same, by path', () => {
    const asked = { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }
    expect(errorsOf(documentOf([node('n'), service('a', asked), service('b', asked)]))).toEqual([
      'objects[2].spec.ports[0].nodePort: 30080 is the node port of Service default/a already; expected a port of its own',
    ])
  })
})

describe('a Service of IPv6 alone', () => {
  it('is kept and gets no IPv4 address', () => {
    const spec = { ipFamilies: ['IPv6'], clusterIP: 'fd00::10', clusterIPs: ['fd00::10'], ports: [{ port: 80 }] }
    const c = fillIn(documentOf([node('n'), service('web', spec)]))
    expect(c.ok && c.value.services.map((s) => s.clusterIP)).toEqual([undefined])
  })
})
