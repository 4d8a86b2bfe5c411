import { describe, expect, it } from 'vitest'
import { LIBRARY } from '../library/index.ts'
import { parseScenario } from './parse.ts'
import { toYaml } from './to-yaml.ts'

describe('a document as YAML', () => {
  it.each(LIBRARY.map((e) => [e.id, e.document] as const))('is the same document when %s is read again', async (_, document) => {
    expect(await parseScenario(await toYaml(document))).toEqual({ ok: true, value: document })
  })
})
