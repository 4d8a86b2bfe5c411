import type { Language } from '../scenario/document.ts'

// What this browser remembers of its user: never scenarios, never what was pasted.

export type ThemeChoice = 'system' | 'dark' | 'light'
export interface Preferences {
  readonly theme: ThemeChoice
  readonly lang: Language
  readonly speed: number
  readonly granularity: Granularity
  /** Panes that were resized, by name: CSS pixels. */
  readonly sizes: Readonly<Record<string, number>>
}
export const GRANULARITIES = ['hop', 'step', 'rule'] as const
export type Granularity = (typeof GRANULARITIES)[number]
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8] as const

const KEY = 'hopscope.preferences'
const VERSION = 1

/** The part of Storage that is used; a browser may refuse any of it. */
export interface PreferenceStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

const member = <T>(list: readonly T[], value: unknown): T | undefined => list.find((x) => x === value)

/** Larger than any screen is not a size. */
const MOST_PIXELS = 10_000

function sizesOf(value: unknown): Readonly<Record<string, number>> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter(([, size]) => typeof size === 'number' && size > 0 && size < MOST_PIXELS),
  )
}

/** Reads what is stored, field by field: a value this version does not know falls back to the default alone. */
export function readPreferences(storage: PreferenceStorage | undefined, browserLanguage: string): Preferences {
  let stored: Readonly<Record<string, unknown>> = {}
  try {
    const parsed: unknown = JSON.parse(storage?.getItem(KEY) ?? '{}')
    if (typeof parsed === 'object' && parsed !== null && (parsed as { v?: unknown }).v === VERSION) {
      stored = parsed as Readonly<Record<string, unknown>>
    }
  } catch {
    // Refused or not JSON: the defaults.
  }
  return {
    theme: member<ThemeChoice>(['system', 'dark', 'light'], stored.theme) ?? 'system',
    lang: member<Language>(['en', 'zh'], stored.lang) ?? (browserLanguage.toLowerCase().startsWith('zh') ? 'zh' : 'en'),
    speed: member<number>(SPEEDS, stored.speed) ?? 1,
    granularity: member<Granularity>(GRANULARITIES, stored.granularity) ?? 'step',
    sizes: sizesOf(stored.sizes),
  }
}

export function writePreferences(storage: PreferenceStorage | undefined, preferences: Preferences): void {
  try {
    storage?.setItem(KEY, JSON.stringify({ v: VERSION, ...preferences }))
  } catch {
    // Private windows and full disks refuse; the page works without.
  }
}
