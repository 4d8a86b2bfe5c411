import { checkGrammar } from '../../trace/grammar.ts'
import { TraceReader } from '../../trace/reader.ts'
import type { Step, StepKind, TraceEvent } from '../../trace/step.ts'
import { Timeline } from '../../trace/timeline.ts'
import type { World, WorldView } from '../../world/world.ts'
import { type JourneyCommand, run } from '../run.ts'

/** What a test asks of a run. Every run a test makes is checked against the grammar on the way. */
export interface Played {
  readonly reader: TraceReader
  /** stdout and stderr of each journey. */
  readonly output: readonly string[]
  readonly exitCodes: readonly number[]
  events<K extends StepKind>(kind: K): readonly (TraceEvent & { readonly step: Extract<Step, { kind: K }> })[]
  /** `netns device?: reason` of every drop but frames for other hosts. */
  readonly drops: readonly string[]
  /** The world when everything has come to rest. */
  readonly end: WorldView
}

export function play(world: World, ...journeys: (JourneyCommand | readonly [from: string, run: string])[]): Played {
  const commands = journeys.map((j): JourneyCommand => ('run' in j ? j : { from: j[0], run: j[1] }))
  const reader = new TraceReader(run(world, commands, { seed: 1 }))
  const violations = checkGrammar(reader)
  if (violations.length > 0) throw new Error(`the trace breaks its grammar:\n${violations.slice(0, 5).join('\n')}`)
  const events = <K extends StepKind>(kind: K) => {
    const found: (TraceEvent & { readonly step: Extract<Step, { kind: K }> })[] = []
    for (let seq = 0; seq < reader.length; seq++) {
      const e = reader.event(seq)
      if (e.step.kind === kind) found.push(e as TraceEvent & { readonly step: Extract<Step, { kind: K }> })
    }
    return found
  }
  return {
    reader,
    output: reader.trace.journeys.map((j) => j.output),
    exitCodes: reader.trace.journeys.map((j) => j.exitCode),
    events,
    drops: events('drop')
      .filter((e) => e.step.reason !== 'SKB_DROP_REASON_OTHERHOST')
      .map((e) => `${(e.device ?? e.netns).replace(/^[a-z]+:/, '')}: ${e.step.reason.replace('SKB_DROP_REASON_', '')}`),
    end: new Timeline(reader).at(reader.length - 1),
  }
}
