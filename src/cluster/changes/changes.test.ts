import { describe, expect, it } from 'vitest'
import { printConntrack } from '../../linux/conntrack.ts'
import { printIptablesSave } from '../../linux/iptables-save.ts'
import type { Manifest, ScenarioDocument, ScheduledChange } from '../../scenario/document.ts'
import { run } from '../../sim/run.ts'
import { checkGrammar } from '../../trace/grammar.ts'
import { TraceReader } from '../../trace/reader.ts'
import { Timeline } from '../../trace/timeline.ts'
import { viewOf } from '../../world/world.ts'
import { playOf } from '../play.ts'
import { built, documentOf, node, pod, service } from '../testing.ts'

const NODES = [node('node1', '10.244.1.0/24', '192.168.1.11'), node('node2', '10.244.2.0/24', '192.168.1.12')]
const CLIENT = pod('client', 'node1', { podIP: '10.244.1.2' })
const WEB = service('web', { clusterIP: '10.96.0.10', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] })
const DB = service('db', { clusterIP: '10.96.0.20', selector: { app: 'db' }, ports: [{ port: 80, targetPort: 8080 }] })
const web = (name: string, podIP: string, grace?: number): Manifest => {
  const p = pod(name, 'node2', { podIP, app: 'web' })
  return grace === undefined ? p : { ...p, spec: { ...(p.spec as object), terminationGracePeriodSeconds: grace } }
}
const db = pod('db', 'node2', { podIP: '10.244.2.9', app: 'db' })

const scene = (changes: readonly ScheduledChange[], more: Partial<ScenarioDocument> = {}): ScenarioDocument =>
  documentOf([...NODES, CLIENT, WEB, DB, web('web-a', '10.244.2.2', 2), db], {
    journeys: [
      { from: 'pod/client', run: 'curl http://10.96.0.10/' },
      { from: 'pod/client', run: 'curl http://10.96.0.20/' },
    ],
    changes,
    ...more,
  })

function played(doc: ScenarioDocument) {
  const play = playOf(doc)
  if (!play.ok) throw new Error(play.error.map((e) => `${e.path}: ${e.message}`).join('\n'))
  const { world, journeys, changes } = play.value
  const reader = new TraceReader(run(world, journeys, { seed: 1, changes }))
  expect(checkGrammar(reader)).toEqual([])
  const timeline = new Timeline(reader)
  const end = timeline.at(reader.length - 1)
  const events = Array.from({ length: reader.length }, (_, s) => reader.event(s)).filter((e) => e.step.kind === 'change')
  return { reader, timeline, end, events, changes, outputs: reader.trace.journeys.map((j) => j.output) }
}

const errorsOf = (changes: readonly ScheduledChange[], more: Partial<ScenarioDocument> = {}): string[] => {
  const play = playOf(scene(changes, more))
  return play.ok ? [] : play.error.map((e) => `${e.path}: ${e.message}`)
}

const REPLACED: ScheduledChange = {
  journey: 0,
  at: '1s',
  apply: [web('web-b', '10.244.2.3')],
  delete: [{ kind: 'Pod', name: 'web-a' }],
}

describe('a backend is replaced in the middle of a journey', () => {
  it('comes to the rules of a cluster that had always been so, but for what counted in them', () => {
    const { end } = played(scene([REPLACED]))
    const always = viewOf(built(documentOf([...NODES, CLIENT, WEB, DB, web('web-b', '10.244.2.3'), db])))
    for (const ns of ['netns:node1', 'netns:node2'] as const) {
      const rules = (view: typeof end) =>
        printIptablesSave(view, ns as never, { header: false })
          .replaceAll(/ \[\d+:\d+\]/g, '')
          .split('\n')
          .sort()
      expect(rules(end)).toEqual(rules(always))
    }
  })

  it('is told in the order in which it happens: objects, sandbox, rules; and the end of the old pod when its time is over', () => {
    const { events } = played(scene([REPLACED]))
    const lines = events.map((e) => {
      const { change, record } = e.step as Extract<typeof e.step, { kind: 'change' }>
      return `${Math.round(e.t / 1e6)} ms ${change} ${record}`
    })
    expect(lines.map((l) => l.replace(/web-[a-z0-9]{5}$/, 'web-SLICE'))).toEqual([
      '1000 ms apply obj:Pod/default/web-b',
      '1000 ms terminate obj:Pod/default/web-a',
      '1000 ms apply obj:EndpointSlice/default/web-SLICE',
      '1000 ms attach netns:pod/web-b',
      '1020 ms sync netns:node1',
      '1020 ms sync netns:node2',
      '3100 ms detach netns:pod/web-a',
      '3100 ms delete obj:Pod/default/web-a',
      '3100 ms apply obj:EndpointSlice/default/web-SLICE',
      '3120 ms sync netns:node1',
      '3120 ms sync netns:node2',
    ])
  })

  it('leaves nothing of the old pod: no namespace, no cable, no entry of the bridge, no socket, no process', () => {
    const { end } = played(scene([REPLACED]))
    const left = (['netns', 'device', 'fdb', 'socket', 'process', 'address', 'route'] as const).flatMap((kind) =>
      end
        .list(kind)
        .filter(
          (r) =>
            `${r.id}${'netns' in r ? r.netns : ''}`.includes('web-a') ||
            (r.kind === 'fdb' && end.get('device', r.port) === undefined),
        ),
    )
    expect(left).toEqual([])
    expect(end.list('device', 'netns:node2').filter((d) => d.master !== undefined)).toHaveLength(2)
  })

  it('counts from zero in the chains that a sync writes anew, and goes on in those that it leaves alone', () => {
    const second = { from: 'pod/client', run: 'curl http://10.96.0.20/' }
    const { reader, timeline } = played(scene([{ ...REPLACED, journey: 1 }], { journeys: [second, second] }))
    const packets = (k: number, chain: string) =>
      timeline
        .at(k)
        .list('rule', 'netns:node1')
        .filter((r) => r.table === 'nat' && r.chain.startsWith(chain) && r.origin.object?.name === 'db')
        .map((r) => timeline.at(k).cell(r.id, 'packets'))
    const last = reader.length - 1
    const service = packets(last, 'KUBE-SVC')
    expect(Math.max(...service)).toBe(2)
    expect(Math.max(...packets(last, 'KUBE-SERVICES'))).toBe(0)
  })

  it('sends new connections to the new pod while the old one is still there', () => {
    const { outputs } = played(
      scene([
        { ...REPLACED, at: '0s' },
        { ...REPLACED, journey: 1, apply: [web('web-c', '10.244.2.4')], delete: [] },
      ]),
    )
    expect(outputs[0]).toMatch(/Hostname: web-/)
    const late = played(
      scene([REPLACED], {
        journeys: [
          {
            from: 'pod/client',
            run: 'curl --rate 40/m --local-port 40000-40001 --resolve w:80:10.96.0.10 http://10.96.0.10/ http://w/',
          },
        ],
      }),
    )
    expect(late.outputs[0]).toMatch(/Hostname: web-a[\s\S]*Hostname: web-b/)
  })
})

describe('kube-proxy syncs', () => {
  it('at once when it was idle, and then not again before a second has passed', () => {
    const label = (n: number): ScheduledChange => ({ journey: 0, at: `${n}ms`, apply: [web(`web-${n}`, `10.244.2.${n / 10}`)] })
    const { events } = played(scene([label(100), label(200), label(300)]))
    const syncs = events.flatMap((e) =>
      e.step.kind === 'change' && e.step.change === 'sync' && e.netns === 'netns:node1' ? [e.t / 1e6] : [],
    )
    expect(syncs).toEqual([120, 1120])
  })

  it('says what it changed by what rules say, not by where they stand', () => {
    const { events } = played(
      scene([
        {
          journey: 0,
          at: '1s',
          apply: [service('aaa', { clusterIP: '10.96.0.5', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] })],
        },
      ]),
    )
    const sync = events.find((e) => e.step.kind === 'change' && e.step.change === 'sync')?.step
    // KUBE-SERVICES, the masquerade rule and the endpoint's share in KUBE-SVC, two rules of KUBE-SEP.
    expect(sync).toMatchObject({ added: 5, removed: 0 })
  })
})

describe('UDP flows after a sync', () => {
  const udp = (name: string, podIP: string): Manifest => {
    const p = pod(name, 'node2', { podIP, app: 'echo', ports: [{ containerPort: 7, protocol: 'UDP' }] })
    return { ...p, spec: { ...(p.spec as object), terminationGracePeriodSeconds: 0 } }
  }
  const ECHO = service('echo', { clusterIP: '10.96.0.7', selector: { app: 'echo' }, ports: [{ port: 7, protocol: 'UDP' }] })
  const ask = { from: 'pod/client', run: 'echo hello | nc -u -p 40000 -w 1 10.96.0.7 7' }
  const objects = [...NODES, CLIENT, ECHO]

  it('are deleted when their endpoint is gone, and the next datagram finds the new one', () => {
    const moved: ScheduledChange = { journey: 1, at: '0s', apply: [udp('b', '10.244.2.3')], delete: [{ kind: 'Pod', name: 'a' }] }
    const { reader } = played(
      documentOf([...objects, udp('a', '10.244.2.2')], {
        journeys: [ask, { from: 'pod/client', run: 'ping -c 1 10.244.1.1' }, ask],
        changes: [moved],
      }),
    )
    expect(reader.trace.journeys.map((j) => j.verdict.kind)).toEqual(['answered', 'answered', 'answered'])
  })

  it('stay while no endpoint serves, and go when there is the first again', () => {
    const gone: ScheduledChange = { journey: 0, at: '500ms', delete: [{ kind: 'Pod', name: 'a' }] }
    const back: ScheduledChange = { journey: 1, at: '0s', apply: [udp('b', '10.244.2.3')] }
    const idle = { from: 'pod/client', run: 'ping -c 1 10.244.1.1' }
    const { reader, timeline } = played(
      documentOf([...objects, udp('a', '10.244.2.2')], { journeys: [ask, idle], changes: [gone, back] }),
    )
    const flows = (k: number) =>
      printConntrack(timeline.at(k), 'netns:node1' as never)
        .text.split('\n')
        .filter((l) => l.includes('dst=10.96.0.7'))
    expect(flows(reader.trace.journeys[0]?.last ?? -1)).toHaveLength(1)
    expect(flows(reader.length - 1)).toHaveLength(0)
  })

  it('stay where kube-proxy cannot delete them', () => {
    const moved: ScheduledChange = {
      journey: 0,
      at: '500ms',
      apply: [udp('b', '10.244.2.3')],
      delete: [{ kind: 'Pod', name: 'a' }],
    }
    const doc = documentOf([...objects, udp('a', '10.244.2.2')], { journeys: [ask, ask], changes: [moved] })
    const broken = { ...doc, cluster: { ...doc.cluster, kubeProxy: { mode: 'iptables' as const, conntrackCleanup: false } } }
    expect(played(broken).reader.trace.journeys.map((j) => j.verdict.kind)).toEqual(['answered', 'failed'])
  })
})

describe('a change that cannot be', () => {
  it.each<readonly [string, ScheduledChange, RegExp]>([
    [
      'a journey that is not there',
      { journey: 7, at: '1s', delete: [{ kind: 'Pod', name: 'web-a' }] },
      /^changes\[0\]\.journey: found 7; expected a journey from 0 to 1/,
    ],
    ['nothing at all', { journey: 0, at: '1s' }, /^changes\[0\]: changes nothing/],
    [
      'an object that is not there',
      { journey: 0, at: '1s', delete: [{ kind: 'Pod', name: 'nobody' }] },
      /^changes\[0\]\.delete\[0\]: there is no Pod default\/nobody then; expected .*default\/client/,
    ],
    [
      'a kind that stays as it is',
      { journey: 0, at: '1s', delete: [{ kind: 'Node', name: 'node2' }] },
      /^changes\[0\]\.delete\[0\]\.kind: nodes stay.*unplug/,
    ],
    [
      'a pod that moves',
      { journey: 0, at: '1s', apply: [pod('web-a', 'node1', { app: 'web' })] },
      /^changes\[0\]\.apply\[0\]\.spec\.nodeName: found node1; a pod keeps its spec\.nodeName node2/,
    ],
    [
      'a pod on a node that does not exist',
      { journey: 0, at: '1s', apply: [pod('x', 'node9')] },
      /^changes\[0\]\.apply\[0\]\.spec\.nodeName: .*"node9"/,
    ],
    [
      'an address that is taken',
      { journey: 0, at: '1s', apply: [pod('x', 'node2', { podIP: '10.244.2.9' })] },
      /^changes\[0\]\.apply\[0\]\.status\.podIP: .*10\.244\.2\.9/,
    ],
  ])('is refused with its place: %s', (_, change, message) => {
    const errors = errorsOf([change])
    expect(errors.join('\n')).toMatch(message)
  })

  it('is refused when a pod comes back under its name before it is gone', () => {
    const again: ScheduledChange = { journey: 0, at: '2s', apply: [web('web-a', '10.244.2.2')] }
    expect(errorsOf([REPLACED, again]).join('\n')).toMatch(
      /changes\[1\]\.apply\[0\]\.metadata\.name: pod default\/web-a is still being deleted/,
    )
    expect(errorsOf([REPLACED, { ...again, at: '4s' }])).toEqual([])
  })
})
