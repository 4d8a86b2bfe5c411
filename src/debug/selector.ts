import { stringsAt } from '../base/fields.ts'
import type { SubjectPod } from './subject.ts'

type Labels = Readonly<Record<string, string>>

/** As `kubectl get -l` takes it. */
export const selectorText = (selector: Labels): string =>
  Object.entries(selector)
    .map(([k, v]) => `${k}=${v}`)
    .join(',')

/** The pod that fails fewest of a selector's requirements, and the first that it fails; nobody who has none of its keys. */
export function nearestPod(
  selector: Labels,
  pods: readonly SubjectPod[],
): { pod: string; has: string; wants: string } | undefined {
  const wanted = Object.entries(selector)
  let best: { pod: string; has: string; wants: string; failing: number } | undefined
  for (const p of pods) {
    const labels = stringsAt(p.manifest, 'metadata', 'labels')
    if (!wanted.some(([k]) => Object.hasOwn(labels, k))) continue
    const failing = wanted.filter(([k, v]) => labels[k] !== v)
    const [first] = failing
    if (first === undefined || (best !== undefined && best.failing <= failing.length)) continue
    const [key, value] = first
    const has = Object.hasOwn(labels, key) ? `${key}=${labels[key]}` : selectorText(labels)
    best = { pod: p.label, has, wants: `${key}=${value}`, failing: failing.length }
  }
  return best === undefined ? undefined : { pod: best.pod, has: best.has, wants: best.wants }
}
