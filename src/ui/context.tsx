import { createContext, use } from 'react'
import { useStore } from 'zustand'
import type { AppStore } from '../store/app.ts'
import type { Session } from '../store/session.ts'
import type { AppState } from '../store/state.ts'
import { type Catalogue, en } from './i18n/en.ts'
import { zh } from './i18n/zh.ts'

/** A built-in scenario as the list and the palette show it. */
export interface ScenarioInfo {
  readonly id: string
  readonly group: string
  readonly title: { readonly en: string; readonly zh: string }
  readonly intro: { readonly en: string; readonly zh: string }
  /** How it ends; absent when nothing is promised. */
  readonly badge?: 'answered' | 'refused' | 'timed-out' | 'unreachable'
}

export interface AppContextValue {
  readonly store: AppStore
  readonly scenarios: readonly ScenarioInfo[]
  /** The document as YAML text, for the editor. */
  readonly actions: AppActions
}

/** What the page asks of the world outside the store. */
export interface AppActions {
  toYaml(): Promise<string | undefined>
  validate: Validate
  /** Copies the link of what is on screen; false when the browser refuses. */
  share(): Promise<boolean>
}
export type Validate = (
  text: string,
  file: string,
) => Promise<readonly { readonly message: string; readonly line?: number; readonly column?: number; readonly path?: string }[]>

export const AppContext = createContext<AppContextValue | undefined>(undefined)

export function useAppContext(): AppContextValue {
  const value = use(AppContext)
  if (value === undefined) throw new Error('there is no AppContext above')
  return value
}

/** One value of the store; what it does not name does not redraw it. */
export const useApp = <T,>(select: (state: AppState) => T): T => useStore(useAppContext().store, select)

export const useLang = () => useApp((s) => s.preferences.lang)
export const useWords = (): Catalogue => (useLang() === 'zh' ? zh : en)

/** The open run. Panels are mounted only while there is one. */
export function useSession(): Session {
  const session = useApp((s) => s.session)
  if (session === undefined) throw new Error('no run is open')
  return session
}
