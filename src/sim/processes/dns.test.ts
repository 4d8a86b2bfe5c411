import { describe, expect, it } from 'vitest'
import { playOf } from '../../cluster/play.ts'
import { NAMED, NAMED_WEB } from '../../library/dns-parts.ts'
import { clientPod, cluster, scenario } from '../../library/parts.ts'
import { dnsBrief } from '../../net/dns-brief.ts'
import type { Manifest, ScenarioDocument } from '../../scenario/document.ts'
import { STEP } from '../../trace/columns.ts'
import { TraceReader } from '../../trace/reader.ts'
import { PACKET_ORIGINS } from '../../trace/step.ts'
import { run } from '../run.ts'

const FROM_SOCKET = PACKET_ORIGINS.indexOf('socket')

/** Runs commands in pod/client: what each printed, and the questions that left its own sockets. */
function play(objects: readonly Manifest[], runs: readonly string[], more: Partial<ScenarioDocument> = {}) {
  const document = scenario({
    title: 'names',
    objects,
    journeys: runs.map((r) => ({ from: 'pod/client', run: r })),
    ...more,
  })
  const played = playOf(document)
  if (!played.ok) throw new Error(played.error.map((e) => e.message).join('; '))
  const { world, journeys } = played.value
  const reader = new TraceReader(run(world, journeys, { seed: document.seed }))
  const { events: e, refs } = reader.trace
  const asked = (place: string) => {
    const out: { question: string; ms: number; from: number }[] = []
    for (let s = 0; s < e.length; s++) {
      if (e.kind[s] !== STEP.born || e.a[s] !== FROM_SOCKET || refs[e.netns[s] ?? -1] !== `netns:${place}`) continue
      const p = reader.packetAt(reader.packetOf(s), s)
      const brief = dnsBrief(p)
      if (brief !== undefined && !brief.response)
        out.push({ question: `${brief.type} ${brief.name}`, ms: Math.round(reader.timeOf(s) / 1e6), from: p.sport })
    }
    return out
  }
  return { outputs: reader.trace.journeys.map((j) => j.output), codes: reader.trace.journeys.map((j) => j.exitCode), asked }
}

const withDns = (dnsConfig: unknown, dnsPolicy = 'ClusterFirst'): readonly Manifest[] =>
  NAMED_WEB.map((m) =>
    m.metadata.name === 'client' ? { ...m, spec: { ...(m.spec as Record<string, unknown>), dnsPolicy, dnsConfig } } : m,
  )

describe('a name in a pod', () => {
  it('is asked for with the suffixes of the search list first, A and AAAA from one socket', () => {
    const r = play(NAMED, ['curl http://api.example.com/'])
    const asked = r.asked('pod/client')
    expect(asked.map((a) => a.question)).toEqual([
      'A api.example.com.default.svc.cluster.local.',
      'AAAA api.example.com.default.svc.cluster.local.',
      'A api.example.com.svc.cluster.local.',
      'AAAA api.example.com.svc.cluster.local.',
      'A api.example.com.cluster.local.',
      'AAAA api.example.com.cluster.local.',
      'A api.example.com.',
      'AAAA api.example.com.',
    ])
    expect(asked[0]?.from).toBe(asked[1]?.from)
    expect(asked[1]?.from).not.toBe(asked[2]?.from)
    expect(r.outputs[0]).toContain('Hostname: internet')
  })

  it('is asked for as it is when a dot ends it, or when it has ndots dots', () => {
    expect(play(NAMED, ['curl http://api.example.com./']).asked('pod/client').length).toBe(2)
    const few = withDns({ options: [{ name: 'ndots', value: '2' }] })
    const asked = play(few, ['curl http://api.example.com/']).asked('pod/client')
    expect(asked.map((a) => a.question)).toEqual(['A api.example.com.', 'AAAA api.example.com.'])
  })

  it('asks one after the other with single-request, and from a socket each with single-request-reopen', () => {
    const one = play(withDns({ options: [{ name: 'single-request' }] }), ['curl http://web/']).asked('pod/client')
    expect(one.map((a) => a.from)).toEqual([one[0]?.from, one[0]?.from])
    const two = play(withDns({ options: [{ name: 'single-request-reopen' }] }), ['curl http://web/']).asked('pod/client')
    expect(new Set(two.map((a) => a.from)).size).toBe(2)
  })

  it('waits five seconds twice for a server that is silent, then tries the name as it was typed', () => {
    const silent = { overrides: { node2: { sysctl: { 'net.ipv4.ip_forward': '0' } } } }
    const r = play(NAMED_WEB, ['curl http://web/'], silent)
    expect(r.asked('pod/client').map((a) => `${a.ms} ${a.question}`)).toEqual([
      '0 A web.default.svc.cluster.local.',
      '0 AAAA web.default.svc.cluster.local.',
      '5000 A web.default.svc.cluster.local.',
      '5000 AAAA web.default.svc.cluster.local.',
      '10000 A web.',
      '10000 AAAA web.',
      '15000 A web.',
      '15000 AAAA web.',
    ])
    expect([r.outputs[0], r.codes[0]]).toEqual(['curl: (6) Could not resolve host: web\n', 6])
  })

  it('goes to the second server when the first is silent', () => {
    const two = withDns({ nameservers: ['192.168.1.99', '10.96.0.10'], searches: ['default.svc.cluster.local'] }, 'None')
    const r = play(two, ['curl http://web/'])
    expect(r.asked('pod/client').map((a) => a.ms)).toEqual([0, 0, 5000, 5000])
    expect(r.outputs[0]).toContain('Hostname: web')
  })

  it('is given up when curl has waited as long as it may', () => {
    const silent = { overrides: { node2: { sysctl: { 'net.ipv4.ip_forward': '0' } } } }
    const r = play(NAMED_WEB, ['curl -m 3 http://web/'], silent)
    expect([r.outputs[0], r.codes[0]]).toEqual(['curl: (28) Resolving timed out after 3001 milliseconds\n', 28])
  })

  it('fails at once on a machine without a name server: nobody listens on its own port 53', () => {
    const without = { cluster: { ...cluster(), dns: 'none' as const } }
    const r = play(NAMED_WEB.slice(0, 3), ['ping -c 1 web', 'nc -v web 80', 'curl http://localhost/'], without)
    expect(r.outputs[0]).toBe('ping: web: Temporary failure in name resolution\n')
    expect(r.outputs[1]).toBe('nc: getaddrinfo for host "web" port 80: Temporary failure in name resolution\n')
    expect(r.outputs[2]).toContain("Couldn't connect to server")
  })

  it('is asked for again over TCP where the answer does not fit into a datagram, and always with use-vc', () => {
    const many: readonly Manifest[] = [
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
    ]
    const digs = [
      'dig +noedns +noall +answer many.default.svc.cluster.local',
      'dig +noedns +ignore +noall +answer many.default.svc.cluster.local',
      'dig +tcp +noall +stats many.default.svc.cluster.local',
      'getent ahostsv4 many',
    ]
    const r = play([...NAMED_WEB, ...many], digs)
    const lines = (n: number) => (r.outputs[n] ?? '').trim().split('\n')
    expect(lines(0)).toHaveLength(40)
    expect(lines(1).length).toBeLessThan(40)
    expect(r.outputs[2]).toContain('(TCP)')
    expect(lines(3)).toHaveLength(120)
    // A connection is no datagram: with use-vc none leaves the pod.
    const over = play(withDns({ options: [{ name: 'use-vc' }] }), ['curl http://web/'])
    expect(over.codes).toEqual([0])
    expect(over.asked('pod/client')).toEqual([])
  })

  it('is not resolved where the name server takes no connections, and the resolver asks over nothing else', () => {
    const closed = play(withDns({ options: [{ name: 'use-vc' }], nameservers: ['10.244.1.2'] }, 'None'), ['curl http://web/'])
    expect(closed.codes).toEqual([6])
  })

  it('comes from /etc/hosts without a packet where that has it', () => {
    const aliased = [
      ...NAMED,
      {
        ...clientPod('other', 'node1', '10.244.1.9'),
        spec: { nodeName: 'node1', hostAliases: [{ ip: '10.244.1.2', hostnames: ['friend', 'friend.example'] }] },
      },
    ]
    const r = play(aliased, [], { journeys: [{ from: 'pod/other', run: 'ping -c 1 friend.example' }] })
    expect(r.asked('pod/other').map((a) => a.question)).toEqual([])
    expect(r.outputs[0]).toContain('PING friend (10.244.1.2)')
    expect(r.outputs[0]).toContain('64 bytes from friend (10.244.1.2): icmp_seq=1')
  })
})

describe('CoreDNS', () => {
  const external: Manifest = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'shop' },
    spec: { type: 'ExternalName', externalName: 'www.example.com' },
  }

  it('follows an ExternalName out of the cluster, and the resolver there goes from the root downwards', () => {
    const r = play([...NAMED, external], ['dig +short +search shop'])
    expect(r.outputs[0]).toBe('www.example.com.\nexample.com.\n198.51.100.10\n')
    expect(r.asked('pod/kube-system/coredns').map((a) => a.question)).toEqual(['A www.example.com.'])
    expect(r.asked('internet').map((a) => a.question)).toEqual(['A www.example.com.', 'A www.example.com.', 'A www.example.com.'])
  })

  it('keeps what it has learnt for as long as it may, and counts the time down', () => {
    const r = play(NAMED, [
      'dig +noall +answer api.example.com',
      'ping -c 11 -i 1 -q 10.244.2.2',
      'dig +noall +answer api.example.com',
      'ping -c 21 -i 1 -q 10.244.2.2',
      'dig +noall +answer api.example.com',
    ])
    const ttl = (i: number) => Number(r.outputs[i]?.split(/\s+/)[1])
    expect([ttl(0), ttl(2), ttl(4)]).toEqual([30, 20, 30])
    // The resolver outside keeps it longer still.
    expect(r.asked('pod/kube-system/coredns').length).toBe(2)
    expect(r.asked('internet').length).toBe(3)
  })

  it('says NXDOMAIN with the zone’s SOA, and NODATA for a name of another type', () => {
    const r = play(NAMED_WEB, [
      'dig nobody.default.svc.cluster.local',
      'dig web.default.svc.cluster.local AAAA',
      'dig web.nowhere.svc.cluster.local',
    ])
    expect(r.outputs[0]).toContain('status: NXDOMAIN')
    expect(r.outputs[0]).toContain('flags: qr aa rd; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1')
    expect(r.outputs[0]).toContain(
      'cluster.local.\t\t30\tIN\tSOA\tns.dns.cluster.local. hostmaster.cluster.local. 1767225600 7200 1800 86400 30',
    )
    expect(r.outputs[1]).toContain('status: NOERROR')
    expect(r.outputs[1]).toContain('ANSWER: 0, AUTHORITY: 1')
    expect(r.outputs[2]).toContain('status: NXDOMAIN')
  })

  it('names addresses: a cluster IP is its Service, an endpoint has its address with dashes, others are asked for outside', () => {
    const r = play(NAMED_WEB, [
      'dig +short -x 10.96.0.80',
      'dig +short -x 10.244.2.3',
      'dig -x 10.244.1.2',
      'getent hosts 10.96.0.80',
    ])
    expect(r.outputs[0]).toBe('web.default.svc.cluster.local.\n')
    expect(r.outputs[1]).toBe('10-244-2-3.web.default.svc.cluster.local.\n')
    expect(r.outputs[2]).toContain('status: NXDOMAIN')
    expect(r.outputs[2]).toMatch(/\.\s+\d+\s+IN\s+SOA\s+a\.root-servers\.net\./)
    expect(r.outputs[3]).toBe('10.96.0.80      web.default.svc.cluster.local\n')
  })

  it('answers pods by their dashed address, and itself as the zone’s name server', () => {
    const r = play(NAMED_WEB, [
      'dig +short 10-244-2-3.default.pod.cluster.local',
      'dig +short ns.dns.cluster.local',
      'dig +short cluster.local NS',
    ])
    expect(r.outputs).toEqual(['10.244.2.3\n', '10.96.0.10\n', 'ns.dns.cluster.local.\n'])
  })

  it('leaves packets undetermined when its Corefile has a plugin that is not modelled', () => {
    const corefile: Manifest = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'coredns', namespace: 'kube-system' },
      data: { Corefile: '.:53 {\n  rewrite name a b\n  kubernetes cluster.local\n}\n' },
    }
    const r = play([...NAMED_WEB, corefile], ['dig +tries=1 +time=1 web'])
    expect(r.outputs[0]).toContain('timed out')
  })
})

describe('the tools that ask', () => {
  it('dig prints as BIND 9.18 does', () => {
    const r = play(NAMED_WEB, ['dig web.default.svc.cluster.local'])
    expect(r.outputs[0]?.replace(/id: \d+/, 'id: ID').replace(/COOKIE: \w+/, 'COOKIE: C')).toMatchInlineSnapshot(`
      "
      ; <<>> DiG 9.18.33-1~deb12u2-Debian <<>> web.default.svc.cluster.local
      ;; global options: +cmd
      ;; Got answer:
      ;; WARNING: .local is reserved for Multicast DNS
      ;; You are currently testing what happens when an mDNS query is leaked to DNS
      ;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: ID
      ;; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
      ;; WARNING: recursion requested but not available

      ;; OPT PSEUDOSECTION:
      ; EDNS: version: 0, flags:; udp: 1232
      ; COOKIE: C (echoed)
      ;; QUESTION SECTION:
      ;web.default.svc.cluster.local.	IN	A

      ;; ANSWER SECTION:
      web.default.svc.cluster.local. 30 IN	A	10.96.0.80

      ;; Query time: 0 msec
      ;; SERVER: 10.96.0.10#53(10.96.0.10) (UDP)
      ;; WHEN: Thu Jan 01 00:00:00 UTC 2026
      ;; MSG SIZE  rcvd: 115

      "
    `)
  })

  it('nslookup shows its server, the A records, and asks for AAAA after that', () => {
    const r = play(NAMED_WEB, ['nslookup web', 'nslookup nobody', 'nslookup www.example.com.'])
    expect(r.outputs[0]).toBe(
      'Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\nName:\tweb.default.svc.cluster.local\nAddress: 10.96.0.80\n\n',
    )
    expect(r.outputs[1]).toContain("** server can't find nobody: NXDOMAIN\n")
    expect(r.outputs[2]).toContain(
      'Non-authoritative answer:\nwww.example.com\tcanonical name = example.com.\nName:\texample.com\nAddress: 198.51.100.10\n',
    )
    expect(r.codes).toEqual([0, 1, 0])
  })

  it('getent hosts asks for IPv6 along the whole search list before it asks for IPv4', () => {
    const r = play(NAMED_WEB, ['getent hosts web'])
    expect(r.asked('pod/client').map((a) => a.question)).toEqual([
      'AAAA web.default.svc.cluster.local.',
      'AAAA web.svc.cluster.local.',
      'AAAA web.cluster.local.',
      'AAAA web.',
      'A web.default.svc.cluster.local.',
    ])
    expect(r.outputs[0]).toBe('10.96.0.80      web.default.svc.cluster.local\n')
  })

  it('dig says what it could not reach, and exits with 9', () => {
    const r = play(NAMED, ['dig @10.244.2.77 +tries=2 +time=1 x'])
    expect(r.outputs[0]).toContain(';; communications error to 10.244.2.77#53: timed out\n;; communications error')
    expect(r.outputs[0]).toContain('; (1 server found)\n;; global options: +cmd\n;; no servers could be reached\n')
    expect(r.codes[0]).toBe(9)
  })
})
