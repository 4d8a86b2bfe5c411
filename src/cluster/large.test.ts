import { describe, expect, it } from 'vitest'
import { run } from '../sim/run.ts'
import { prepare } from '../sim/starting-world.ts'
import { playOf } from './play.ts'
import { clusterIp, largeDocument } from './testing-large.ts'

const SERVICES = 1000

describe('a cluster of 1,000 Services', () => {
  it('answers at its last Service, and a command on it takes no longer than its packets need', { timeout: 120_000 }, () => {
    const play = playOf(largeDocument(SERVICES))
    if (!play.ok) throw new Error(play.error.map((e) => e.message).join('; '))
    const { world, journeys } = play.value
    prepare(world)
    const times: number[] = []
    for (let i = 0; i < 4; i++) {
      const began = performance.now()
      const trace = run(world, journeys, { seed: 1 })
      times.push(performance.now() - began)
      expect(trace.journeys[0]?.verdict).toEqual({ kind: 'answered' })
      expect(trace.journeys[0]?.run).toBe(`curl http://${clusterIp(SERVICES - 1)}/`)
      expect(trace.journeys[0]?.output).toMatch(new RegExp(`Hostname: app-${SERVICES - 1}-[0-2]`))
    }
    // 100 ms is the goal, on a machine that has nothing else to do; what trips this gate is work that grows with the cluster again.
    expect(Math.min(...times)).toBeLessThan(1500)
  })
})
