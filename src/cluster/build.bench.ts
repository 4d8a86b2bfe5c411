import { bench, describe } from 'vitest'
import { parseScenario } from '../scenario/parse.ts'
import { buildWorld } from './build.ts'
import { documentOf, node, pod, service } from './testing.ts'
import { kubectlYaml } from './testing-kubectl.ts'

describe('documents to worlds', () => {
  const small = documentOf([
    node('node1'),
    node('node2'),
    pod('client', 'node1'),
    pod('web-a', 'node2', { app: 'web' }),
    pod('web-b', 'node2', { app: 'web' }),
    service('web', { clusterIP: '10.96.0.10', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] }),
  ])
  bench('two nodes, three pods, one Service', () => {
    buildWorld(small)
  })

  const text = kubectlYaml(10_000_000)
  bench(
    '10 MB of kubectl get -o yaml',
    async () => {
      const doc = await parseScenario(text)
      if (!doc.ok) throw new Error(JSON.stringify(doc.error.slice(0, 3)))
      const world = buildWorld(doc.value)
      if (!world.ok) throw new Error(JSON.stringify(world.error.slice(0, 3)))
    },
    { iterations: 3, warmupIterations: 1 },
  )
})
