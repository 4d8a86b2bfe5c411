import { DNS_IP, NAMED_WEB } from '../../library/dns-parts.ts'
import { scenario } from '../../library/parts.ts'
import type { TestCase } from './cases.ts'

// Programs that ask for names, as they are on a machine: glibc's getent, BIND's nslookup.

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
  kase('names-getent', 'getent hosts web', 'getent ahostsv4 web.default', 'getent hosts 10.96.0.80', 'getent hosts nobody'),
]
