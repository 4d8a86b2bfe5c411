import { describe, expect, it } from 'vitest'
import { playOf } from '../cluster/play.ts'
import { libraryEntry } from '../library/index.ts'
import type { ScenarioDocument } from '../scenario/document.ts'
import { run } from '../sim/run.ts'
import { TraceReader } from '../trace/reader.ts'
import { Timeline } from '../trace/timeline.ts'
import { explainStep, explainVerdict } from './explain.ts'
import { type Lang, plain } from './sentence.ts'

function explained(document: ScenarioDocument) {
  const made = playOf(document)
  if (!made.ok) throw new Error(JSON.stringify(made.error))
  const reader = new TraceReader(run(made.value.world, made.value.journeys, { seed: document.seed }))
  const timeline = new Timeline(reader)
  return {
    /** What is said of the first rule of a chain that a packet met. */
    rule: (chain: string, lang: Lang = 'en'): string => {
      for (let s = 0; s < reader.length; s++) {
        const step = reader.step(s)
        if (step.kind === 'rule' && step.rule.includes(`/kube-proxy/${chain}`))
          return plain(explainStep(reader, timeline, s, lang))
      }
      return `no packet met a rule of ${chain}`
    },
    verdict: (journey: number, lang: Lang = 'en'): string => plain(explainVerdict(reader, timeline, journey, lang)),
  }
}

const document = libraryEntry('service-nftables')?.document
if (document === undefined) throw new Error('the scenario is not there')

describe('kube-proxy’s table of nftables, explained', () => {
  const story = explained(document)

  it('says which map a Service was found in, under which key', () => {
    expect(story.rule('services')).toContain('the verdict map service-ips has an element for 10.96.0.10 . tcp . 80')
    expect(story.rule('services', 'zh')).toContain('判决映射 service-ips 中有 10.96.0.10 . tcp . 80 这个元素')
  })

  it('says which endpoint of how many was drawn, and where the connection goes', () => {
    expect(story.rule('service-')).toMatch(/picks endpoint [12] of 2 of Service default\/web \(probability 0\.5\)/)
    expect(story.rule('endpoint-')).toMatch(
      /sends the connection to 10\.244\.2\.[23]:8080, Pod default\/web-[ab]\. Endpoint [12] of 2 was chosen/,
    )
    expect(story.verdict(0)).toMatch(/from Service default\/web to an endpoint, Pod default\/web-[ab]/)
  })

  it('says why a port without a Service is refused', () => {
    expect(story.verdict(1)).toContain('The destination is a cluster IP, but no Service has this port on it')
    expect(story.verdict(1, 'zh')).toContain('目的地址是 ClusterIP，但没有 Service 在其上使用这个端口')
  })

  it('names the Service that has no endpoint, though the rule that refuses is for all of them', () => {
    const nobody = explained({
      ...document,
      objects: document.objects.filter((o) => o.kind !== 'Pod' || o.metadata.name === 'client'),
    })
    expect(nobody.verdict(0)).toMatch(/kube-proxy reject-chain 1 decided it: Service default\/web has no ready endpoint/)
  })
})
