import { useSyncExternalStore } from 'react'
import type { Language } from '../../scenario/document.ts'
import { type Catalogue, en } from './en.ts'

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

export function useCatalogue(lang: Language): Catalogue {
  const loaded = useSyncExternalStore(subscribe, () => zh)
  return lang === 'zh' ? (loaded ?? en) : en
}
