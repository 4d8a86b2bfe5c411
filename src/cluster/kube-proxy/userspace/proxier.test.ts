import { describe, expect, it } from 'vitest'
import { parseIptablesSave, printIptablesSave, toRecords } from '../../../linux/iptables-save.ts'
import { formatTextError } from '../../../linux/text.ts'
import type { ScenarioDocument } from '../../../scenario/document.ts'
import { documentOf, node, service, viewOfDocument } from '../../testing.ts'
import { kubeProxyText } from '../feed.ts'

const document = (...services: Parameters<typeof documentOf>[0]): ScenarioDocument => {
  const d = documentOf([node('node1', '10.244.1.0/24', '192.168.1.11'), ...services])
  return { ...d, cluster: { ...d.cluster, kubeProxy: { mode: 'userspace' } } }
}
const web = (spec: object = {}) => service('web', { clusterIP: '10.96.0.10', ports: [{ port: 80, targetPort: 8080 }], ...spec })

function text(d: ScenarioDocument): string[] {
  const t = kubeProxyText(d, { node: 'node1', mode: 'userspace', family: 'IPv4' })
  if (!t.ok) throw new Error(t.error.map((e) => e.message).join())
  // The port is the kernel's choice.
  return t.value
    .trimEnd()
    .split('\n')
    .map((l) => l.replaceAll(/\b(3[3-9]|[45]\d)\d{3}\b/g, 'PORT'))
}
const rulesOf = (lines: readonly string[], chain: string) =>
  lines.flatMap((l) => (l.startsWith(`iptables -w 5 -A ${chain} `) ? [l.slice(`iptables -w 5 -A ${chain} -t `.length)] : []))

describe('the rules of the userspace proxier', () => {
  it('redirect what pods send to a cluster IP, and rewrite what the node itself sends', () => {
    const lines = text(document(web()))
    const match = 'nat -m comment --comment default/web -p tcp -m tcp --dport 80 -d 10.96.0.10/32'
    expect(rulesOf(lines, 'KUBE-PORTALS-CONTAINER')).toEqual([`${match} -j REDIRECT --to-ports PORT`])
    expect(rulesOf(lines, 'KUBE-PORTALS-HOST')).toEqual([`${match} -j DNAT --to-destination 192.168.1.11:PORT`])
    expect(rulesOf(lines, 'KUBE-NODEPORT-CONTAINER')).toEqual([])
  })

  it('take an external IP from the wire, or where it is the node’s own', () => {
    const lines = text(document(web({ externalIPs: ['1.2.3.4'] })))
    const match = 'nat -m comment --comment default/web -p tcp -m tcp --dport 80 -d 1.2.3.4/32'
    expect(rulesOf(lines, 'KUBE-PORTALS-CONTAINER').slice(1)).toEqual([
      `${match} -m physdev ! --physdev-is-in -j REDIRECT --to-ports PORT`,
      `${match} -m addrtype --dst-type LOCAL -j REDIRECT --to-ports PORT`,
    ])
    expect(rulesOf(lines, 'KUBE-PORTALS-HOST').slice(1)).toEqual([
      `${match} -m addrtype --dst-type LOCAL -j DNAT --to-destination 192.168.1.11:PORT`,
    ])
  })

  it('open node ports for local destinations, last of all, and let their traffic in', () => {
    const lines = text(
      document(web({ type: 'NodePort', ports: [{ name: 'http', port: 80, targetPort: 8080, nodePort: 30080 }] })),
    )
    const match = '-m comment --comment default/web:http -p tcp -m tcp'
    expect(rulesOf(lines, 'KUBE-NODEPORT-CONTAINER')).toEqual([`nat ${match} --dport 30080 -j REDIRECT --to-ports PORT`])
    expect(rulesOf(lines, 'KUBE-NODEPORT-HOST')).toEqual([
      `nat ${match} --dport 30080 -j DNAT --to-destination 192.168.1.11:PORT`,
    ])
    expect(rulesOf(lines, 'KUBE-NODEPORT-NON-LOCAL')).toEqual([`filter ${match} --dport PORT -m state --state NEW -j ACCEPT`])
    expect(rulesOf(lines, 'PREROUTING')).toEqual([
      'nat -m addrtype --dst-type LOCAL -m comment --comment "handle service NodePorts; NOTE: this must be the last rule in the chain" -j KUBE-NODEPORT-CONTAINER',
    ])
  })

  it('are, in the world, what iptables reads from their own listing', () => {
    const view = viewOfDocument(
      document(web({ type: 'NodePort', externalIPs: ['1.2.3.4'] }), service('dns', { ports: [{ port: 53, protocol: 'UDP' }] })),
    )
    const listing = printIptablesSave(view, 'netns:node1', { header: false })
    const parsed = parseIptablesSave(listing)
    if (!parsed.ok) throw new Error(formatTextError(parsed.error))
    const specs = toRecords('node1', parsed.value, { component: 'user' }).flatMap((r) =>
      r.kind === 'rule' ? [[r.id, r.spec] as const] : [],
    )
    expect(specs.length).toBeGreaterThan(12)
    for (const [id, spec] of specs) expect(view.get('rule', id)?.spec).toEqual(spec)
  })
})

describe('the process', () => {
  it('holds a socket for each service port, and one that keeps each node port from others', () => {
    const view = viewOfDocument(
      document(
        web({ type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }),
        service('dns', { ports: [{ port: 53, protocol: 'UDP' }] }),
      ),
    )
    const process = view.list('process', 'netns:node1').find((p) => p.argv[0] === 'kube-proxy')
    expect(process?.argv).toEqual(['kube-proxy', '--proxy-mode=userspace'])
    const sockets = view.list('socket', 'netns:node1')
    expect(sockets.map((s) => [s.protocol, s.state, s.origin.object?.name, s.origin.detail, s.process === process?.id])).toEqual([
      ['udp', 'UNCONN', 'dns', 'proxyPort', true],
      ['tcp', 'LISTEN', 'web', 'proxyPort', true],
      ['tcp', 'LISTEN', 'web', 'nodePort', true],
    ])
    expect(sockets[2]?.local.port).toBe(30080)
  })
})
