import { playOf } from '../../src/cluster/play.ts'
import { largeDocument } from '../../src/cluster/testing-large.ts'
import type { KubeProxyMode } from '../../src/scenario/document.ts'
import { run } from '../../src/sim/run.ts'
import { prepare } from '../../src/sim/starting-world.ts'
import type { Line } from './measure.ts'

const RUNS = 5

/** A command that asks the last Service of a large cluster: the document's way to its trace, and what each further command costs. */
export function largeClusters(): Line[] {
  const sizes: readonly (readonly [number, KubeProxyMode])[] = [
    [1000, 'iptables'],
    [1000, 'nftables'],
    [1000, 'ipvs'],
    [10_000, 'iptables'],
  ]
  return sizes.flatMap(([services, mode]) => {
    const t = measure(services, mode)
    const what = `${services.toLocaleString('en')} Services, ${mode}`
    return [
      {
        what: `${what}: a command on the open page`,
        value: `${t.run.toFixed(0)} ms`,
        beside: `${t.steps} steps${services === 1000 ? '; goal 100 ms' : ''}`,
      },
      { what: '  document to trace', value: `${t.whole.toFixed(0)} ms`, beside: `${t.records} records` },
    ]
  })
}

function measure(services: number, mode: KubeProxyMode) {
  const document = largeDocument(services, mode)
  const began = performance.now()
  const play = playOf(document)
  if (!play.ok) throw new Error(play.error.map((e) => e.message).join('; '))
  const { world, journeys } = play.value
  prepare(world)
  const first = run(world, journeys, { seed: 1 })
  const whole = performance.now() - began
  if (first.journeys[0]?.verdict.kind !== 'answered') throw new Error('the last Service does not answer')
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < RUNS; i++) {
    const at = performance.now()
    run(world, journeys, { seed: 1 })
    best = Math.min(best, performance.now() - at)
  }
  return { run: best, whole, steps: first.events.length, records: world.size }
}
