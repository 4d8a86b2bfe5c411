import { stringsAt } from '../base/fields.ts'
import type { Finding } from '../explain/service-check.ts'
import { type Asked, check, errorOf, noAddress, reachCheck } from './asked.ts'
import { readyOf } from './probes.ts'
import type { Check } from './report.ts'
import { nearestPod, selectorText } from './selector.ts'
import { podsOf, type Subject } from './subject.ts'

/** Does the Service have endpoints, and if not, why? */
export function checkEndpoints(asked: Asked, subject: Subject): Check {
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

/** Do the pods behind it answer by themselves? */
export function checkPods(asked: Asked): Check {
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
