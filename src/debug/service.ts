import { stringsAt } from '../base/fields.ts'
import { execCommand } from '../console/exec.ts'
import type { CheckId, Finding } from '../explain/service-check.ts'
import { formatIpv4, parseIpv4 } from '../net/address.ts'
import { parseCommand } from '../sim/processes/index.ts'
import { run } from '../sim/run.ts'
import type { JourneyResult, Trace } from '../trace/trace.ts'
import { viewOf, type World, type WorldView } from '../world/world.ts'
import { type MetItself, metItself } from './hairpin.ts'
import { checkPorts } from './ports.ts'
import { namesOf, nodeOf, type Probe, probesOf, readyOf } from './probes.ts'
import type { Check, CheckRun, ServiceQuestion, ServiceReport } from './report.ts'
import { rulesOf } from './rules.ts'
import { nearestPod, selectorText } from './selector.ts'
import { askingPlace, findService, hasClusterDns, podsOf, type Subject, servicesNamed, subjectOf } from './subject.ts'

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

interface Answer {
  readonly probe: Probe
  readonly index: number
  readonly result: JourneyResult
  /** For a hairpin attempt in which the pod was sent to itself. */
  readonly self?: MetItself
}

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

/** What was asked, with the helpers that the checks share. */
class Asked {
  readonly view: WorldView
  readonly question: ServiceQuestion
  readonly from: string
  readonly answers: readonly Answer[]

  constructor(view: WorldView, question: ServiceQuestion, from: string, answers: readonly Answer[]) {
    this.view = view
    this.question = question
    this.from = from
    this.answers = answers
  }

  of(check: CheckId): readonly Answer[] {
    return this.answers.filter((a) => a.probe.check === check)
  }

  kubectl(line: string): CheckRun {
    const command = `kubectl ${line} -n ${this.question.namespace}`
    const { stdout, stderr } = execCommand(this.view, this.view.list('netns')[0]?.id ?? '', command)
    return { command, output: stderr + stdout }
  }
}

const runOf = ({ probe, index, result }: Answer): CheckRun => ({
  from: probe.journey.from,
  command: probe.journey.run,
  output: result.output,
  journey: index,
})

const answered = (a: Answer): boolean => a.result.verdict.kind === 'answered'
const errorOf = ({ result: { verdict } }: Answer): string =>
  verdict.kind === 'failed' ? verdict.error : verdict.kind === 'undetermined' ? verdict.what : ''

/** The step that decided it, or the journey's last. */
const stepOf = ({ result }: Answer): number =>
  result.verdict.kind !== 'answered' && result.verdict.decidedBy !== undefined ? result.verdict.decidedBy : result.last

const check = (
  id: CheckId,
  status: Check['status'],
  findings: readonly Finding[],
  runs: readonly CheckRun[],
  step?: number,
): Check => ({ id, status, findings, runs, ...(step === undefined ? {} : { step }) })

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

function checkDns(asked: Asked, subject: Subject): Check {
  if (!hasClusterDns(asked.view)) return check('dns', 'not-needed', [{ code: 'no-dns' }], [])
  const [short, full] = asked.of('dns')
  if (short === undefined || full === undefined) return check('dns', 'unknown', [{ code: 'not-modelled', what: 'nslookup' }], [])
  const runs = [runOf(short), runOf(full)]
  const name = short.probe.about
  if (!answered(short)) {
    const finding: Finding = answered(full)
      ? { code: 'only-in-full', name, full: full.probe.about }
      : { code: 'not-resolved', name, error: errorOf(short) }
    return check('dns', 'failed', [finding], runs, stepOf(short))
  }
  const addresses = addressesIn(short.result.output)
  const expected = subject.clusterIP === undefined ? [...new Set(readyOf(subject).map((e) => e.address))] : [subject.clusterIP]
  const agrees = subject.type === 'ExternalName' || sameSet(addresses, expected)
  if (agrees) return check('dns', 'ok', [{ code: 'resolved', name, addresses }], runs, short.result.last)
  return check('dns', 'failed', [{ code: 'resolved-otherwise', name, addresses, expected }], runs, short.result.last)
}

/** The answers that nslookup prints: `Address: 10.96.0.10` after a name, not the server's `Address: 10.96.0.10#53`. */
const addressesIn = (output: string): string[] => [
  ...new Set(
    [...output.matchAll(/^Name:[^\n]*\nAddress: (\S+)$/gm)].flatMap((m) => {
      const parsed = parseIpv4(m[1] ?? '')
      return parsed.ok ? [formatIpv4(parsed.value)] : []
    }),
  ),
]

const sameSet = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((x) => b.includes(x))

const noAddress = (subject: Subject): Finding => ({ code: 'no-cluster-ip', type: subject.headless ? 'headless' : 'ExternalName' })

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

/** All asked answer, or the first that does not. */
function reachCheck(id: CheckId, answers: readonly Answer[], failing: (a: Answer) => Finding): Check {
  const bad = answers.filter((a) => !answered(a))
  const [first] = bad
  const runs = answers.map(runOf)
  if (first !== undefined) {
    const unknown = bad.every((a) => a.result.verdict.kind === 'undetermined')
    if (unknown) return check(id, 'unknown', [{ code: 'not-modelled', what: errorOf(first) }], runs, stepOf(first))
    return check(id, 'failed', bad.map(failing), runs, stepOf(first))
  }
  const step = answers[0]?.result.last
  return check(
    id,
    'ok',
    answers.map((a) => ({ code: 'reached', address: a.probe.about })),
    runs,
    step,
  )
}

function checkEndpoints(asked: Asked, subject: Subject): Check {
  const runs = [asked.kubectl(`get endpointslices -l kubernetes.io/service-name=${subject.name}`)]
  if (subject.type === 'ExternalName') return check('endpoints', 'not-needed', [noAddress(subject)], [])
  const ready = [...new Set(readyOf(subject).map((e) => `${e.address}:${e.port}`))]
  if (ready.length > 0) return check('endpoints', 'ok', [{ code: 'endpoints', addresses: ready }], runs)
  const { selector } = subject
  if (selector === undefined) return check('endpoints', 'failed', [{ code: 'no-selector' }], runs)
  const pods = podsOf(asked.view, subject.namespace)
  const matching = pods.filter((p) =>
    Object.entries(selector).every(([k, v]) => stringsAt(p.manifest, 'metadata', 'labels')[k] === v),
  )
  const withPods = [...runs, asked.kubectl(`get pods -l ${selectorText(selector)}`)]
  if (matching.length > 0)
    return check('endpoints', 'failed', [{ code: 'none-ready', pods: matching.map((p) => p.label) }], withPods)
  const nearest = nearestPod(selector, pods)
  const finding: Finding = {
    code: 'selects-nothing',
    selector: selectorText(selector),
    ...(nearest === undefined ? {} : { nearest }),
  }
  return check('endpoints', 'failed', [finding], [...withPods, asked.kubectl('get pods --show-labels')])
}

function checkPods(asked: Asked): Check {
  const answers = asked.of('pods')
  if (answers.length === 0) return check('pods', 'not-needed', [{ code: 'nothing-to-ask' }], [])
  const result = reachCheck('pods', answers, (a): Finding => {
    const { about: address, pod } = a.probe
    return pod === undefined
      ? { code: 'endpoint-without-pod', address, error: errorOf(a) }
      : { code: 'pod-silent', pod: pod.name, address, error: errorOf(a) }
  })
  return result.status === 'ok' ? { ...result, findings: [{ code: 'pods-answer', count: answers.length }] } : result
}

function checkKubeProxy(asked: Asked, subject: Subject): Check {
  const node = nodeOf(asked.view, asked.from)
  if (subject.clusterIP === undefined || node === undefined) return check('kube-proxy', 'not-needed', [noAddress(subject)], [])
  const { clusterIP } = subject
  const answers = asked.of('kube-proxy')
  const runs: CheckRun[] = []
  const reached = answers.every(answered)
  const bad: Finding[] = []
  const good: Finding[] = []
  for (const port of subject.ports) {
    const found = rulesOf(asked.view, node, subject, port)
    runs.push(...found.runs)
    const wanted = readyOf(subject).flatMap((e) => (e.of === port ? [`${e.address}:${e.port}`] : []))
    const { mode, targets } = found
    // Without endpoints there is one rule in filter, which refuses; that is the endpoints' fault.
    if (wanted.length === 0) continue
    if (!found.present) bad.push({ code: 'not-proxied', mode, node })
    else if (targets !== undefined && !sameSet(targets, wanted)) {
      const [gone, lacking] = [targets.filter((t) => !wanted.includes(t)), wanted.filter((t) => !targets.includes(t))]
      bad.push({ code: 'stale', mode, node, gone, lacking })
    } else good.push({ code: 'proxied', mode, node, targets: targets ?? [`${clusterIP}:${port.port}`], reached })
  }
  runs.push(...answers.map(runOf))
  const silent = answers.find((a) => !answered(a))
  const step = silent === undefined ? answers[0]?.result.last : stepOf(silent)
  if (bad.length > 0) return check('kube-proxy', 'failed', bad, runs, step)
  if (good.length === 0) return check('kube-proxy', 'not-needed', [{ code: 'nothing-to-ask' }], runs)
  if (silent !== undefined) {
    // A pod that is silent by itself is silent from the node too: not kube-proxy's doing.
    const podsAnswer = asked.of('pods').every(answered)
    if (podsAnswer)
      return check(
        'kube-proxy',
        'failed',
        [{ code: 'node-cannot', node, address: silent.probe.about, error: errorOf(silent) }],
        runs,
        step,
      )
  }
  return check('kube-proxy', 'ok', good, runs, step)
}

function checkHairpin(asked: Asked, subject: Subject): Check {
  const attempts = asked.of('hairpin')
  const [first] = attempts
  if (first === undefined) {
    const finding: Finding = subject.clusterIP === undefined ? noAddress(subject) : { code: 'nothing-to-ask' }
    return check('hairpin', 'not-needed', [finding], [])
  }
  const pod = first.probe.pod?.name ?? first.probe.journey.from
  const met = attempts.find((a) => a.self !== undefined)
  if (met?.self === undefined)
    return check(
      'hairpin',
      'unknown',
      [{ code: 'hairpin-not-met', pod, attempts: attempts.length }],
      [runOf(first)],
      stepOf(first),
    )
  if (met.self.lost === undefined && answered(met))
    return check('hairpin', 'ok', [{ code: 'hairpin-works', pod }], [runOf(met)], met.result.last)
  const finding: Finding = {
    code: 'hairpin-fails',
    pod,
    ...(answered(met) ? {} : { error: errorOf(met) }),
    portFlag: portFlagOf(asked.view, met.probe),
  }
  return check('hairpin', 'failed', [finding], [runOf(met)], met.self.lost ?? stepOf(met))
}

/** Hairpin mode of the bridge port that a pod hangs on. */
function portFlagOf(view: WorldView, { pod }: Probe): boolean | undefined {
  const eth0 = view.list('device', pod?.id ?? '').find((d) => d.link.kind === 'veth')
  const port = eth0?.link.kind === 'veth' ? view.get('device', eth0.link.peer) : undefined
  return port?.master?.hairpin
}
