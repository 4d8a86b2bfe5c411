import { describe, expect, it } from 'vitest'
import { sessionOf } from '../../../store/session.ts'
import { documentNamed } from '../../../store/testing.ts'
import { recordServiceTrace } from '../../../trace/testing.ts'
import { narrows, search, wordsOf } from './filter.ts'

const session = sessionOf({
  trace: recordServiceTrace(),
  document: documentNamed('Service'),
  provenance: { kind: 'own' },
  times: { parse: 0, world: 0, run: 0 },
})

function found(filter: string, candidates?: Int32Array): number[] {
  const searching = search(session, wordsOf(filter), candidates, 'stack')
  for (;;) {
    const next = searching.next()
    if (next.done === true) return [...next.value]
  }
}

describe('the filter over the events', () => {
  it('keeps the steps that have every word, in their order', () => {
    const nat = found('rewrite ip.dst')
    expect(nat.length).toBeGreaterThan(0)
    for (const seq of nat) expect(session.reader.step(seq)).toMatchObject({ kind: 'rewrite', field: 'ip.dst' })
    expect(found('IP.DST  Rewrite')).toEqual(nat)
  })

  it('finds the same when it goes on from what a shorter filter found', () => {
    for (const [short, long] of [
      ['r', 'rule'],
      ['node1', 'node1 route'],
      ['ct', 'ct.lookup new'],
    ] as const) {
      expect(narrows(wordsOf(long), wordsOf(short))).toBe(true)
      expect(found(long, Int32Array.from(found(short)))).toEqual(found(long))
    }
    expect(narrows(wordsOf('rule'), wordsOf('rules'))).toBe(false)
  })
})
