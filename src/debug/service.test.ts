import { describe, expect, it } from 'vitest'
import { buildWorld } from '../cluster/build.ts'
import type { CheckId } from '../explain/service-check.ts'
import { CHECK_IDS, CHECK_WORDS } from '../explain/service-check.ts'
import { LIBRARY } from '../library/index.ts'
import { parseScenario } from '../scenario/parse.ts'
import { run } from '../sim/run.ts'
import { TraceReader } from '../trace/reader.ts'
import { headlineOf } from './headline.ts'
import type { ServiceQuestion, ServiceReport } from './report.ts'
import { debugService } from './service.ts'

const NODES = `
  - { apiVersion: v1, kind: Node, metadata: { name: node1 }, spec: { podCIDR: 10.244.1.0/24 } }
  - { apiVersion: v1, kind: Node, metadata: { name: node2 }, spec: { podCIDR: 10.244.2.0/24 } }
  - { apiVersion: v1, kind: Pod, metadata: { name: client }, spec: { nodeName: node1, containers: [ { name: c } ] } }`
const pod = (more: string, labels = '{ app: web }', name = 'web-1') =>
  `\n  - { apiVersion: v1, kind: Pod, metadata: { name: ${name}, labels: ${labels} }, ${more} }`
const SERVING = 'spec: { nodeName: node2, containers: [ { name: c, ports: [ { name: http, containerPort: 8080 } ] } ] }'
const service = (spec: string) =>
  `\n  - { apiVersion: v1, kind: Service, metadata: { name: web }, spec: { clusterIP: 10.96.0.10, ${spec} } }`
const WEB = service('selector: { app: web }, ports: [ { port: 80, targetPort: 8080 } ]')

async function report(objects: string, question: Partial<ServiceQuestion> = {}, more = ''): Promise<ServiceReport> {
  const parsed = await parseScenario(`hopscope: 1${more}\nobjects:${NODES}${objects}\n`)
  if (!parsed.ok) throw new Error(parsed.error.map((e) => `${e.path} ${e.message}`).join('; '))
  const world = buildWorld(parsed.value)
  if (!world.ok) throw new Error(world.error.map((e) => `${e.path} ${e.message}`).join('; '))
  const made = debugService(world.value, { namespace: 'default', name: 'web', ...question }, 1)
  if (made === undefined) throw new Error('nobody to ask')
  expect(made.checks.map((c) => c.id)).toEqual([...CHECK_IDS])
  const trace = run(world.value, made.journeys, { seed: 1 })
  for (const { step } of made.checks) if (step !== undefined) expect(step).toBeLessThan(trace.events.length)
  return made
}
const failing = (r: ServiceReport): readonly CheckId[] => r.checks.flatMap((c) => (c.status === 'failed' ? [c.id] : []))
const codes = (r: ServiceReport, id: CheckId) => r.checks.find((c) => c.id === id)?.findings.map((f) => f.code)
const said = (r: ServiceReport, id: CheckId) =>
  r.checks
    .find((c) => c.id === id)
    ?.findings.map((f) => CHECK_WORDS.en.finding(f))
    .join(' ')

describe('a Service that works', () => {
  it('passes every check, with the command one would run and what it prints', async () => {
    const r = await report(pod(SERVING) + WEB, {}, '\ncluster: { network: { hairpinMode: true } }')
    expect(r.checks.map((c) => `${c.id} ${c.status}`)).toEqual([
      'exists ok',
      'dns not-needed',
      'by-ip ok',
      'ports ok',
      'endpoints ok',
      'pods ok',
      'kube-proxy ok',
      'hairpin ok',
    ])
    for (const c of r.checks.filter((x) => x.status === 'ok')) {
      expect(c.runs.length).toBeGreaterThan(0)
      for (const one of c.runs) expect(one.output).not.toBe('')
    }
    expect(r.from).toBe('pod/client')
    expect(r.checks[2]?.runs[0]).toMatchObject({ from: 'pod/client', command: 'curl -sS -m 5 http://10.96.0.10/' })
  })
})

describe('a Service that does not', () => {
  it('does not exist: says where one of its name is', async () => {
    const r = await report(pod(SERVING) + WEB, { namespace: 'shop' })
    expect(failing(r)).toEqual(['exists'])
    expect(said(r, 'exists')).toContain('namespace default')
  })
  it('selects nothing: names the nearest pod and the label, and proves it by the REJECT', async () => {
    const r = await report(pod(SERVING, '{ app: website }') + WEB)
    expect(failing(r)).toEqual(['by-ip', 'endpoints'])
    expect(said(r, 'endpoints')).toContain('default/web-1: it has app=website, the selector wants app=web')
    const world = await worldOf(pod(SERVING, '{ app: website }') + WEB)
    const reader = new TraceReader(run(world, r.journeys, { seed: 1 }))
    const step = reader.step(r.checks.find((c) => c.id === 'endpoints')?.step ?? -1)
    expect(step.kind).toBe('drop')
  })
  it('selects pods that are not ready', async () => {
    const r = await report(pod(`${SERVING}, status: { conditions: [ { type: Ready, status: "False" } ] }`) + WEB)
    expect(failing(r)).toEqual(['by-ip', 'endpoints'])
    expect(codes(r, 'endpoints')).toEqual(['none-ready'])
  })
  it('leads to a port where nobody listens', async () => {
    const r = await report(pod(SERVING) + service('selector: { app: web }, ports: [ { port: 80, targetPort: 9376 } ]'))
    expect(failing(r)).toEqual(['by-ip', 'ports', 'pods', 'hairpin'])
    expect(said(r, 'ports')).toBe('Port 80 leads to 9376/TCP, where nothing listens in pod/web-1; it listens on 8080.')
    expect(said(r, 'by-ip')).toContain('ECONNREFUSED')
  })
  it('names a target port that no container has', async () => {
    const r = await report(pod(SERVING) + service('selector: { app: web }, ports: [ { port: 80, targetPort: web } ]'))
    expect(codes(r, 'ports')).toEqual(['no-such-port-name'])
  })
  it('has rules for pods that are gone: what kube-proxy wrote is not what the slices say', async () => {
    const stale = `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SEP-A - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SEP-A
-A KUBE-SEP-A -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 10.244.2.77:8080
COMMIT`
    const override = `\noverrides: { node1: { iptables: ${JSON.stringify(stale)} } }`
    const r = await report(pod(SERVING) + WEB, {}, override)
    expect(failing(r)).toContain('kube-proxy')
    expect(codes(r, 'kube-proxy')).toEqual(['stale'])
    expect(said(r, 'kube-proxy')).toContain('They still send to 10.244.2.77:8080. They never send to 10.244.2.2:8080.')
  })
  it('has no rules at all on the node that asks', async () => {
    const r = await report(pod(SERVING) + WEB, {}, '\noverrides: { node1: { iptables: "*nat\\nCOMMIT\\n" } }')
    expect(codes(r, 'kube-proxy')).toEqual(['not-proxied'])
  })
  it('cannot be reached by its own pod where hairpin mode is off: the drop is the proof', async () => {
    const r = await report(pod(SERVING) + WEB)
    expect(failing(r)).toEqual(['hairpin'])
    expect(said(r, 'hairpin')).toContain('hairpin mode off')
    const reader = new TraceReader(run(await worldOf(pod(SERVING) + WEB), r.journeys, { seed: 1 }))
    expect(reader.step(r.checks.at(-1)?.step ?? -1).kind).toMatch(/drop|bridge/)
  })
  it('is only a caution that its pod cannot reach itself, unless that pod is who asks, or something else fails', async () => {
    const healthy = await report(pod(SERVING) + WEB)
    expect(headlineOf(healthy, [{ from: 'pod/client', run: 'curl http://10.96.0.10/' }])).toEqual({ kind: 'caution', at: 7 })
    expect(headlineOf(healthy, [{ from: 'pod/web-1', run: 'curl http://10.96.0.10/' }])).toEqual({ kind: 'failed', at: 7 })
    const itself = await report(pod(SERVING) + WEB, { from: 'pod/web-1' })
    expect(headlineOf(itself, []).kind).toBe('failed')
    const wrong = await report(pod(SERVING) + service('selector: { app: web }, ports: [ { port: 80, targetPort: 81 } ]'))
    expect(headlineOf(wrong, [])).toEqual({ kind: 'failed', at: 2 })
    const fine = await report(pod(SERVING) + WEB, {}, '\ncluster: { network: { hairpinMode: true } }')
    expect(headlineOf(fine, [])).toEqual({ kind: 'ok' })
  })
})

async function worldOf(objects: string) {
  const parsed = await parseScenario(`hopscope: 1\nobjects:${NODES}${objects}\n`)
  const world = parsed.ok ? buildWorld(parsed.value) : parsed
  if (!world.ok) throw new Error('no world')
  return world.value
}

describe('the built-in scenarios', () => {
  it.each([
    ['broken-no-endpoints', 'by-ip'],
    ['broken-endpoint-gone', 'by-ip'],
  ])('%s fails first at %s', (id, first) => {
    const entry = LIBRARY.find((e) => e.id === id)
    const world = entry === undefined ? undefined : buildWorld(entry.document)
    if (entry === undefined || world?.ok !== true) throw new Error(id)
    const service = [...world.value.values()].find(
      (r) => r.kind === 'object' && r.objectKind === 'Service' && r.name !== 'kubernetes',
    )
    if (service?.kind !== 'object') throw new Error('it has no Service')
    const r = debugService(world.value, { namespace: 'default', name: service.name }, entry.document.seed)
    expect(r?.checks.find((c) => c.status === 'failed')?.id).toBe(first)
  })
})

it('has every sentence in both languages', () => {
  for (const id of CHECK_IDS) expect(CHECK_WORDS.zh.question[id]).toMatch(/[\u4e00-\u9fff]/)
})
