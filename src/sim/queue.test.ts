import { describe, expect, it } from 'vitest'
import { EventQueue } from './queue.ts'

const MS = 1_000_000

/** Runs what is set, in order; each call says its name. */
function order(set: (queue: EventQueue, say: (name: string) => () => void) => void, oneCpu = false): string[] {
  const queue = new EventQueue(oneCpu)
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

  it('runs timers of one tick together, before what the first of them sends has arrived', () => {
    const said = order((q, say) => {
      q.schedule(
        200 * MS,
        () => {
          say('first')()
          q.schedule(0.001 * MS, say('its frame'))
          cancelled.cancel()
        },
        'global',
      )
      q.schedule(200.003 * MS, say('second'), 'global')
      const cancelled = q.schedule(200.004 * MS, say('cancelled by the first'), 'global')
      q.schedule(203 * MS, say('another tick'), 'global')
    })
    expect(said).toEqual(['first 200', 'second 200', 'its frame 200.001', 'another tick 203'])
  })

  /** A frame is on its way for three milliseconds, and a process wakes in the first. */
  const woken = (oneCpu: boolean) =>
    order((q, say) => {
      q.inFlight = 1
      q.schedule(MS, () => void q.schedule(0, say('process'), 'task'))
      q.schedule(2 * MS, say('timer'))
      q.schedule(3 * MS, () => {
        say('frame')()
        q.inFlight = 0
      })
      q.schedule(4 * MS, say('later'))
    }, oneCpu)

  it('lets a woken process wait for the last frame where all machines share one CPU', () => {
    expect(woken(true)).toEqual(['timer 2', 'frame 3', 'process 3', 'later 4'])
  })

  it('runs a woken process at once where it has a CPU of its own', () => {
    expect(woken(false)).toEqual(['process 1', 'timer 2', 'frame 3', 'later 4'])
  })
})
