import { execCommand } from '../console/exec.ts'
import type { CheckId, Finding } from '../explain/service-check.ts'
import type { JourneyResult } from '../trace/trace.ts'
import type { WorldView } from '../world/world.ts'
import type { MetItself } from './hairpin.ts'
import type { Probe } from './probes.ts'
import type { Check, CheckRun, ServiceQuestion } from './report.ts'
import type { Subject } from './subject.ts'

// What was asked of the network and what came back, and what a check makes of it.

export interface Answer {
  readonly probe: Probe
  readonly index: number
  readonly result: JourneyResult
  /** For a hairpin attempt in which the pod was sent to itself. */
  readonly self?: MetItself
}

/** What was asked, with the helpers that the checks share. */
export class Asked {
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

export const runOf = ({ probe, index, result }: Answer): CheckRun => ({
  from: probe.journey.from,
  command: probe.journey.run,
  output: result.output,
  journey: index,
})

export const answered = (a: Answer): boolean => a.result.verdict.kind === 'answered'
export const errorOf = ({ result: { verdict } }: Answer): string =>
  verdict.kind === 'failed' ? verdict.error : verdict.kind === 'undetermined' ? verdict.what : ''

/** The step that decided it, or the journey's last. */
export const stepOf = ({ result }: Answer): number =>
  result.verdict.kind !== 'answered' && result.verdict.decidedBy !== undefined ? result.verdict.decidedBy : result.last

export const check = (
  id: CheckId,
  status: Check['status'],
  findings: readonly Finding[],
  runs: readonly CheckRun[],
  step?: number,
): Check => ({ id, status, findings, runs, ...(step === undefined ? {} : { step }) })

export const noAddress = (subject: Subject): Finding => ({
  code: 'no-cluster-ip',
  type: subject.headless ? 'headless' : 'ExternalName',
})

export const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((x) => b.includes(x))

/** All asked answer, or the first that does not. */
export function reachCheck(id: CheckId, answers: readonly Answer[], failing: (a: Answer) => Finding): Check {
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
