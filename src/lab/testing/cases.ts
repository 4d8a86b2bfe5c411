import { clientPod, cluster, scenario, TWO_NODES, WEB_IP, WEB_SERVICE, webPod } from '../../library/parts.ts'
import { ingressController } from '../../library/ways-in.ts'
import type { ClusterConfig, Manifest, ScenarioDocument } from '../../scenario/document.ts'

// Scenarios that nobody plays: corners of the engine, each on a real kernel too.

export interface TestCase {
  readonly id: string
  readonly document: ScenarioDocument
}

const echoPod = (name: string, nodeName: string, podIP: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'echo' } },
  spec: { nodeName, containers: [{ name: 'echo', image: 'busybox', ports: [{ containerPort: 7777, protocol: 'UDP' }] }] },
  status: { podIP },
})

const ECHO_SERVICE: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'echo' },
  spec: { clusterIP: '10.96.0.20', selector: { app: 'echo' }, ports: [{ port: 7, targetPort: 7777, protocol: 'UDP' }] },
}

const NODE_PORT: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: {
    type: 'NodePort',
    clusterIP: WEB_IP,
    selector: { app: 'web' },
    ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }],
  },
}

const client = clientPod('client', 'node1', '10.244.1.2')
const near = webPod('near', 'node1', '10.244.1.3')
const far = webPod('far', 'node2', '10.244.2.2')
const base = [...TWO_NODES, client]

type Given = Omit<Parameters<typeof scenario>[0], 'title' | 'journeys'>

const kase = (id: string, runs: readonly (string | readonly [from: string, run: string])[], given: Given): TestCase => ({
  id,
  document: scenario({
    ...given,
    title: id,
    journeys: runs.map((r) => (typeof r === 'string' ? { from: 'pod/client', run: r } : { from: r[0], run: r[1] })),
  }),
})

const filter = (...rules: string[]): string =>
  ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n')
const raw = (...rules: string[]): string =>
  ['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n')
const nat = (...rules: string[]): string =>
  ['*nat', ...['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'].map((c) => `:${c} ACCEPT [0:0]`), ...rules, 'COMMIT', ''].join(
    '\n',
  )
const mangle = (...rules: string[]): string =>
  [
    '*mangle',
    ...['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].map((c) => `:${c} ACCEPT [0:0]`),
    ...rules,
    'COMMIT',
    '',
  ].join('\n')

/** A Service without a selector, with the endpoints that somebody wrote for it. */
const handWritten = (name: string, ...addresses: string[]): Manifest[] => [
  { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80, targetPort: 8080 }] } },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: addresses.map((a) => ({ addresses: [a] })),
  },
]

const ingressRule = (host: string, ...paths: [path: string, service: string, pathType?: string][]) => ({
  host,
  http: {
    paths: paths.map(([path, name, pathType = 'Prefix']) => ({
      path,
      pathType,
      backend: { service: { name, port: { number: 80 } } },
    })),
  },
})

const USERSPACE: ClusterConfig = { ...cluster(), kubeProxy: { mode: 'userspace' } }

export const CASES: readonly TestCase[] = [
  kase('tcp-closed-port', ['curl http://10.244.2.2:81/', 'curl http://10.244.1.3:81/'], { objects: [...base, near, far] }),
  kase('udp-echo-service', ['echo hello | nc -u -w 1 10.96.0.20 7'], {
    objects: [...base, echoPod('echo', 'node2', '10.244.2.3'), ECHO_SERVICE],
  }),
  kase('udp-closed-port', ['echo hello | nc -u -w 1 10.244.2.2 99'], { objects: [...base, far] }),
  kase('node-to-service', [['node1', `curl http://${WEB_IP}/`]], { objects: [...TWO_NODES, far, WEB_SERVICE] }),
  kase('node-to-service-local', [['node1', `curl http://${WEB_IP}/`]], { objects: [...TWO_NODES, near, WEB_SERVICE] }),
  kase('node-port-from-other-node', [['node1', 'curl http://192.168.1.12:30080/']], { objects: [...TWO_NODES, near, NODE_PORT] }),
  kase('node-port-from-pod', ['curl http://192.168.1.12:30080/'], { objects: [...base, far, NODE_PORT] }),
  kase('hairpin', [['pod/near', `curl --max-time 2 http://${WEB_IP}/`]], { objects: [...TWO_NODES, near, WEB_SERVICE] }),
  kase('pod-to-node', ['ping -c 1 192.168.1.11', 'ping -c 1 192.168.1.12', 'ping -c 1 10.244.1.1'], { objects: base }),
  kase('ping-ttl', ['ping -c 1 -t 1 10.244.2.2', 'ping -c 1 -t 2 10.244.2.2'], { objects: [...base, far] }),
  kase('ping-fragments', ['ping -c 2 -s 3000 10.244.2.2'], { objects: [...base, far] }),
  kase('ping-fragments-bridged', ['ping -c 2 -s 3000 10.244.1.3'], { objects: [...base, near] }),
  kase('ping-too-big', ['ping -c 1 -s 3000 -M do 10.244.2.2'], { objects: [...base, far] }),
  kase('ping-nobody-near', ['ping -c 1 10.244.1.77'], { objects: [...base, near] }),
  kase('ping-nobody-far', ['ping -c 2 10.244.2.77'], { objects: [...base, far] }),
  kase('ping-internet', ['ping -c 2 198.51.100.10'], { objects: base }),
  kase('cloud-internet', ['curl http://198.51.100.10/'], { objects: base, cluster: cluster('cloud') }),
  kase('cloud-service', [`curl http://${WEB_IP}/`], { objects: [...base, far, WEB_SERVICE], cluster: cluster('cloud') }),
  kase('reject-reset', ['curl http://10.244.2.2:8080/'], {
    objects: [...base, far],
    overrides: { node2: { iptables: filter('-A FORWARD -p tcp -m tcp --dport 8080 -j REJECT --reject-with tcp-reset') } },
  }),
  kase('reject-prohibited', ['curl http://10.244.2.2:8080/'], {
    objects: [...base, far],
    overrides: {
      node1: { iptables: filter('-A FORWARD -p tcp -m tcp --dport 8080 -j REJECT --reject-with icmp-admin-prohibited') },
    },
  }),
  kase('drop-input', [['node1', 'ping -c 2 192.168.1.12']], {
    objects: TWO_NODES,
    overrides: { node2: { iptables: filter('-A INPUT -p icmp -m icmp --icmp-type 8 -j DROP') } },
  }),
  kase('output-drop', [['node1', 'ping -c 1 192.168.1.12']], {
    objects: TWO_NODES,
    overrides: { node1: { iptables: filter('-A OUTPUT -p icmp -j DROP') } },
  }),
  kase('notrack', ['curl http://10.244.2.2:8080/'], {
    objects: [...base, far],
    overrides: { node2: { iptables: raw('-A PREROUTING -j NOTRACK', '-A OUTPUT -j NOTRACK') } },
  }),
  kase('marks', ['curl http://10.244.2.2:8080/'], {
    objects: [...base, far],
    overrides: {
      node1: {
        iptables: mangle(
          '-A PREROUTING -m conntrack --ctstate NEW -j MARK --set-xmark 0x10/0xff',
          '-A PREROUTING -m mark --mark 0x10/0xff -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff',
          '-A PREROUTING -m connmark --mark 0x10/0xff -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff',
          '-A FORWARD -p tcp -m mark --mark 0x10/0xff -m multiport --ports 8080,9090 -j ACCEPT',
        ),
      },
    },
  }),
  kase('rp-filter-strict', [['internet', 'ping -c 1 203.0.113.11']], {
    objects: TWO_NODES,
    overrides: { node1: { sysctl: { 'net.ipv4.conf.all.rp_filter': '1' } } },
  }),
  kase('echo-ignored', ['ping -c 2 -W 1 192.168.1.12'], {
    objects: base,
    overrides: { node2: { sysctl: { 'net.ipv4.icmp_echo_ignore_all': '1' } } },
  }),
  kase('ping-long', ['ping -c 8 10.244.2.2'], { objects: [...base, far] }),
  kase(
    'http-verbs',
    [
      'curl -I http://10.244.2.2:8080/',
      'curl -d a=b http://10.244.2.2:8080/',
      "curl -H 'Connection: close' http://10.244.2.2:8080/",
    ],
    {
      objects: [...base, far],
    },
  ),
  kase('nc-tcp', ['echo hello | nc -w 2 10.244.2.2 8080'], { objects: [...base, far] }),
  kase('source-nat', ['curl http://10.244.2.2:8080/', 'ping -c 1 10.244.2.2', 'echo a | nc -u -w 1 10.244.2.2 99'], {
    objects: [...base, far],
    overrides: { node1: { iptables: nat('-A POSTROUTING -s 10.244.1.0/24 -o eth0 -j SNAT --to-source 192.168.1.11') } },
  }),
  kase('redirect', ['curl http://192.0.2.1:9999/'], {
    objects: [...base, far],
    overrides: {
      node1: { iptables: nat('-A PREROUTING -p tcp -m tcp --dport 9999 -j REDIRECT --to-ports 81') },
    },
  }),
  kase(
    'dnat-output',
    [
      ['node1', 'curl http://192.0.2.1:9999/'],
      ['node1', 'ping -c 1 192.0.2.1'],
    ],
    {
      objects: [...TWO_NODES, far],
      overrides: {
        node1: {
          iptables: nat(
            '-A OUTPUT -d 192.0.2.1/32 -p tcp -j DNAT --to-destination 10.244.2.2:8080',
            '-A OUTPUT -d 192.0.2.1/32 -j DNAT --to-destination 10.244.2.2',
          ),
        },
      },
    },
  ),
  kase('limit-and-log', ['ping -c 4 -i 0.2 10.244.2.2'], {
    objects: [...base, far],
    overrides: {
      node2: {
        iptables: filter(
          '-A FORWARD -p icmp -m icmp --icmp-type 8 -m limit --limit 1/min --limit-burst 2 -j LOG --log-prefix "echo "',
          '-A FORWARD -p icmp -m icmp --icmp-type 8 -m recent --set --name seen --mask 255.255.255.255 --rsource',
          '-A FORWARD -p icmp -m icmp --icmp-type 8 -m recent --rcheck --seconds 60 --hitcount 3 --name seen --mask 255.255.255.255 --rsource -j DROP',
        ),
      },
    },
  }),
  kase('syn-ack-lost', ['curl --max-time 2 http://10.244.2.2:8080/'], {
    objects: [...base, far],
    overrides: { node1: { iptables: filter('-A FORWARD -p tcp -m tcp --tcp-flags SYN,ACK SYN,ACK -j DROP') } },
  }),
  kase('syn-linear', ['curl --max-time 6 http://10.244.2.2:8080/'], {
    objects: [...base, far],
    overrides: {
      'pod/client': { sysctl: { 'net.ipv4.tcp_syn_linear_timeouts': '4' } },
      node1: { iptables: filter('-A FORWARD -p tcp -m tcp --dport 8080 -j DROP') },
    },
  }),
  kase('data-lost', ['curl --max-time 2 http://10.244.2.2:8080/'], {
    objects: [...base, far],
    overrides: { node1: { iptables: filter('-A FORWARD -p tcp -m tcp --tcp-flags PSH PSH -j DROP') } },
  }),
  kase('output-reject', [['node1', 'curl http://10.244.2.2:8080/']], {
    objects: [...TWO_NODES, far],
    overrides: {
      node1: { iptables: filter('-A OUTPUT -p tcp -m tcp --dport 8080 -j REJECT --reject-with icmp-port-unreachable') },
    },
  }),
  kase('input-reject-reset', ['curl http://192.168.1.12:22/'], {
    objects: base,
    overrides: { node2: { iptables: filter('-A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset') } },
  }),
  kase(
    'userspace-reach',
    [
      ['node2', 'curl http://192.168.1.11:30080/'],
      ['internet', 'curl http://203.0.113.11:30080/'],
      ['pod/client', 'curl http://192.168.1.12:30080/'],
    ],
    { cluster: USERSPACE, objects: [...base, near, far, NODE_PORT] },
  ),
  kase('userspace-from-node', [['node1', `curl http://${WEB_IP}/`]], {
    cluster: USERSPACE,
    objects: [...base, far, WEB_SERVICE],
  }),
  kase('userspace-udp', ['echo hello | nc -u -w 1 10.96.0.20 7', ['node1', 'echo again | nc -u -w 1 10.96.0.20 7']], {
    cluster: USERSPACE,
    objects: [...base, echoPod('echo', 'node2', '10.244.2.4'), ECHO_SERVICE],
  }),
  kase('userspace-dead-endpoint', [`curl http://${WEB_IP}/`, `curl http://${WEB_IP}/`], {
    cluster: USERSPACE,
    objects: [
      ...base,
      far,
      { ...WEB_SERVICE, spec: { clusterIP: WEB_IP, ports: [{ port: 80, targetPort: 8080 }] } },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        ports: [{ name: '', port: 8080, protocol: 'TCP' }],
        endpoints: [{ addresses: ['10.244.2.2'] }, { addresses: ['192.168.1.12'] }],
      },
    ],
  }),
  kase(
    'ingress-paths',
    [
      `curl -i -H 'Host: shop.example' -H 'X-Forwarded-For: 1.2.3.4' http://10.244.1.9/a http://10.244.1.9/none http://10.244.1.9/exact`,
      `curl -H 'Host: shop.example' -d 'x=1' http://10.244.1.9/dead`,
      `curl -I -H 'Host: x.shop.example' http://10.244.1.9/`,
    ],
    {
      objects: [
        ...base,
        far,
        ...ingressController('node1', '10.244.1.9'),
        WEB_SERVICE,
        ...handWritten('dead', '10.244.2.2', '192.168.1.12'),
        ...handWritten('none'),
        {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'Ingress',
          metadata: { name: 'shop' },
          spec: {
            ingressClassName: 'nginx',
            rules: [
              ingressRule('shop.example', ['/', 'web'], ['/dead', 'dead'], ['/none', 'none'], ['/exact', 'web', 'Exact']),
              ingressRule('*.shop.example', ['/', 'web', 'ImplementationSpecific']),
            ],
          },
        },
      ],
    },
  ),
  kase(
    'alb-ip',
    [
      ['internet', `curl -H 'Host: shop.example' http://203.0.113.200:8080/`],
      ['internet', `curl -i -H 'Host: other.example' http://203.0.113.200:8080/`],
      ['node1', `curl -H 'Host: shop.example' http://203.0.113.200:8080/`],
    ],
    {
      cluster: cluster('cloud'),
      objects: [
        ...TWO_NODES,
        near,
        far,
        WEB_SERVICE,
        {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'Ingress',
          metadata: {
            name: 'shop',
            annotations: {
              'alb.ingress.kubernetes.io/scheme': 'internet-facing',
              'alb.ingress.kubernetes.io/target-type': 'ip',
              'alb.ingress.kubernetes.io/listen-ports': '[{"HTTP": 8080}]',
            },
          },
          spec: { ingressClassName: 'alb', rules: [ingressRule('shop.example', ['/', 'web'])] },
        },
      ],
    },
  ),
]
