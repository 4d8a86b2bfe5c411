import { describe, expect, it } from 'vitest'
import { parseScenario } from '../scenario/parse.ts'
import { viewOf } from '../world/world.ts'
import { buildWorld } from './build.ts'
import { kubectlYaml } from './testing-kubectl.ts'

describe('a large cluster, pasted from kubectl', () => {
  const text = kubectlYaml(4_000_000)

  it('becomes a world, with rules on the nodes that a journey passes and a plain word about the others', async () => {
    const doc = await parseScenario(text)
    if (!doc.ok) throw new Error(JSON.stringify(doc.error))
    const pods = doc.value.objects.filter((o) => o.kind === 'Pod')
    const client = `pod/${pods[0]?.metadata.name}`
    const journeys = [{ from: client, run: 'curl http://10.96.0.40/' }]
    const world = buildWorld({ ...doc.value, journeys }, { rulesOn: ['worker-9'] })
    if (!world.ok) throw new Error(JSON.stringify(world.error.slice(0, 3)))
    const view = viewOf(world.value)
    const full = view
      .list('netns')
      .filter((n) => n.role === 'node' && view.list('rule', n.id).length > 100)
      .map((n) => n.name)
    // Service app-39 has 20 pods, the 780th to the 799th of sixty a node: all on worker-13.
    expect(full).toEqual(['worker-0', 'worker-9', 'worker-13'])
    expect(view.list('rule', 'netns:worker-1').map((r) => r.spec.target)).toEqual([
      { kind: 'unknown', name: 'KUBE-PROXY-LEFT-OUT', arguments: [] },
      { kind: 'unknown', name: 'KUBE-PROXY-LEFT-OUT', arguments: [] },
    ])
    expect(view.list('note').at(-1)?.what).toMatch(
      /^kube-proxy's rules \(\d+ a node\) are left out on \d+ nodes that no journey passes/,
    )
    expect(view.list('netns').filter((n) => n.role === 'pod').length).toBe(pods.length)
  })
})
