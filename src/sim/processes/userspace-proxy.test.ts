import { describe, expect, it } from 'vitest'
import { playOf } from '../../cluster/play.ts'
import { built, documentOf, node, pod, service } from '../../cluster/testing.ts'
import type { ClusterConfig, Manifest } from '../../scenario/document.ts'
import { TraceReader } from '../../trace/reader.ts'
import { Timeline } from '../../trace/timeline.ts'
import { run } from '../run.ts'
import { play } from '../testing/play.ts'
import { WAKEUP } from './wakeup.ts'

const CLUSTER: ClusterConfig = {
  podCIDR: '10.244.0.0/16',
  serviceCIDR: '10.96.0.0/16',
  network: { plugin: 'bridge', fabric: 'l2', mtu: 1500 },
  kubeProxy: { mode: 'userspace' },
}
const IP = '10.96.0.10'
const client = pod('client', 'node1', { podIP: '10.244.1.2' })
const backend = (name: string, n: 1 | 2, last: number) =>
  pod(name, `node${n}`, { podIP: `10.244.${n}.${last}`, app: 'web', ports: [{ containerPort: 8080 }] })
const web = (spec: object = {}) =>
  service('web', { clusterIP: IP, selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }], ...spec })

const world = (...objects: readonly Manifest[]) =>
  built(
    documentOf([node('node1', '10.244.1.0/24', '192.168.1.11'), node('node2', '10.244.2.0/24', '192.168.1.12'), ...objects], {
      cluster: CLUSTER,
    }),
  )

/** Endpoints as somebody wrote them by hand. */
const slice = (...addresses: string[]): Manifest => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  endpoints: addresses.map((a) => ({ addresses: [a] })),
})

const curl = ['pod/client', `curl -s http://${IP}/`] as const
/** `HTTP/1.1 200 OK`, Content-Type, Content-Length of three digits or less, the empty line. */
const RESPONSE_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 71\r\n\r\n'.length
const who = (output: string) => /^Hostname: (\S+)/m.exec(output)?.[1]

describe('kube-proxy in userspace mode, over TCP', () => {
  it('ends the client’s connection and opens its own, from the node’s address', () => {
    const { output, events, reader } = play(world(client, backend('web-a', 2, 2), web()), curl)
    expect(output[0]).toMatch(/^RemoteAddr: 192\.168\.1\.11:\d+$/m)
    const connects = events('process').filter((e) => e.step.event === 'connect')
    expect(connects.map((e) => e.netns)).toEqual(['netns:pod/client', 'netns:node1'])
    expect(reader.trace.journeys[0]?.verdict).toEqual({ kind: 'answered' })
  })

  it('costs two wakeups with a copy each for one small exchange, and as many bytes in as out', () => {
    const { events, output } = play(world(client, backend('web-a', 2, 2), web()), curl)
    const copies = events('proxy.copy')
    const received = events('socket.data').filter((e) => e.netns === 'netns:node1' && e.step.direction === 'receive')
    expect(copies.map((e) => e.step.bytes)).toEqual(received.map((e) => e.step.bytes))
    expect(copies).toHaveLength(2)
    expect(copies[1]?.step.bytes).toBe(output[0]?.length === undefined ? 0 : output[0].length + RESPONSE_HEAD)
    // The second piece is there before the process runs; the first has waited while it dialled.
    expect((copies[1]?.t ?? 0) - (received[1]?.t ?? 0)).toBe(WAKEUP)
  })

  it('goes round robin, connection by connection', () => {
    const w = world(client, backend('web-a', 1, 3), backend('web-b', 2, 2), backend('web-c', 2, 3), web())
    const names = play(w, curl, curl, curl, curl).output.map(who)
    expect(new Set(names.slice(0, 3))).toEqual(new Set(['web-a', 'web-b', 'web-c']))
    expect(names[3]).toBe(names[0])
  })

  it('sends a client to the same endpoint again where affinity is asked for', () => {
    const w = world(client, backend('web-a', 1, 3), backend('web-b', 2, 2), web({ sessionAffinity: 'ClientIP' }))
    const names = play(w, curl, curl, curl).output.map(who)
    expect(new Set(names).size).toBe(1)
  })

  it('forgets a client after the time that affinity lasts', () => {
    const affinity = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } }
    const w = world(client, backend('web-a', 1, 3), backend('web-b', 2, 2), web(affinity))
    const names = play(w, curl, ['pod/client', 'ping -c 3 10.244.1.1'], curl).output.map(who)
    expect(names[2]).not.toBe(names[0])
  })

  it('tries the next endpoint when one refuses', () => {
    const { selector, ...rest } = (web() as unknown as { spec: Record<string, unknown> }).spec
    expect(selector).toBeDefined()
    const w = world(client, backend('web-a', 2, 2), service('web', rest), slice('10.244.2.2', '192.168.1.12'))
    const { output, events } = play(w, curl, curl)
    expect(output.map(who)).toEqual(['web-a', 'web-a'])
    const errors = events('process').flatMap((e) => (e.step.event === 'error' ? [e.step.text] : []))
    expect(new Set(errors)).toEqual(new Set(['dial tcp 192.168.1.12:8080: Connection refused']))
  })

  it('without endpoints accepts the connection all the same, and closes it', () => {
    const { exitCodes, events } = play(world(client, web()), curl)
    expect(exitCodes).not.toEqual([0])
    expect(events('tcp.state').some((e) => e.netns === 'netns:pod/client' && e.step.to === 'ESTABLISHED')).toBe(true)
    expect(events('proxy.route').map((e) => e.step.endpoint)).toEqual([undefined])
  })

  it('has the last segment of a handshake over lo before the client sends its request', () => {
    const { events } = play(world(client, backend('web-a', 2, 2), web()), ['node1', `curl -s http://${IP}/`])
    const established = events('tcp.state').filter((e) => e.step.to === 'ESTABLISHED' && e.netns === 'netns:node1')
    const [send] = events('process').filter((e) => e.step.event === 'send' && e.netns === 'netns:node1')
    // The client's socket, then the proxy's: both ends before anything is sent.
    expect(established.filter((e) => e.seq < (send?.seq ?? 0))).toHaveLength(2)
  })

  it('serves node ports too, and the node itself', () => {
    const w = world(
      client,
      backend('web-a', 2, 2),
      web({ type: 'NodePort', ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] }),
    )
    const runs = [
      ['internet', 'curl -s http://203.0.113.11:30080/'],
      ['node1', `curl -s http://${IP}/`],
      ['node2', 'curl -s http://192.168.1.11:30080/'],
    ] as const
    expect(play(w, ...runs).output.map(who)).toEqual(['web-a', 'web-a', 'web-a'])
  })
})

describe('kube-proxy in userspace mode, over UDP', () => {
  const echo = pod('echo', 'node2', { podIP: '10.244.2.9', app: 'echo', ports: [{ containerPort: 7777, protocol: 'UDP' }] })
  const udp = service('echo', {
    clusterIP: '10.96.0.20',
    selector: { app: 'echo' },
    ports: [{ port: 7, targetPort: 7777, protocol: 'UDP' }],
  })
  const nc = ['pod/client', 'echo hello | nc -u -w 1 10.96.0.20 7'] as const

  it('keeps a socket for each client as long as it talks, and lets it go after 250 ms', () => {
    const { output, end, reader } = play(world(client, echo, udp), nc)
    expect(output[0]).toBe('hello\n')
    const sockets = end.list('socket', 'netns:node1').filter((s) => s.protocol === 'udp')
    expect(sockets.map((s) => s.state)).toEqual(['UNCONN'])
    const opened = reader.trace.deltas.deltas.flatMap(({ to }) =>
      to?.kind === 'socket' && to.state === 'ESTAB' && String(to.netns) === 'netns:node1' ? [to.id] : [],
    )
    expect(new Set(opened).size).toBe(1)
  })

  it('answers from the address that was asked', () => {
    const { reader } = play(world(client, echo, udp), nc)
    const answer = Array.from({ length: reader.packets.length }, (_, p) => reader.packetAt(p, reader.length)).filter(
      (p) => p.protocol === 17 && p.dst === 0x0af40102,
    )
    expect(answer.map((p) => [p.src, p.sport])).toEqual([[0x0a600014, 7]])
  })
})

describe('endpoints that come and go', () => {
  it('count from the next connection on, without any change of rules', () => {
    const { objects } = documentOf([
      node('node1', '10.244.1.0/24', '192.168.1.11'),
      node('node2', '10.244.2.0/24', '192.168.1.12'),
      client,
      backend('web-a', 2, 2),
      web(),
    ])
    const document = {
      ...documentOf(objects, { cluster: CLUSTER, journeys: [curl, curl].map(([from, run]) => ({ from, run })) }),
      changes: [{ journey: 1, at: '0s', apply: [backend('web-b', 2, 3)], delete: [{ kind: 'Pod', name: 'web-a' }] }],
    }
    const played = playOf(document)
    if (!played.ok) throw new Error(played.error.map((e) => e.message).join())
    const { journeys, changes } = played.value
    const trace = run(played.value.world, journeys, { seed: 1, changes })
    expect(trace.journeys.map((j) => who(j.output))).toEqual(['web-a', 'web-b'])
    expect(changes.filter((c) => c.kind === 'sync')).toEqual([])
  })

  it('have a Service that may come later and go again: its rules, and a socket of the proxy', () => {
    const { objects } = documentOf([
      node('node1', '10.244.1.0/24', '192.168.1.11'),
      node('node2', '10.244.2.0/24', '192.168.1.12'),
      client,
      backend('web-a', 2, 2),
    ])
    const wait = ['pod/client', 'ping -c 2 10.244.1.1'] as const
    const runs = [curl, wait, curl, wait, curl]
    const document = {
      ...documentOf(objects, {
        cluster: CLUSTER,
        journeys: runs.map(([from, run]) => ({ from, run: `${run.replace('-s', '-s -m 1')}` })),
      }),
      changes: [
        { journey: 1, at: '0s', apply: [web({ type: 'NodePort', ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] })] },
        { journey: 3, at: '0s', delete: [{ kind: 'Service', name: 'web' }] },
      ],
    }
    const played = playOf(document)
    if (!played.ok) throw new Error(played.error.map((e) => e.message).join())
    const { journeys, changes, world } = played.value
    const trace = run(world, journeys, { seed: 1, changes })
    expect(trace.journeys.map((j) => who(j.output))).toEqual([undefined, undefined, 'web-a', undefined, undefined])
    const reader = new TraceReader(trace)
    const listening = (journey: number) =>
      new Timeline(reader)
        .at(trace.journeys[journey]?.last ?? 0)
        .list('socket', 'netns:node1')
        .filter((s) => s.state === 'LISTEN').length
    expect([0, 2, 4].map(listening)).toEqual([0, 2, 0])
    const rules = new Timeline(reader).at(reader.length - 1).list('rule', 'netns:node1')
    expect(rules.filter((r) => r.chain.startsWith('KUBE-PORTALS') || r.chain.startsWith('KUBE-NODEPORT'))).toEqual([])
  })
})
