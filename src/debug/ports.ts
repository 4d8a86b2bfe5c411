import { type Fields, listAt, numberAt, stringsAt, textAt } from '../base/fields.ts'
import type { Finding } from '../explain/service-check.ts'
import type { WorldView } from '../world/world.ts'
import { readyOf } from './probes.ts'
import type { Check, CheckRun } from './report.ts'
import { podsOf, type Subject, type SubjectPod, type SubjectPort } from './subject.ts'

/** Whether every port leads somewhere: a named target is a container port, and something listens where it points. */
export function checkPorts(view: WorldView, subject: Subject, described: CheckRun): Check {
  const done = (status: Check['status'], findings: readonly Finding[]): Check => ({
    id: 'ports',
    status,
    findings,
    runs: [described],
  })
  if (subject.type === 'ExternalName') return done('not-needed', [{ code: 'no-cluster-ip', type: 'ExternalName' }])
  if (subject.ports.length === 0) return done(subject.headless ? 'not-needed' : 'failed', [{ code: 'no-ports' }])
  const { selector } = subject
  const behind =
    selector === undefined
      ? []
      : podsOf(view, subject.namespace).filter((p) =>
          Object.entries(selector).every(([k, v]) => stringsAt(p.manifest, 'metadata', 'labels')[k] === v),
        )
  const bad = subject.ports.flatMap((p) => [...namedNowhere(p, behind), ...nobodyListens(view, subject, p)])
  if (bad.length > 0) return done('failed', bad)
  return done('ok', [{ code: 'ports-agree', ports: subject.ports.map((p) => `${p.port} → ${p.targetPort}/${p.protocol}`) }])
}

function namedNowhere(port: SubjectPort, pods: readonly SubjectPod[]): Finding[] {
  const { targetPort } = port
  if (typeof targetPort === 'number' || /^\d+$/.test(targetPort) || pods.length === 0) return []
  const has = (pod: Fields) =>
    listAt(pod, 'spec', 'containers').some((c) =>
      listAt(c, 'ports').some((p) => textAt(p, 'name') === targetPort && numberAt(p, 'containerPort') !== undefined),
    )
  if (pods.some((p) => has(p.manifest))) return []
  return [{ code: 'no-such-port-name', port: port.port, targetPort, pods: pods.map((p) => p.label) }]
}

/** A process of the pod listens there, as `ss -lntu` in it would show. Pods without any process are imported ones: nothing is known. */
function nobodyListens(view: WorldView, subject: Subject, port: SubjectPort): Finding[] {
  if (port.protocol === 'SCTP') return []
  const endpoint = readyOf(subject).find((e) => e.of === port && e.pod?.role === 'pod')
  if (endpoint?.pod === undefined) return []
  const listening = view.list('process', endpoint.pod.id).flatMap((p) => listensOn(p.argv))
  if (listening.length === 0) return []
  if (listening.includes(endpoint.port)) return []
  return [
    {
      code: 'nobody-listens',
      port: port.port,
      targetPort: `${endpoint.port}/${port.protocol}`,
      pod: endpoint.pod.name,
      listening: listening.map(String),
    },
  ]
}

/** The port in a server's arguments: `httpd -p 8080`. */
const listensOn = (argv: readonly string[]): number[] =>
  argv.flatMap((a, i) => (argv[i - 1] === '-p' && /^\d+$/.test(a) ? [Number(a)] : []))
