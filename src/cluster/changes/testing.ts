import { expect } from 'vitest'
import { execCommand } from '../../console/exec.ts'
import type { ScenarioDocument } from '../../scenario/document.ts'
import { run } from '../../sim/run.ts'
import { checkGrammar } from '../../trace/grammar.ts'
import { TraceReader } from '../../trace/reader.ts'
import { Timeline } from '../../trace/timeline.ts'
import type { NetnsId } from '../../world/ids.ts'
import { playOf } from '../play.ts'

/** What a document with changes comes to. */
export function played(doc: ScenarioDocument) {
  const play = playOf(doc)
  if (!play.ok) throw new Error(play.error.map((e) => `${e.path}: ${e.message}`).join('\n'))
  const { world, journeys, changes } = play.value
  const reader = new TraceReader(run(world, journeys, { seed: doc.seed, changes }))
  expect(checkGrammar(reader)).toEqual([])
  const timeline = new Timeline(reader)
  const steps = Array.from({ length: reader.length }, (_, s) => reader.event(s))
  return {
    reader,
    timeline,
    steps,
    outputs: reader.trace.journeys.map((j) => j.output),
    verdicts: reader.trace.journeys.map((j) => j.verdict.kind),
    /** `1020 ms node1 sync netns:node1` */
    told: steps.flatMap((e) =>
      e.step.kind === 'change'
        ? [`${Math.round(e.t / 1e6)} ms ${e.netns.slice('netns:'.length)} ${e.step.change} ${e.step.record}`]
        : [],
    ),
    /** What a command prints in a namespace, at the end or at the end of a journey. */
    says: (netns: string, command: string, journey?: number) => {
      const at = journey === undefined ? reader.length - 1 : (reader.trace.journeys[journey]?.last ?? 0)
      return execCommand(timeline.at(at), `netns:${netns}` as NetnsId, command).stdout
    },
  }
}

export const errorsOf = (doc: ScenarioDocument): string[] => {
  const play = playOf(doc)
  return play.ok ? [] : play.error.map((e) => `${e.path}: ${e.message}`)
}
