import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseScenario } from '../scenario/parse.ts'
import { viewOf } from '../world/world.ts'
import { buildWorld } from './build.ts'

// What people published of real clusters, where it is at hand.
const DUMPS = new URL('../../../shared/dumps/', import.meta.url)
const files = existsSync(DUMPS)
  ? (readdirSync(DUMPS, { recursive: true }) as string[]).filter((f) =>
      /(pods|services|endpoints)-[^/]*\.json$|svc-traefik\.yaml$/.test(f),
    )
  : []

describe.runIf(files.length > 0)('kubectl get -o json of real clusters', () => {
  it.each(files)('%s becomes a world, each running pod with its real address', async (file) => {
    const doc = await parseScenario(readFileSync(new URL(file, DUMPS), 'utf8'), { file })
    if (!doc.ok) throw new Error(JSON.stringify(doc.error))
    const world = buildWorld(doc.value)
    if (!world.ok) throw new Error(JSON.stringify(world.error))
    const view = viewOf(world.value)
    for (const o of view.list('object')) {
      if (o.objectKind !== 'Pod') continue
      expect(o.filled).not.toContain('spec.nodeName')
      expect(view.get('object', o.id)?.manifest.metadata).toMatchObject({ name: o.name })
    }
    expect(view.list('rule').length).toBeGreaterThan(10)
  })
})
