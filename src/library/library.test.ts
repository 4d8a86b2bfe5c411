import { describe, expect, it } from 'vitest'
import { validateDocument } from '../scenario/schema.ts'
import { DEFAULT_SCENARIO, LIBRARY, libraryEntry } from './index.ts'

describe('the built-in scenarios', () => {
  it.each(LIBRARY.map((e) => [e.id, e] as const))('%s is a document that the schema takes unchanged', (_, entry) => {
    expect(validateDocument(structuredClone(entry.document))).toEqual({ ok: true, value: entry.document })
  })

  it.each(LIBRARY.map((e) => [e.id, e] as const))(
    '%s has a title and an introduction in both languages',
    (_, { title, intro }) => {
      expect(title.en.length).toBeGreaterThan(5)
      expect(title.zh).toMatch(/[\u4e00-\u9fff]/)
      expect(intro.en.split('\n').length).toBe(intro.zh.split('\n').length)
      expect(intro.zh).toMatch(/[\u4e00-\u9fff]{4}/)
    },
  )

  it('are called the same in the list and in what they export', () => {
    expect(LIBRARY.filter((e) => e.title.en !== e.document.title).map((e) => e.id)).toEqual([])
  })

  it('have ids that are unique and fit into a link', () => {
    expect(new Set(LIBRARY.map((e) => e.id)).size).toBe(LIBRARY.length)
    for (const e of LIBRARY) expect(e.id).toMatch(/^[a-z0-9-]{1,64}$/)
    expect(libraryEntry(DEFAULT_SCENARIO)?.title.en).toBe('Pod to Service, backend on another node')
  })
})
