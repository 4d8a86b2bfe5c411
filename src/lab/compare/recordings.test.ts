import { describe, expect, it } from 'vitest'
import { STEP } from '../../trace/columns.ts'
import { TraceReader } from '../../trace/reader.ts'
import type { Trace } from '../../trace/trace.ts'
import type { RecordOf } from '../../world/records.ts'
import { recordedIds, recording } from '../testing/recordings.ts'
import { SCENARIO_IDS, scenarioRun } from '../testing/scenarios.ts'
import { formatDifference } from './difference.ts'
import { parseRecording, printRecording } from './recording.ts'
import { compareRuns, engineRun } from './runs.ts'

describe('the engine does what a real kernel did', () => {
  it('has a recording of every scenario, and no other', () => {
    expect(recordedIds()).toEqual([...SCENARIO_IDS].toSorted())
  })

  it.each([...SCENARIO_IDS])('%s', (id) => {
    const { differences, entries } = compareRuns(scenarioRun(id).engine, recording(id))
    expect(differences.map(formatDifference)).toEqual([])
    expect(entries).toBeGreaterThan(0)
  })

  it('keeps a recording as it was', () => {
    const kept = recording('pod-to-service-remote')
    const again = parseRecording(printRecording(kept))
    expect(again).toEqual({ ok: true, value: kept })
  })
})

describe('a mistake of the engine is caught', () => {
  const scenario = scenarioRun('pod-to-service-remote')
  const kernel = recording('pod-to-service-remote')
  const caught = (trace: Trace) => new Set(compareRuns(engineRun(new TraceReader(trace)), kernel).differences.map((d) => d.what))
  /** A copy of the run in which `change` edits the copied columns. */
  const planted = (change: (columns: Trace['events']) => void): Trace => {
    const { trace } = scenario
    const { kind, a, b, c, d } = trace.events
    const events = { ...trace.events, kind: kind.slice(), a: a.slice(), b: b.slice(), c: c.slice(), d: d.slice() }
    change(events)
    return { ...trace, events }
  }
  const replaced = <K extends 'fdb' | 'conntrack'>(kind: K, change: (record: RecordOf<K>) => RecordOf<K>): Trace => {
    const { trace } = scenario
    const edit = (record: (typeof trace.deltas.deltas)[number]['to']) =>
      record?.kind === kind ? change(record as RecordOf<K>) : record
    const deltas = trace.deltas.deltas.map((x) => ({ ...x, from: edit(x.from), to: edit(x.to) }))
    return { ...trace, deltas: { ...trace.deltas, deltas } }
  }

  it('by nothing when there is none', () => {
    expect(caught(planted(() => {}))).toEqual(new Set())
  })

  it('a wrong TTL: by the frames and by what the rules saw', () => {
    const trace = planted((e) => {
      // FIELD.TTL is 6: forwarding forgets to count down.
      for (let s = 0; s < e.length; s++) if (e.kind[s] === STEP.rewrite && e.a[s] === 6) e.c[s] = e.b[s] ?? 0
    })
    expect(caught(trace)).toEqual(new Set(['frames', 'trace']))
  })

  it('a rule that is passed over: by its counter and by the trace', () => {
    const trace = planted((e) => {
      const first = e.kind.indexOf(STEP.rule)
      e.kind[first] = STEP.log
    })
    expect(caught(trace)).toEqual(new Set(['counters', 'trace']))
  })

  it('a forwarding entry with the wrong port: by the table', () => {
    const wrong = replaced('fdb', (f) => ({ ...f, port: f.bridge }))
    expect(caught(wrong)).toEqual(new Set(['bridge fdb']))
  })

  it('a connection in the wrong state: by the table', () => {
    expect(caught(replaced('conntrack', (c) => ({ ...c, tcpState: 'ESTABLISHED' })))).toEqual(new Set(['conntrack']))
  })
})
