import { describe, expect, it } from 'vitest'
import { clientPod, scenario, TWO_NODES, WEB_IP, WEB_SERVICE } from '../../library/parts.ts'
import type { Manifest, ScenarioDocument, ScheduledChange } from '../../scenario/document.ts'
import { errorsOf, played } from './testing.ts'

const template = (image: string, more: object = {}) => ({
  metadata: { labels: { app: 'web' } },
  spec: {
    terminationGracePeriodSeconds: 2,
    containers: [{ name: 'web', image, ports: [{ containerPort: 8080 }], readinessProbe: { initialDelaySeconds: 3 }, ...more }],
  },
})
const workload = (kind: string, spec: object): Manifest => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'web' },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
})
const idle = { from: 'pod/client', run: 'ping -c 2 10.244.1.1' }
const doc = (given: Manifest, changes: readonly Omit<ScheduledChange, 'journey'>[], more: Partial<ScenarioDocument> = {}) =>
  scenario({
    title: 'a workload',
    objects: [...TWO_NODES, clientPod('client', 'node1', '10.244.1.2'), WEB_SERVICE, given],
    journeys: [idle, { from: 'pod/client', run: `curl -m 2 http://${WEB_IP}/` }],
    changes: changes.map((c) => ({ journey: 0, ...c })),
    ...more,
  })

/** `1000 apply web-x`: what happened to pods named after the workload, by ms and in order. */
const pods = (d: ScenarioDocument): string[] =>
  played(d).told.flatMap((l) => {
    const [, ms, change, name] = /^(\d+) ms \S+ (apply|terminate|delete) obj:Pod\/default\/(web-\S+)$/.exec(l) ?? []
    return name === undefined ? [] : [`${ms} ${change} ${name}`]
  })
const said = (lines: readonly string[]) => lines.map((l) => l.replace(/ web-.*/, ''))

describe('a Deployment', () => {
  it('that is scaled up gets pods with names of the same ReplicaSet, ready when their probe says so', () => {
    const scaled = doc(workload('Deployment', { replicas: 1, template: template('a') }), [
      { at: '1s', apply: [workload('Deployment', { replicas: 3, template: template('a') })] },
    ])
    const told = pods(scaled)
    expect(said(told)).toEqual(['1000 apply', '1000 apply', '4000 apply', '4000 apply'])
    const hashes = new Set(told.map((l) => /web-([a-z0-9]+)-/.exec(l)?.[1]))
    expect(hashes.size).toBe(1)
    const p = played(scaled)
    expect(p.says('node1', 'kubectl get pods -l app=web').match(/1\/1 +Running/g)).toHaveLength(3)
    expect(p.says('node1', 'kubectl get pods -l app=web')).toContain(`web-${[...hashes][0]}-`)
    expect(p.says('node1', 'kubectl get endpointslices')).toMatch(/10\.244\.1\.\d+,10\.244\.2\.\d+/)
  })

  it('that is scaled down loses the youngest pods, and Service traffic finds the others', () => {
    const p = played(
      doc(workload('Deployment', { replicas: 3, template: template('a') }), [
        { at: '1s', apply: [workload('Deployment', { replicas: 1, template: template('a') })] },
      ]),
    )
    expect(p.verdicts).toEqual(['answered', 'answered'])
    expect(p.says('node1', 'kubectl get pods -l app=web').match(/Running/g)).toHaveLength(1)
  })

  it('with another template is rolled out pod by pod: one more at first, an old one less for each new one that is ready', () => {
    const rollout = doc(workload('Deployment', { replicas: 2, template: template('a') }), [
      { at: '1s', apply: [workload('Deployment', { replicas: 2, template: template('b') })] },
    ])
    const told = pods(rollout)
    // 25% of two: one pod above, none below.
    expect(said(told)).toEqual([
      '1000 apply',
      '4000 apply',
      '4000 terminate',
      '4000 apply',
      '6100 delete',
      '7000 apply',
      '7000 terminate',
      '9100 delete',
    ])
    expect(new Set(told.map((l) => /web-([a-z0-9]+)-/.exec(l)?.[1])).size).toBe(2)
    const p = played(rollout)
    expect(p.verdicts).toEqual(['answered', 'answered'])
    expect(p.says('node1', 'kubectl get pods -o json -l app=web').match(/"image": "(.)"/g)).toEqual([
      '"image": "b"',
      '"image": "b"',
    ])
  })

  it('with strategy Recreate has nothing between the last old pod and the first new one', () => {
    const recreate = (image: string) =>
      workload('Deployment', { replicas: 1, strategy: { type: 'Recreate' }, template: template(image) })
    const told = pods(doc(recreate('a'), [{ at: '1s', apply: [recreate('b')] }]))
    expect(said(told)).toEqual(['1000 terminate', '3100 delete', '3100 apply', '6100 apply'])
  })

  it('replaces a pod that is deleted, under another name', () => {
    const d = doc(workload('Deployment', { replicas: 1, template: template('a') }), [])
    const [name = ''] = /web-\S+/.exec(played(d).says('node1', 'kubectl get pods -l app=web')) ?? []
    const told = pods({ ...d, changes: [{ journey: 0, at: '1s', delete: [{ kind: 'Pod', name }] }] })
    expect(told.map((l) => l.replace(name, 'OLD').replace(/web-.*/, 'NEW'))).toEqual([
      '1000 terminate OLD',
      '1000 apply NEW',
      '3100 delete OLD',
      '4000 apply NEW',
    ])
  })

  it('takes its pods along when it is deleted', () => {
    const told = pods(
      doc(workload('Deployment', { replicas: 2, template: template('a') }), [
        { at: '1s', delete: [{ kind: 'Deployment', name: 'web' }] },
      ]),
    )
    expect(said(told)).toEqual(['1000 terminate', '1000 terminate', '3100 delete', '3100 delete'])
  })
})

describe('a StatefulSet', () => {
  it('comes up one pod after the other, and is updated from the last to the first, each under its own name', () => {
    const set = (replicas: number, image: string) => workload('StatefulSet', { replicas, template: template(image) })
    const told = pods(
      doc(set(1, 'a'), [
        { at: '1s', apply: [set(2, 'a')] },
        { at: '10s', apply: [set(2, 'b')] },
      ]),
    )
    expect(told).toEqual([
      '1000 apply web-1',
      '4000 apply web-1',
      '10000 terminate web-1',
      '12100 delete web-1',
      '12100 apply web-1',
      '15100 apply web-1',
      '15100 terminate web-0',
      '17200 delete web-0',
      '17200 apply web-0',
      '20200 apply web-0',
    ])
  })
})

describe('a DaemonSet', () => {
  it('is updated node by node', () => {
    const set = (image: string) => workload('DaemonSet', { template: template(image) })
    const told = pods(doc(set('a'), [{ at: '1s', apply: [set('b')] }]))
    expect(said(told)).toEqual([
      '1000 terminate',
      '3100 delete',
      '3100 apply',
      '6100 apply',
      '6100 terminate',
      '8200 delete',
      '8200 apply',
      '11200 apply',
    ])
  })
})

describe('a node', () => {
  const node = (n: 1 | 2, status: string): Manifest => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: `node${n}` },
    status: { conditions: [{ type: 'Ready', status }] },
  })

  it('that is NotReady has no ready endpoints, until it is ready again', () => {
    const given = workload('Deployment', { replicas: 2, template: template('a') })
    const p = played(
      doc(given, [
        { at: '500ms', apply: [node(2, 'Unknown')] },
        { at: '3s', apply: [node(2, 'True')] },
      ]),
    )
    const ready = (at: number) =>
      p.timeline
        .at(p.steps.findLastIndex((e) => e.t <= at * 1e6))
        .list('object')
        .filter((o) => o.objectKind === 'EndpointSlice' && o.name.startsWith('web'))
        .flatMap((o) => (o.manifest.endpoints as { conditions: { ready: boolean } }[]).filter((e) => e.conditions.ready)).length
    expect([ready(400), ready(1000), ready(3100)]).toEqual([2, 1, 2])
  })

  it('keeps its range and addresses, and can only be cut off', () => {
    const moved = { ...node(2, 'True'), spec: { podCIDR: '10.244.9.0/24' } }
    const given = workload('Deployment', { replicas: 1, template: template('a') })
    expect(errorsOf(doc(given, [{ at: '1s', apply: [moved] }])).join()).toMatch(
      /apply\[0\]\.spec\.podCIDR: found 10\.244\.9\.0\/24/,
    )
    expect(errorsOf(doc(given, [{ at: '1s', unplug: ['node9'] }])).join()).toMatch(
      /unplug\[0\]: there is no node "node9"; expected node1 or node2/,
    )
  })

  it('that is cut off keeps its rules, and pods there are beyond reach', () => {
    const given = workload('Deployment', { replicas: 2, template: template('a') })
    const late = { journey: 0, at: '2s', apply: [clientPod('x', 'node2', '10.244.2.77')] }
    expect(errorsOf(doc(given, [{ at: '1s', unplug: ['node2'] }, late])).join()).toMatch(
      /^changes\[1\]\.apply\[0\]\.spec\.nodeName: node2 is cut off by then/,
    )
  })
})
