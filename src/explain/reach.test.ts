import { describe, expect, it } from 'vitest'
import { buildWorld } from '../cluster/build.ts'
import { LIBRARY } from '../library/index.ts'
import { run } from '../sim/run.ts'
import { TraceReader } from '../trace/reader.ts'
import { Timeline } from '../trace/timeline.ts'
import { explainStep, explainVerdict } from './explain.ts'
import { type Lang, plain } from './sentence.ts'

// What is said of the ways into a cluster and out of it.

function told(id: string) {
  const document = LIBRARY.find((e) => e.id === id)?.document
  const world = document === undefined ? undefined : buildWorld(document)
  if (document === undefined || world?.ok !== true) throw new Error(`${id} cannot be built`)
  const reader = new TraceReader(run(world.value, document.journeys, { seed: document.seed }))
  const timeline = new Timeline(reader)
  const verdict = (n: number, lang: Lang = 'en') => plain(explainVerdict(reader, timeline, n, lang))
  const steps = (lang: Lang = 'en') =>
    Array.from({ length: reader.length }, (_, s) => plain(explainStep(reader, timeline, s, lang)))
  return { verdict, steps }
}

describe('a load balancer', () => {
  const { verdict, steps } = told('load-balancer')

  it('is told from kube-proxy: which node it picked, and that it knows no pods', () => {
    expect(steps()).toContainEqual(
      expect.stringMatching(
        /^The load balancer of Service default\/web picks target 1 of 2 \(probability 0\.5\): 192\.168\.1\.11:30080, node1\. It knows nodes/,
      ),
    )
    expect(verdict(1)).toContain('On lb/web its destination became another: 203.0.113.100:80 → 192.168.1.12:30080 (node2).')
    expect(verdict(1, 'zh')).toContain('在 lb/web 上目的地址被改写：203.0.113.100:80 → 192.168.1.12:30080（node2）。')
  })

  it('gets the answers back: the mark and the table that it leads to are named', () => {
    const said = steps().join('\n')
    expect(said).toContain('It gets a mark: the answers must come back through the balancer')
    expect(said).toContain('table 101 has default via 100.64.0.2 dev eth2')
    expect(steps('zh').join('\n')).toContain('101 表中有 default via 100.64.0.2 dev eth2')
  })
})

describe('a host port', () => {
  it('is told by its pod, and no Service is mentioned', () => {
    const { verdict, steps } = told('host-port')
    expect(steps()).toContainEqual(expect.stringMatching(/^Port 18080 of this node is the hostPort of Pod default\/web-a:/))
    expect(verdict(0)).toContain('192.168.1.11:18080 → 10.244.1.3:8080 (Pod default/web-a)')
    expect(verdict(0)).not.toContain('Service')
    expect(verdict(0, 'zh')).toContain('192.168.1.11:18080 → 10.244.1.3:8080（Pod default/web-a）')
  })
})

describe('what does not arrive', () => {
  it('without hairpin mode: the port that would have to send the frame back', () => {
    const { verdict } = told('broken-hairpin')
    expect(verdict(0)).toMatch(
      /10\.244\.1\.3 \(Pod default\/web-a\) is behind veth\w+, the port of cbr0 that the frame came in through/,
    )
    expect(verdict(0, 'zh')).toMatch(/只有端口处于 hairpin 模式，网桥才会把帧从来处送回去/)
  })

  it('without a local endpoint: the rule, the Service and its policy', () => {
    const { verdict } = told('node-port-local')
    expect(verdict(1)).toMatch(
      /The rule filter KUBE-EXTERNAL-SERVICES \d+ decided it: Service default\/web has no ready endpoint on this node and its traffic policy is Local/,
    )
    expect(verdict(1, 'zh')).toContain('在本节点没有就绪的端点，而它的流量策略是 Local')
  })
})
