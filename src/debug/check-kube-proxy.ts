import type { Finding } from '../explain/service-check.ts'
import { type Asked, answered, check, errorOf, noAddress, runOf, sameSet, stepOf } from './asked.ts'
import { nodeOf, readyOf } from './probes.ts'
import type { Check, CheckRun } from './report.ts'
import { rulesOf } from './rules.ts'
import type { Subject } from './subject.ts'

/** Has kube-proxy written the Service's rules on the node, for its endpoints of now? */
export function checkKubeProxy(asked: Asked, subject: Subject): Check {
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
