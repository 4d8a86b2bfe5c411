import type { Finding } from '../explain/service-check.ts'
import type { WorldView } from '../world/world.ts'
import { type Asked, answered, check, errorOf, noAddress, runOf, stepOf } from './asked.ts'
import type { Probe } from './probes.ts'
import type { Check } from './report.ts'
import type { Subject } from './subject.ts'

/** Does a pod reach itself through its Service? */
export function checkHairpin(asked: Asked, subject: Subject): Check {
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
