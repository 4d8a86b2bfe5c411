import { describe, expect, it } from 'vitest'
import { execCommand } from '../../console/exec.ts'
import { endpointReplaced } from '../../library/endpoint-replaced.ts'
import { clientPod, scenario, TWO_NODES, WEB_SERVICE, webPod } from '../../library/parts.ts'
import type { Manifest, ScenarioDocument } from '../../scenario/document.ts'
import { run } from '../../sim/run.ts'
import { checkGrammar } from '../../trace/grammar.ts'
import { TraceReader } from '../../trace/reader.ts'
import { Timeline } from '../../trace/timeline.ts'
import { playOf } from '../play.ts'

const NODE1 = 'netns:node1'
type ScheduledChangeOf = NonNullable<ScenarioDocument['changes']>[number]
const other: Manifest = {
  ...WEB_SERVICE,
  metadata: { name: 'other' },
  spec: { ...(WEB_SERVICE.spec as object), clusterIP: '10.96.0.77' },
}

const changing = (parts: Pick<ScenarioDocument, 'journeys'> & { readonly changes: NonNullable<ScenarioDocument['changes']> }) =>
  scenario({
    title: 'changes in IPVS mode',
    objects: [...TWO_NODES, clientPod('client', 'node1', '10.244.1.2'), webPod('web-a', 'node2', '10.244.2.2'), WEB_SERVICE],
    ...parts,
  })

function played(base: ScenarioDocument) {
  const document = { ...base, cluster: { ...base.cluster, kubeProxy: { mode: 'ipvs' as const } } }
  const play = playOf(document)
  if (!play.ok) throw new Error(JSON.stringify(play.error))
  const { world, journeys, changes } = play.value
  const trace = run(world, journeys, { seed: 1, changes })
  const reader = new TraceReader(trace)
  expect(checkGrammar(reader)).toEqual([])
  const end = new Timeline(reader).at(reader.length - 1)
  return { outputs: trace.journeys.map((j) => j.output), says: (command: string) => execCommand(end, NODE1, command).stdout }
}

describe('kube-proxy’s sync in IPVS mode', () => {
  it('gives a new Service its address, its virtual server and its place in the sets', () => {
    const p = played(
      changing({
        journeys: [
          { from: 'pod/client', run: 'ping -c 2 10.244.1.1' },
          { from: 'pod/client', run: 'curl -m 2 http://10.96.0.77/' },
        ],
        changes: [{ journey: 0, at: '100ms', apply: [other] }],
      }),
    )
    expect(p.outputs[1]).toMatch(/Hostname: web-a/)
    expect(p.says('ip addr show kube-ipvs0')).toMatch(/inet 10\.96\.0\.77\/32/)
    expect(p.says('ip route show table local')).toMatch(/^local 10\.96\.0\.77 dev kube-ipvs0 /m)
    expect(p.says('ipset save KUBE-CLUSTER-IP')).toMatch(/^add KUBE-CLUSTER-IP 10\.96\.0\.77,tcp:80$/m)
    expect(p.says('ipvsadm -Ln')).toMatch(/^TCP {2}10\.96\.0\.77:80 rr$/m)
  })

  // As Linux 6.1 with ip_vs and the lab's own sync did it, but for what an emulated kernel is slow at.
  it('leaves a real server that goes at weight 0 while a connection to it is open', () => {
    const p = played(endpointReplaced.document)
    const hosts = p.outputs.map((o) => [...o.matchAll(/Hostname: (\S+)/g)].map((m) => m[1]))
    expect(hosts).toEqual([['web-a', 'web-a', 'web-b'], ['web-b']])
    expect(
      p
        .says('ipvsadm -Ln')
        .match(/^ {2}-> 10\..*$/gm)
        ?.map((l) => l.trim().replaceAll(/\s+/g, ' ')),
    ).toEqual(['-> 10.244.2.2:8080 Masq 0 0 1', '-> 10.244.2.3:8080 Masq 1 0 2'])
    // The first of them is still known by the connection that it had.
    expect(p.says('ipvsadm -Lnc')).toMatch(/TIME_WAIT +10\.244\.1\.2:40001 +10\.96\.0\.10:80 +10\.244\.2\.2:8080/)
  })

  const slow = (seconds: number) => ({ from: 'pod/client', run: `ping -c ${seconds + 1} -q 10.244.1.1` })
  const atOnce = (p: Manifest): Manifest => ({ ...p, spec: { ...(p.spec as object), terminationGracePeriodSeconds: 0 } })
  const closed: Manifest = { ...WEB_SERVICE, spec: { ...(WEB_SERVICE.spec as object), ports: [{ port: 80, targetPort: 9999 }] } }
  const servers = (p: ReturnType<typeof played>) =>
    (p.says('ipvsadm -Ln').match(/^ {2}-> 10\..*$/gm) ?? []).map((l) => l.trim().replaceAll(/\s+/g, ' '))
  const CURL = { from: 'pod/client', run: 'curl -s -m 2 http://10.96.0.10/' }
  /** web-a is asked, and refuses: its connection is over ten seconds later. Then it goes. */
  const drained = (seconds: number, more: readonly ScheduledChangeOf[] = [], then: ScenarioDocument['journeys'] = []) =>
    played({
      ...changing({
        journeys: [CURL, slow(seconds), ...then],
        changes: [
          { journey: 1, at: '500ms', apply: [webPod('web-b', 'node2', '10.244.2.3')], delete: [{ kind: 'Pod', name: 'web-a' }] },
          ...more,
        ],
      }),
      objects: [...TWO_NODES, clientPod('client', 'node1', '10.244.1.2'), atOnce(webPod('web-a', 'node2', '10.244.2.2')), closed],
    })

  // As Linux 6.1 with ip_vs and the lab's drain() had it, but for what an emulated kernel is slow at.
  it('removes a drained real server when a minute later it has no connections any more, and not when they end', () => {
    expect(servers(drained(5))).toEqual(['-> 10.244.2.2:9999 Masq 0 0 1', '-> 10.244.2.3:9999 Masq 1 0 0'])
    expect(servers(drained(30))).toEqual(['-> 10.244.2.2:9999 Masq 0 0 0', '-> 10.244.2.3:9999 Masq 1 0 0'])
    expect(servers(drained(62))).toEqual(['-> 10.244.2.3:9999 Masq 1 0 0'])
  })

  it('leaves it at weight 0 over a later sync, and puts it in anew when it is back', () => {
    const again = [{ journey: 1, at: '15s', apply: [other] }]
    expect(servers(drained(20, again)).filter((l) => l.endsWith(' 0 0 0'))).toEqual(['-> 10.244.2.2:9999 Masq 0 0 0'])
    const back = [{ journey: 1, at: '15s', apply: [webPod('web-c', 'node2', '10.244.2.2')] }]
    // Round robin was at it when it went. Had it only got its weight back, the next would be the other's turn.
    expect(servers(drained(20, back, [CURL]))).toEqual(['-> 10.244.2.2:9999 Masq 1 0 1', '-> 10.244.2.3:9999 Masq 1 0 0'])
  })

  // As Linux 6.1 had it too, but for ARP's probes, which come sooner where a second is short.
  it('does not drain UDP: the real server goes at once, and its connections with it', () => {
    const echo = (name: string, podIP: string): Manifest => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels: { app: 'echo' } },
      spec: {
        nodeName: 'node2',
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'echo', image: 'busybox', ports: [{ containerPort: 7777, protocol: 'UDP' }] }],
      },
      status: { podIP },
    })
    const ports = [{ port: 7, targetPort: 7777, protocol: 'UDP' }]
    const spec = { clusterIP: '10.96.0.20', selector: { app: 'echo' }, ports }
    const say = (word: string) => ({ from: 'pod/client', run: `echo ${word} | nc -u -w 1 -p 4000 10.96.0.20 7` })
    const p = played({
      ...changing({
        journeys: [say('one'), slow(2), say('two')],
        changes: [{ journey: 1, at: '500ms', apply: [echo('b', '10.244.2.8')], delete: [{ kind: 'Pod', name: 'a' }] }],
      }),
      objects: [
        ...[...TWO_NODES, clientPod('client', 'node1', '10.244.1.2'), echo('a', '10.244.2.7')],
        { apiVersion: 'v1', kind: 'Service', metadata: { name: 'echo' }, spec },
      ],
    })
    expect([p.outputs[0], p.outputs[2]]).toEqual(['one\n', 'two\n'])
    expect(servers(p)).toEqual(['-> 10.244.2.8:7777 Masq 1 0 1'])
  })

  it('takes everything of a Service away with it', () => {
    const p = played(
      changing({
        journeys: [
          { from: 'pod/client', run: 'ping -c 2 10.244.1.1' },
          { from: 'pod/client', run: 'curl -m 2 http://10.96.0.10/' },
        ],
        changes: [{ journey: 0, at: '100ms', delete: [{ kind: 'Service', name: 'web' }] }],
      }),
    )
    expect(p.outputs[1]).not.toMatch(/Hostname/)
    expect(p.says('ip addr show kube-ipvs0')).not.toMatch(/10\.96\.0\.10/)
    expect(p.says('ip route show table local')).not.toMatch(/kube-ipvs0/)
    expect(p.says('ipset save')).not.toMatch(/^add /m)
    expect(p.says('ipvsadm -Ln')).not.toMatch(/^TCP/m)
  })
})
