import { describe, expect, it } from 'vitest'
import { EventQueue } from './queue.ts'

const MS = 1_000_000

/** Runs what is set, in order; each call says its name. */
function order(set: (queue: EventQueue, say: (name: string) => () => void) => void): string[] {
  const queue = new EventQueue()
  const said: string[] = []
  set(queue, (name) => () => void said.push(`${name} ${queue.now / MS}`))
  while (queue.peek() !== undefined) queue.step()
  return said
}

describe('the event queue', () => {
  it('keeps the order of calls at one instant', () => {
    expect(order((q, say) => ['a', 'b', 'c'].forEach((name) => void q.schedule(MS, say(name))))).toEqual(['a 1', 'b 1', 'c 1'])
  })

  it('runs a pinned timer ahead of those that fall into its tick, though it was set later', () => {
    const said = order((q, say) => {
      q.schedule(1000 * MS, say('syn'), 'global')
      q.schedule(1000.003 * MS, say('request'), 'pinned')
    })
    expect(said).toEqual(['request 1000', 'syn 1000'])
  })

  it('leaves a pinned timer at its time where no other is near, or only one that does not go by ticks', () => {
    const said = order((q, say) => {
      q.schedule(990 * MS, say('syn'), 'global')
      q.schedule(999 * MS, say('command'))
      q.schedule(1000 * MS, say('request'), 'pinned')
    })
    expect(said).toEqual(['syn 990', 'command 999', 'request 1000'])
  })
})
