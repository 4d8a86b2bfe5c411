import { describe, expect, it } from 'vitest'
import { endpointReplaced } from '../../library/endpoint-replaced.ts'
import { staleUdpConntrack } from '../../library/stale-udp-conntrack.ts'
import type { ScenarioDocument } from '../../scenario/document.ts'
import { run } from '../../sim/run.ts'
import { checkGrammar } from '../../trace/grammar.ts'
import { TraceReader } from '../../trace/reader.ts'
import { playOf } from '../play.ts'

function outputs(document: ScenarioDocument): readonly string[] {
  const doc = { ...document, cluster: { ...document.cluster, kubeProxy: { mode: 'nftables' as const } } }
  const play = playOf(doc)
  if (!play.ok) throw new Error(play.error.map((e) => `${e.path}: ${e.message}`).join('\n'))
  const { world, journeys, changes } = play.value
  const reader = new TraceReader(run(world, journeys, { seed: 1, changes }))
  expect(checkGrammar(reader)).toEqual([])
  return reader.trace.journeys.map(
    (j) => `${j.verdict.kind}: ${[...j.output.matchAll(/Hostname: (\S+)/g)].map((m) => m[1]).join(' ')}`,
  )
}

describe('a sync of kube-proxy in nftables mode', () => {
  it('sends new connections to the new endpoint and leaves the open one alone', () => {
    expect(outputs(endpointReplaced.document)).toEqual(['answered: web-a web-a web-b', 'answered: web-b'])
  })

  it('is followed by the same cleanup of UDP flows', () => {
    expect(outputs(staleUdpConntrack.document)).toEqual(['answered: ', 'answered: ', 'answered: '])
  })
})
