import { useSyncExternalStore } from 'react'
import type { Language } from '../../scenario/document.ts'
import { en, type FirstWords } from './en.ts'
import type { Catalogue } from './en-panels.ts'

// English is part of the page; the other language comes when it is first wanted, and English stands in until then.

let zh: Catalogue | undefined
let loading: Promise<void> | undefined
const listeners = new Set<() => void>()

/** Resolves when the language's words are there. Idempotent. */
export function loadWords(lang: Language): Promise<void> {
  if (lang === 'en' || zh !== undefined) return Promise.resolve()
  loading ??= import('./zh.ts').then((module) => {
    zh = module.zh
    for (const listener of listeners) listener()
  })
  return loading
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The whole other language, once it is there. */
export function useOther(lang: Language): Catalogue | undefined {
  const loaded = useSyncExternalStore(subscribe, () => zh)
  return lang === 'zh' ? loaded : undefined
}

/** The words of the first frame. */
export const useFirstWords = (lang: Language): FirstWords => useOther(lang) ?? en
