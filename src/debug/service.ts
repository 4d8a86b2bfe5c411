import type { CheckId, Finding } from '../explain/service-check.ts'
import { parseCommand } from '../sim/processes/index.ts'
import { run } from '../sim/run.ts'
import type { Trace } from '../trace/trace.ts'
import { viewOf, type World, type WorldView } from '../world/world.ts'
import { type Answer, Asked, check, errorOf, noAddress, reachCheck, runOf, stepOf } from './asked.ts'
import { checkDns } from './check-dns.ts'
import { checkEndpoints, checkPods } from './check-endpoints.ts'
import { checkHairpin } from './check-hairpin.ts'
import { checkKubeProxy } from './check-kube-proxy.ts'
import { metItself } from './hairpin.ts'
import { checkPorts } from './ports.ts'
import { namesOf, type Probe, probesOf } from './probes.ts'
import type { Check, ServiceQuestion, ServiceReport } from './report.ts'
import { askingPlace, findService, hasClusterDns, type Subject, servicesNamed, subjectOf } from './subject.ts'

/**
 * The checks of the Kubernetes documentation's "Debug Services", in its order, each evaluated: what the objects say is read,
 * what the network says is asked of it, command by command, in one run of the engine. Same world and seed, same report.
 * Undefined when there is no place to ask from.
 */
export function debugService(world: World, question: ServiceQuestion, seed: number): ServiceReport | undefined {
  const view = viewOf(world)
  const record = findService(view, question.namespace, question.name)
  const subject = record === undefined ? undefined : subjectOf(view, record)
  const from = askingPlace(view, question, subject?.endpoints ?? [])
  if (from === undefined) return undefined
  const probes = (subject === undefined ? lookups(view, question, from) : probesOf(view, subject, from)).filter(
    (p) => parseCommand(p.journey.run).ok,
  )
  const trace = run(
    world,
    probes.map((p) => p.journey),
    { seed },
  )
  const answers = upToHairpin(probes, trace)
  const asked = new Asked(view, question, from, answers)
  const checks = subject === undefined ? absent(asked) : present(asked, subject)
  return {
    service: { namespace: question.namespace, name: question.name },
    from,
    checks,
    journeys: answers.map((a) => a.probe.journey),
  }
}

/** Without the Service only its name can be asked for. */
const lookups = (view: WorldView, question: ServiceQuestion, from: string): Probe[] =>
  hasClusterDns(view)
    ? [
        {
          check: 'dns',
          about: namesOf(question, from).short,
          journey: { from, run: `nslookup ${namesOf(question, from).short}` },
        },
      ]
    : []

/** The attempts end with the first in which a pod met itself: what comes later cannot change what came before. */
function upToHairpin(probes: readonly Probe[], trace: Trace): Answer[] {
  const answers = probes.flatMap((probe, index): Answer[] => {
    const result = trace.journeys[index]
    if (result === undefined) return []
    const self = probe.check === 'hairpin' ? metItself(trace, probe, result) : undefined
    return [{ probe, index, result, ...(self === undefined ? {} : { self }) }]
  })
  const met = answers.findIndex((a) => a.self !== undefined)
  return met < 0 ? answers : answers.slice(0, met + 1)
}

function absent(asked: Asked): Check[] {
  const { namespace, name } = asked.question
  const elsewhere = servicesNamed(asked.view, name).filter((n) => n !== namespace)
  const lookup = asked.of('dns')[0]
  const service = `${namespace}/${name}`
  const missing: Finding = { code: 'missing', service, elsewhere }
  const none = (id: CheckId): Check => check(id, 'not-needed', [{ code: 'no-service' }], [])
  return [
    check(
      'exists',
      'failed',
      [missing],
      [asked.kubectl(`get service ${name}`)],
      lookup === undefined ? undefined : stepOf(lookup),
    ),
    lookup === undefined
      ? none('dns')
      : check(
          'dns',
          'failed',
          [{ code: 'not-resolved', name: lookup.probe.about, error: errorOf(lookup) }],
          [runOf(lookup)],
          stepOf(lookup),
        ),
    ...(['by-ip', 'ports', 'endpoints', 'pods', 'kube-proxy', 'hairpin'] as const).map(none),
  ]
}

function present(asked: Asked, subject: Subject): Check[] {
  const byIp = checkByIp(asked, subject)
  // What only the objects show is proven by what it does to a packet.
  const proven = (c: Check): Check =>
    c.status === 'failed' && c.step === undefined && byIp.step !== undefined && byIp.status === 'failed'
      ? { ...c, step: byIp.step }
      : c
  const checks = [
    check(
      'exists',
      'ok',
      [{ code: 'exists', type: subject.type, clusterIP: subject.clusterIP ?? '' }],
      [asked.kubectl(`get service ${subject.name}`)],
    ),
    checkDns(asked, subject),
    byIp,
    proven(checkPorts(asked.view, subject, asked.kubectl(`describe service ${subject.name}`))),
    proven(checkEndpoints(asked, subject)),
    checkPods(asked),
    checkKubeProxy(asked, subject),
    checkHairpin(asked, subject),
  ]
  const failed = checks.filter((c) => c.status === 'failed')
  const asksItself = subject.endpoints.some((e) => e.pod?.name === asked.from)
  const [hairpin] = failed
  if (failed.length !== 1 || hairpin?.id !== 'hairpin' || asksItself) return checks
  const pod = hairpin.findings.find((f) => f.code === 'hairpin-fails')?.pod
  return pod === undefined ? checks : checks.map((c) => (c === hairpin ? { ...c, onlyFor: pod } : c))
}

function checkByIp(asked: Asked, subject: Subject): Check {
  if (subject.clusterIP === undefined) return check('by-ip', 'not-needed', [noAddress(subject)], [])
  const answers = asked.of('by-ip')
  if (answers.length === 0) {
    const what = subject.ports.length === 0 ? undefined : 'SCTP'
    return what === undefined
      ? check('by-ip', 'failed', [{ code: 'no-ports' }], [])
      : check('by-ip', 'unknown', [{ code: 'not-modelled', what }], [])
  }
  return reachCheck('by-ip', answers, (a) => ({ code: 'not-reached', address: a.probe.about, error: errorOf(a) }))
}
