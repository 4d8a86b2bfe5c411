import { type Fields, objectAt } from '../../base/fields.ts'
import { DNS_IP, NAMED_WEB } from '../../library/dns-parts.ts'
import { clientPod, scenario } from '../../library/parts.ts'
import type { Manifest } from '../../scenario/document.ts'
import type { TestCase } from './cases.ts'

// Programs that ask for names, as they are on a machine: glibc's getent, BIND's nslookup.

/** A headless Service of forty addresses outside of the cluster, and a pod whose resolver asks over TCP alone. */
const MANY: readonly Manifest[] = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'many' },
    spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'many-1', labels: { 'kubernetes.io/service-name': 'many' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    endpoints: Array.from({ length: 40 }, (_, i) => ({ addresses: [`198.51.100.${i + 60}`], conditions: { ready: true } })),
  },
  withDnsOptions(clientPod('careful', 'node2', '10.244.2.4'), [{ name: 'use-vc' }]),
]

function withDnsOptions(pod: Manifest, options: readonly Fields[]): Manifest {
  return { ...pod, spec: { ...objectAt(pod, 'spec'), dnsConfig: { options } } }
}

const kase = (id: string, ...runs: readonly string[]): TestCase => ({
  id,
  document: scenario({ title: id, objects: NAMED_WEB, journeys: runs.map((run) => ({ from: 'pod/client', run })) }),
})

export const DNS_CASES: readonly TestCase[] = [
  kase(
    'names-nslookup',
    'nslookup web',
    `nslookup web.default.svc.cluster.local ${DNS_IP}`,
    'nslookup -type=SRV _http._tcp.web.default.svc.cluster.local',
    'nslookup 10.96.0.80',
    'nslookup nobody.default',
  ),
  // More addresses than fit into 512 bytes: the answer is cut, and asked for again over TCP.
  {
    id: 'names-over-tcp',
    document: scenario({
      title: 'names-over-tcp',
      objects: [...NAMED_WEB, ...MANY],
      journeys: [
        { from: 'pod/client', run: 'dig +tcp web.default.svc.cluster.local' },
        { from: 'pod/client', run: 'dig +noedns many.default.svc.cluster.local' },
        { from: 'pod/client', run: 'getent ahostsv4 many' },
        { from: 'pod/client', run: 'nslookup -type=A many.default.svc.cluster.local' },
        { from: 'pod/careful', run: 'curl http://web/' },
      ],
    }),
  },
  kase('names-getent', 'getent hosts web', 'getent ahostsv4 web.default', 'getent hosts 10.96.0.80', 'getent hosts nobody'),
]
