import { describe, expect, it } from 'vitest'
import { readPreferences, writePreferences } from './preferences.ts'

const holding = (text: string | null) => ({ getItem: () => text, setItem: () => {} })

describe('preferences', () => {
  it('keep what this version knows and forget only the field that it does not', () => {
    const sizes = { tables: 420, foot: -3, packet: 'wide' }
    const stored = JSON.stringify({ v: 1, theme: 'light', lang: 'fr', speed: 4, granularity: 'hop', sizes })
    expect(readPreferences(holding(stored), 'en-GB')).toEqual({
      theme: 'light',
      lang: 'en',
      speed: 4,
      granularity: 'hop',
      sizes: { tables: 420 },
    })
  })

  it('fall back to the browser for the language when nothing readable is stored', () => {
    for (const text of [null, 'not json', '[]', '{"v":99,"lang":"en"}']) {
      expect(readPreferences(holding(text), 'zh-CN').lang).toBe('zh')
    }
  })

  it('are a comfort, not a need: a browser that forbids storage still gets a page', () => {
    const refusing = {
      getItem: () => {
        throw new Error('denied')
      },
      setItem: () => {
        throw new Error('full')
      },
    }
    const preferences = readPreferences(refusing, 'en')
    expect(preferences.theme).toBe('system')
    expect(() => writePreferences(refusing, preferences)).not.toThrow()
  })

  it('come back as they were written', () => {
    let kept: string | null = null
    const storage = {
      getItem: () => kept,
      setItem: (_: string, value: string) => {
        kept = value
      },
    }
    const wished = { theme: 'dark', lang: 'zh', speed: 0.5, granularity: 'rule', sizes: { tables: 420 } } as const
    writePreferences(storage, wished)
    expect(readPreferences(storage, 'en')).toEqual(wished)
  })
})
