import { type Mac, maskOf } from '../../net/address.ts'
import { ARP_OP, ETH_P, FIELD, ICMP, IP_DF, IPPROTO, Packet, TCP } from '../../net/packet.ts'
import { quoteDatagram } from '../../net/quote.ts'
import {
  chainId,
  conntrackId,
  deviceId,
  neighbourId,
  netnsId,
  objectId,
  processId,
  type RecordId,
  routeId,
  ruleId,
  sysctlId,
} from '../../world/ids.ts'
import type { ConntrackRecord, NeighbourRecord, Origin, WorldRecord } from '../../world/records.ts'
import { STEP } from '../columns.ts'
import { HOOK } from '../step.ts'
import type { Trace } from '../trace.ts'

import { Tape } from './tape.ts'
import { boot, ip, WorldBuilder } from './world-builder.ts'

const CLIENT_MAC = 0x0a580af40105
const GATEWAY_MAC = 0x0a580af40101

const kubeProxy = (detail: string, kind?: string, name?: string): Origin => ({
  component: 'kube-proxy',
  ...(kind === undefined || name === undefined ? {} : { object: { kind, namespace: 'default', name } }),
  detail,
})

/** pod/client behind node1, whose nat table knows Service default/web (10.96.0.10:80) with two endpoints on 10.244.2.0/24. */
export function serviceWorld(): Map<RecordId, WorldRecord> {
  const host = (text: string) => ({ address: ip(text), mask: maskOf(32), invert: false })
  const tcp = { name: 'tcp', number: 6, invert: false }
  const port = (n: number) => ({ kind: 'tcp', dport: { from: n, to: n, invert: false } }) as const
  const dnat = (to: string) =>
    ({
      kind: 'dnat',
      range: {
        addresses: { from: ip(to), to: ip(to) },
        ports: { from: 8080, to: 8080 },
        random: false,
        randomFully: false,
        persistent: false,
      },
    }) as const
  const b = new WorldBuilder()
  b.netns('node1', 'node').netns('pod/client', 'pod', 'node1').netns('fabric', 'switch')
  b.veth('pod/client', 'eth0', ['node1', 'veth1a2b'], CLIENT_MAC, '10.244.1.5/24')
  b.route('pod/client', 1, { dst: '0.0.0.0/0', dev: 'eth0', via: '10.244.1.1' })
  b.veth('node1', 'veth1a2b', ['pod/client', 'eth0'], GATEWAY_MAC, '10.244.1.1/24')
  b.veth('node1', 'eth0', ['fabric', 'port1'], 0x0242c0a8010b, '192.168.1.11/24')
  b.veth('fabric', 'port1', ['node1', 'eth0'], 0x0242c0a801f1)
  b.route('node1', 1, { dst: '10.244.2.0/24', dev: 'eth0', via: '192.168.1.12' })
  b.add({
    kind: 'sysctl',
    id: sysctlId('node1', 'net.ipv4.ip_forward'),
    netns: netnsId('node1'),
    key: 'net.ipv4.ip_forward',
    value: '1',
    origin: boot,
  })
  b.nat(
    'node1',
    'PREROUTING',
    [
      {
        spec: {
          matches: [{ kind: 'comment', text: 'kubernetes service portals' }],
          target: { kind: 'jump', chain: 'KUBE-SERVICES' },
        },
        origin: kubeProxy('kubernetesServicesChain'),
      },
    ],
    'PREROUTING',
  )
  b.nat('node1', 'POSTROUTING', [], 'POSTROUTING')
  b.nat('node1', 'KUBE-SERVICES', [
    {
      spec: {
        dst: host('10.96.0.1'),
        protocol: tcp,
        matches: [port(443)],
        target: { kind: 'jump', chain: 'KUBE-SVC-NPX46M4PTMTKRN6Y' },
      },
      origin: kubeProxy('clusterIP', 'Service', 'kubernetes'),
    },
    {
      spec: {
        dst: host('10.96.0.10'),
        protocol: tcp,
        matches: [port(80)],
        target: { kind: 'jump', chain: 'KUBE-SVC-LOLE4ISW44XBNF3G' },
      },
      origin: kubeProxy('clusterIP', 'Service', 'web'),
    },
  ])
  b.nat('node1', 'KUBE-SVC-LOLE4ISW44XBNF3G', [
    {
      spec: {
        matches: [{ kind: 'statistic', mode: 'random', probability: 0x40000000, invert: false }],
        target: { kind: 'jump', chain: 'KUBE-SEP-2QBYXQ6CVXKYL3WD' },
      },
      origin: kubeProxy('endpoint', 'Service', 'web'),
    },
    {
      spec: { matches: [], target: { kind: 'jump', chain: 'KUBE-SEP-7XWR4ABCDEFGHIJK' } },
      origin: kubeProxy('endpoint', 'Service', 'web'),
    },
  ])
  b.nat('node1', 'KUBE-SEP-2QBYXQ6CVXKYL3WD', [
    {
      spec: { protocol: tcp, matches: [{ kind: 'tcp' }], target: dnat('10.244.2.7') },
      origin: kubeProxy('endpoint', 'Service', 'web'),
    },
  ])
  b.nat('node1', 'KUBE-SEP-7XWR4ABCDEFGHIJK', [
    {
      spec: { protocol: tcp, matches: [{ kind: 'tcp' }], target: dnat('10.244.2.8') },
      origin: kubeProxy('endpoint', 'Service', 'web'),
    },
  ])
  b.add({
    kind: 'object',
    id: objectId('Service', 'default', 'web'),
    apiVersion: 'v1',
    objectKind: 'Service',
    namespace: 'default',
    name: 'web',
    manifest: {},
    filled: [],
    origin: boot,
  })
  b.add({
    kind: 'process',
    id: processId('pod/client', 1),
    netns: netnsId('pod/client'),
    pid: 7,
    argv: ['curl', 'http://10.96.0.10/'],
    state: 'running',
    output: '',
    origin: boot,
  })
  return b.world
}

/**
 * `curl http://10.96.0.10/` in pod/client: ARP for the gateway, a SYN that waits for it and is then sent to an endpoint whose
 * node does not answer: every kind of hop ending but `undetermined` occurs.
 */
export function recordServiceTrace(): Trace {
  const world = serviceWorld()
  const tape = new Tape(world)
  const { rec } = tape
  const us = (n: number) => {
    rec.now = n * 1000
  }
  const process = rec.ref(processId('pod/client', 1))
  tape.outside('pod/client')
  const start = tape.step(STEP.process, process, 0, rec.text('curl http://10.96.0.10/'))

  const syn = new Packet()
  Object.assign(syn, {
    etherType: ETH_P.IP,
    protocol: IPPROTO.TCP,
    ident: 1,
    ipFlags: IP_DF,
    ttl: 64,
    src: ip('10.244.1.5'),
    dst: ip('10.96.0.10'),
    sport: 41522,
    dport: 80,
    seq: 1000,
    tcpFlags: TCP.SYN,
    window: 64240,
  })
  tape.born('pod/client', syn, 'socket', start, -1, process)
  const synAt = tape.at
  tape.enterStack('pod/client', 'out', syn)
  tape.route(routeId('pod/client', 'main', 1), syn.dst, 0, 1)
  const gateway: NeighbourRecord = {
    kind: 'neighbour',
    id: neighbourId('pod/client', 'eth0', '10.244.1.1'),
    netns: netnsId('pod/client'),
    device: deviceId('pod/client', 'eth0'),
    address: ip('10.244.1.1'),
    state: 'NONE',
    probes: 0,
    queued: 0,
    origin: { component: 'kernel' },
  }
  tape.step(STEP.neighLookup, -1, 0, ip('10.244.1.1') | 0)
  const incomplete = tape.neighbour(gateway, 'INCOMPLETE', 'created', { queued: 1, probes: 1 })
  tape.step(STEP.wait, rec.ref(gateway.id))

  const ask = new Packet()
  Object.assign(ask, {
    etherType: ETH_P.ARP,
    ethSrc: CLIENT_MAC,
    ethDst: 0xffffffffffff,
    arpOp: ARP_OP.REQUEST,
    arpSha: CLIENT_MAC,
    arpSpa: ip('10.244.1.5'),
    arpTpa: ip('10.244.1.1'),
  })
  us(1)
  tape.born('pod/client', ask, 'arp', rec.last)
  tape.enterDevice('pod/client', 'eth0', 'out', ask)
  tape.depart(deviceId('node1', 'veth1a2b'))
  us(2)
  tape.enterDevice('node1', 'veth1a2b', 'in', ask)
  tape.step(STEP.arpProcess, 1, ask.arpTpa | 0, 0)
  const heard = tape.step(STEP.deliver, 2, -1)
  const answer = new Packet()
  Object.assign(answer, {
    etherType: ETH_P.ARP,
    ethSrc: GATEWAY_MAC,
    ethDst: CLIENT_MAC,
    arpOp: ARP_OP.REPLY,
    arpSha: GATEWAY_MAC,
    arpSpa: ip('10.244.1.1'),
    arpTha: CLIENT_MAC,
    arpTpa: ip('10.244.1.5'),
  })
  us(3)
  tape.born('node1', answer, 'arp', heard, 1)
  tape.enterDevice('node1', 'veth1a2b', 'out', answer)
  tape.depart(deviceId('pod/client', 'eth0'))
  us(4)
  tape.enterDevice('pod/client', 'eth0', 'in', answer)
  tape.step(STEP.arpProcess, 2, answer.arpTpa | 0, 1)
  tape.neighbour(incomplete, 'REACHABLE', 'reply', { mac: GATEWAY_MAC as Mac, queued: 0, probes: 0 })
  const answered = tape.step(STEP.deliver, 2, -1)

  us(5)
  tape.at = { ...synAt, cause: answered }
  tape.rewrite(FIELD.ETH_SRC, 0, CLIENT_MAC)
  tape.rewrite(FIELD.ETH_DST, 0, GATEWAY_MAC)
  tape.depart(deviceId('pod/client', 'eth0'))
  tape.enterDevice('pod/client', 'eth0', 'out', syn)
  tape.depart(deviceId('node1', 'veth1a2b'))
  us(6)
  tape.enterDevice('node1', 'veth1a2b', 'in', syn)
  tape.depart(netnsId('node1'))
  tape.enterStack('node1', 'in', syn)
  tape.step(STEP.hook, HOOK.PREROUTING, 0)
  const entry: ConntrackRecord = {
    kind: 'conntrack',
    id: conntrackId('node1', 1),
    netns: netnsId('node1'),
    protocol: 6,
    original: { src: ip('10.244.1.5'), dst: ip('10.96.0.10'), sport: 41522, dport: 80 },
    reply: { src: ip('10.96.0.10'), dst: ip('10.244.1.5'), sport: 80, dport: 41522 },
    tcpState: 'SYN_SENT',
    seenReply: false,
    assured: false,
    confirmed: false,
    dying: false,
    srcNat: false,
    dstNat: false,
    mark: 0,
    zone: 0,
    origin: { component: 'kernel' },
  }
  const ct = rec.ref(entry.id)
  tape.step(STEP.ctChange, ct, 0, rec.text('SYN_SENT'))
  rec.change({ id: entry.id, from: undefined, to: entry })
  rec.cell(ct, 2, 120e9)
  tape.step(STEP.ctLookup, ct, 2)
  const walk = (rule: RecordId, tried: number, verdict: number) => tape.step(STEP.rule, rec.ref(rule), tried, verdict, 60)
  tape.step(STEP.chain, rec.ref(chainId('node1', 'nat', 'PREROUTING')))
  walk(ruleId('node1', 'nat', 'PREROUTING', 1), 1, 4)
  walk(ruleId('node1', 'nat', 'KUBE-SERVICES', 2), 2, 4)
  walk(ruleId('node1', 'nat', 'KUBE-SVC-LOLE4ISW44XBNF3G', 1), 1, 4)
  walk(ruleId('node1', 'nat', 'KUBE-SEP-2QBYXQ6CVXKYL3WD', 1), 1, 7)
  tape.step(STEP.nat, ct, 1, 0)
  const bound = { ...entry, dstNat: true, reply: { src: ip('10.244.2.7'), dst: ip('10.244.1.5'), sport: 8080, dport: 41522 } }
  rec.change({ id: entry.id, from: entry, to: bound })
  tape.rewrite(FIELD.DST, ip('10.96.0.10'), ip('10.244.2.7'))
  tape.rewrite(FIELD.DPORT, 80, 8080)
  tape.route(routeId('node1', 'main', 1), ip('10.244.2.7'), 0, 0)
  tape.step(STEP.forward, 1, rec.ref(sysctlId('node1', 'net.ipv4.ip_forward')))
  tape.rewrite(FIELD.TTL, 64, 63)
  tape.step(STEP.hook, HOOK.FORWARD, 0)
  tape.step(STEP.hook, HOOK.POSTROUTING, 0)
  tape.step(STEP.chain, rec.ref(chainId('node1', 'nat', 'POSTROUTING')))
  tape.step(STEP.policy, rec.ref(chainId('node1', 'nat', 'POSTROUTING')), 0, 0, 60)
  tape.step(STEP.ctChange, ct, 2, -1)
  rec.change({ id: entry.id, from: bound, to: { ...bound, confirmed: true } })
  const nextNode: NeighbourRecord = {
    ...gateway,
    id: neighbourId('node1', 'eth0', '192.168.1.12'),
    netns: netnsId('node1'),
    device: deviceId('node1', 'eth0'),
    address: ip('192.168.1.12'),
  }
  tape.step(STEP.neighLookup, -1, 0, ip('192.168.1.12') | 0)
  const asking = tape.neighbour(nextNode, 'INCOMPLETE', 'created', { queued: 1, probes: 1 })
  const waited = tape.step(STEP.wait, rec.ref(nextNode.id))
  const held = tape.at

  us(3_000_000)
  tape.outside('node1', waited)
  const timer = tape.step(STEP.timer, rec.text('neigh_timer_handler'), rec.ref(nextNode.id))
  tape.neighbour(asking, 'FAILED', 'timeout', { probes: 3 })
  tape.at = { ...held, cause: timer }
  const dropped = tape.drop('SKB_DROP_REASON_NEIGH_FAILED', nextNode.id)
  const error = new Packet()
  Object.assign(error, {
    etherType: ETH_P.IP,
    protocol: IPPROTO.ICMP,
    ttl: 64,
    src: ip('10.244.1.1'),
    dst: ip('10.244.1.5'),
    icmpType: ICMP.UNREACHABLE,
    icmpCode: 1,
  })
  error.payload = quoteDatagram(syn)
  tape.born('node1', error, 'icmp', dropped, 0)
  tape.enterStack('node1', 'out', error)
  tape.rewrite(FIELD.ETH_SRC, 0, GATEWAY_MAC)
  tape.rewrite(FIELD.ETH_DST, 0, CLIENT_MAC)
  tape.depart(deviceId('node1', 'veth1a2b'))
  tape.enterDevice('node1', 'veth1a2b', 'out', error)
  tape.depart(deviceId('pod/client', 'eth0'))
  tape.enterDevice('pod/client', 'eth0', 'in', error)
  tape.depart(netnsId('pod/client'))
  tape.enterStack('pod/client', 'in', error)
  const told = tape.step(STEP.deliver, 1, -1)
  tape.outside('pod/client', told)
  tape.step(STEP.process, process, 8, rec.text('EHOSTUNREACH'))
  const last = tape.step(STEP.process, process, 7, rec.text('exit 7'))
  return rec.seal([
    {
      from: 'pod/client',
      run: 'curl http://10.96.0.10/',
      process: processId('pod/client', 1),
      first: start,
      last,
      exitCode: 7,
      output: 'curl: (7) Failed to connect to 10.96.0.10 port 80: No route to host\n',
      verdict: { kind: 'failed', error: 'EHOSTUNREACH', decidedBy: dropped },
    },
  ])
}
