import { describe, expect, it } from 'vitest'
import { nodePortAddresses } from '../config.ts'
import { endpointsMap } from '../endpoints-map.ts'
import { parseCidrSloppy, parseIpSloppy } from '../ip.ts'
import { servicePorts } from '../service-map.ts'
import { fed, ingress, web } from '../testing.ts'
import { IPTABLES_DEFAULTS, type IptablesProxyConfig } from './config.ts'
import { probability } from './names.ts'
import { canonicalRestoreText, restoreText } from './restore-text.ts'
import { type SyncOptions, syncIptables } from './sync.ts'

/** Rules of one chain, without their comments. */
const chain = (lines: readonly string[], name: RegExp): string[] =>
  lines.filter((l) => name.test(l) && l.startsWith('-A')).map((l) => l.replace(/ -m comment --comment ("[^"]*"|\S+)/, ''))
const EXT = /^-A KUBE-EXT-/
const HASH = 'LOLE4ISW44XBNF3G'

describe('external traffic', () => {
  it('is masqueraded with Cluster policy, for the endpoint may be on another node', () => {
    expect(chain(fed(web({ type: 'NodePort' })), EXT)).toEqual([
      `-A KUBE-EXT-${HASH} -j KUBE-MARK-MASQ`,
      `-A KUBE-EXT-${HASH} -j KUBE-SVC-${HASH}`,
    ])
  })

  it('keeps its source with Local policy, but for the node itself; pods are sent anywhere', () => {
    expect(chain(fed(web({ type: 'NodePort', externalTrafficPolicy: 'Local' })), EXT)).toEqual([
      `-A KUBE-EXT-${HASH} -s 10.244.0.0/16 -j KUBE-SVC-${HASH}`,
      `-A KUBE-EXT-${HASH} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
      `-A KUBE-EXT-${HASH} -m addrtype --src-type LOCAL -j KUBE-SVC-${HASH}`,
      `-A KUBE-EXT-${HASH} -j KUBE-SVL-${HASH}`,
    ])
  })

  it('to a load balancer is let in by source range, and the node itself when a range holds it', () => {
    const ranges = { type: 'LoadBalancer', loadBalancerSourceRanges: [' 198.51.100.0/24', '192.168.1.0/24'] }
    const lines = fed(web(ranges, ingress('203.0.113.8')))
    expect(chain(lines, /^-A KUBE-FW-/)).toEqual([
      `-A KUBE-FW-${HASH} -s 198.51.100.0/24 -j KUBE-EXT-${HASH}`,
      `-A KUBE-FW-${HASH} -s 192.168.1.0/24 -j KUBE-EXT-${HASH}`,
      `-A KUBE-FW-${HASH} -s 203.0.113.8 -j KUBE-EXT-${HASH}`,
      `-A KUBE-FW-${HASH}`,
    ])
    expect(chain(lines, /^-A KUBE-PROXY-FIREWALL/)).toEqual([
      '-A KUBE-PROXY-FIREWALL -m tcp -p tcp -d 203.0.113.8 --dport 80 -j DROP',
    ])
  })
})

describe('a load balancer in ipMode Proxy', () => {
  it('has no rules: what it sends comes to the node ports', () => {
    expect(fed(web({ type: 'LoadBalancer' }, ingress('203.0.113.8', 'Proxy'))).join('\n')).not.toContain('203.0.113.8')
  })
})

describe('a Service without an endpoint', () => {
  const nobody = { selector: { app: 'nobody' }, type: 'NodePort', externalIPs: ['203.0.113.7'] }
  it('is refused at each of its addresses', () => {
    expect(chain(fed(web(nobody)), /-j REJECT/)).toEqual([
      '-A KUBE-SERVICES -m tcp -p tcp -d 10.96.0.10 --dport 80 -j REJECT',
      '-A KUBE-EXTERNAL-SERVICES -m tcp -p tcp -d 203.0.113.7 --dport 80 -j REJECT',
      '-A KUBE-EXTERNAL-SERVICES -m addrtype --dst-type LOCAL -m tcp -p tcp --dport 30080 -j REJECT',
    ])
  })
})

describe('a dual-stack Service', () => {
  const dual = web({ type: 'NodePort', ipFamilies: ['IPv4', 'IPv6'], clusterIPs: ['10.96.0.10', 'fd00:96::10'] })
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-6', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv6',
    ports: [{ port: 8080 }],
    endpoints: [{ addresses: ['2001:db8:0::5'], nodeName: 'node1' }],
  }
  const lines = fed(dual, { family: 'IPv6', objects: [slice] })

  it('has a ruleset of its own per family', () => {
    expect(chain(lines, /--to-destination/)).toEqual([
      '-A KUBE-SEP-2OOOB2OTO3H4A3TO -m tcp -p tcp -j DNAT --to-destination [2001:db8::5]:8080',
    ])
    expect(lines.join('\n')).not.toMatch(/\d+\.\d+\.\d+\.\d+/)
  })

  it('has no node ports on ::1', () => {
    expect(lines.find((l) => l.endsWith('-j KUBE-NODEPORTS'))).toContain('--dst-type LOCAL ! -d ::1/128')
  })
})

// --- settings and syncs ----------------------------------------------------------------------------------------------

const ip = (text: string) => parseIpSloppy(text)
const config = (more: Partial<IptablesProxyConfig> = {}): IptablesProxyConfig => ({
  ...IPTABLES_DEFAULTS,
  family: 'IPv4',
  nodeName: 'node1',
  nodeIP: ip('192.168.1.11'),
  interfaceAddresses: ['127.0.0.1', '192.168.1.11', '198.51.100.4'].flatMap((t) => ip(t) ?? []),
  localDetector: { kind: 'none' },
  masqueradeAll: false,
  masqueradeMark: 0x4000,
  nodePortAddresses: nodePortAddresses('IPv4', []),
  ...more,
})
const slice = (service: string, ...addresses: string[]) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `${service}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
  ports: [{ port: 8080 }],
  endpoints: addresses.map((a) => ({ addresses: [a] })),
})
const svc = (name: string, clusterIP: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { clusterIP, ports: [{ port: 80 }], ...more },
})
const sync = (objects: Parameters<typeof servicePorts>[0], c = config(), options: SyncOptions = {}) => {
  const services = objects.filter((o) => o.kind === 'Service')
  const endpoints = endpointsMap(
    objects.filter((o) => o.kind === 'EndpointSlice'),
    'IPv4',
  )
  return syncIptables(servicePorts(services, 'IPv4'), endpoints, c, options)
}
const linesOf = (s: ReturnType<typeof sync>) => restoreText([s.filter, s.nat]).split('\n')

describe('the share of an endpoint', () => {
  it('is written as Go writes it: what is halfway goes to the even digit', () => {
    expect([2, 3, 6, 1024, 2048, 100001].map(probability)).toEqual([
      ...['0.5000000000', '0.3333333333', '0.1666666667', '0.0009765625', '0.0004882812', '0.0000099999'],
    ])
  })
})

describe('what kube-proxy serves', () => {
  const labelled = (o: object, label: string) => ({
    ...svc('a', '10.96.0.1'),
    ...o,
    metadata: { name: 'a', labels: { [label]: '' } },
  })
  it('is no Service that names another proxy', () => {
    expect(servicePorts([labelled({}, 'service.kubernetes.io/service-proxy-name')], 'IPv4')).toEqual([])
    expect(servicePorts([labelled({}, 'app')], 'IPv4')).toHaveLength(1)
  })

  it('is the living pod where one that is not gone yet had the same address', () => {
    const [port] = servicePorts([svc('a', '10.96.0.1')], 'IPv4')
    const at = (terminating: boolean, nodeName: string) => ({ addresses: ['10.244.1.1'], conditions: { terminating }, nodeName })
    const both = [at(false, 'node2'), at(true, 'node1')]
    for (const endpoints of [both, both.toReversed()]) {
      const found = port === undefined ? [] : endpointsMap([{ ...slice('a'), ports: [{ port: 80 }], endpoints }], 'IPv4')(port)
      expect(found.map((e) => e.nodeName)).toEqual(['node2'])
    }
  })
})

describe('node port addresses', () => {
  const tail = (c: IptablesProxyConfig) =>
    chain(linesOf(sync([], c)), /-j KUBE-NODEPORTS/).map((l) => l.replace('-A KUBE-SERVICES ', ''))
  it('are any local address by default, with or without localhost', () => {
    expect(tail(config())).toEqual(['-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS'])
    expect(tail(config({ localhostNodePorts: false }))).toEqual([
      '-m addrtype --dst-type LOCAL ! -d 127.0.0.0/8 -j KUBE-NODEPORTS',
    ])
  })

  it('are those of the given blocks', () => {
    const only = { nodePortAddresses: nodePortAddresses('IPv4', ['192.168.0.0/16', '127.0.0.0/8', '2001:db8::/32']) }
    expect(tail(config(only))).toEqual(['-d 192.168.1.11 -j KUBE-NODEPORTS', '-d 127.0.0.1 -j KUBE-NODEPORTS'])
    expect(tail(config({ ...only, localhostNodePorts: false }))).toEqual(['-d 192.168.1.11 -j KUBE-NODEPORTS'])
  })
})

describe('the local detector', () => {
  const masq = (localDetector: IptablesProxyConfig['localDetector'], masqueradeAll = false) =>
    chain(
      linesOf(sync([svc('a', '10.96.0.1'), slice('a', '10.244.1.1')], config({ localDetector, masqueradeAll }))),
      /^-A KUBE-SVC-.*MARK-MASQ/,
    ).map((l) => l.replace(/^.*--dport 80 ?/, ''))
  it('tells pods by their range, their bridge or their interfaces; without one, nothing can be told', () => {
    const cidr = parseCidrSloppy('10.244.0.0/16')
    expect(cidr && masq({ kind: 'cidr', cidr })).toEqual(['! -s 10.244.0.0/16 -j KUBE-MARK-MASQ'])
    expect(masq({ kind: 'bridge-interface', name: 'cbr0' })).toEqual(['! -i cbr0 -j KUBE-MARK-MASQ'])
    expect(masq({ kind: 'interface-name-prefix', prefix: 'veth' })).toEqual(['! -i veth+ -j KUBE-MARK-MASQ'])
    expect(masq({ kind: 'none' })).toEqual([])
    expect(masq({ kind: 'none' }, true)).toEqual(['-j KUBE-MARK-MASQ'])
  })
})

describe('a partial sync', () => {
  const before = [svc('a', '10.96.0.1'), slice('a', '10.244.1.1'), svc('b', '10.96.0.2'), slice('b', '10.244.1.2')]
  const { active } = sync(before)

  it('writes the chains of what changed, and all that dispatches', () => {
    const after = [...before.slice(0, 3), slice('b', '10.244.1.3')]
    const lines = linesOf(sync(after, config(), { changed: new Set(['default/b']), existing: active }))
    expect(chain(lines, /--to-destination/)).toEqual([expect.stringContaining('10.244.1.3:8080')])
    expect(chain(lines, /^-A KUBE-SERVICES .*KUBE-SVC/)).toHaveLength(2)
    const removed = lines.filter((l) => l.startsWith('-X'))
    expect(removed).toHaveLength(1)
    expect(lines).toContain(`:${removed[0]?.slice(3)} - [0:0]`)
  })

  it('removes the chains of a Service that is gone, at once or, in a large cluster, when their time has come', () => {
    const gone = (c: IptablesProxyConfig, cleanupDue = false) =>
      linesOf(sync(before.slice(0, 2), c, { changed: new Set(['default/b']), existing: active, cleanupDue })).filter((l) =>
        l.startsWith('-X'),
      )
    expect(gone(config())).toHaveLength(2)
    expect(gone(config({ largeClusterEndpoints: 0 }))).toEqual([])
    expect(gone(config({ largeClusterEndpoints: 0 }), true)).toHaveLength(2)
  })
})

describe('the canonical order', () => {
  it('does not depend on the order of Services', () => {
    const objects = [
      svc('a', '10.96.0.1'),
      svc('b', '10.96.0.2', { type: 'NodePort' }),
      slice('a', '10.244.1.1'),
      slice('b', '10.244.1.2'),
    ]
    const services = servicePorts(objects.slice(0, 2), 'IPv4')
    const endpoints = endpointsMap(objects.slice(2), 'IPv4')
    const text = (ports: typeof services) => {
      const { filter, nat } = syncIptables(ports, endpoints, config())
      return canonicalRestoreText(restoreText([filter, nat]))
    }
    expect(text(services.toReversed())).toBe(text(services))
  })
})
