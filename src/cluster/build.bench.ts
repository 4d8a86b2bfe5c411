import { bench, describe } from 'vitest'
import { podToServiceRemote } from '../library/pod-to-service-remote.ts'
import { parseScenario } from '../scenario/parse.ts'
import { buildWorld } from './build.ts'
import { kubectlYaml } from './testing-kubectl.ts'

describe('documents to worlds', () => {
  bench('the flagship', () => {
    buildWorld(podToServiceRemote.document)
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
