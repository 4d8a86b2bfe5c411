import { createContext, use } from 'react'
import { useStore } from 'zustand'
import type { ServiceQuestion, ServiceReport } from '../debug/report.ts'
import type { AppStore } from '../store/app.ts'
import type { Scenarios } from '../store/scenarios.ts'
import type { Session } from '../store/session.ts'
import type { AppState } from '../store/state.ts'
import type { FirstWords } from './i18n/en.ts'
import { useFirstWords } from './i18n/words.ts'

export interface AppContextValue {
  readonly store: AppStore
  readonly scenarios: Scenarios
  readonly actions: AppActions
}

/** What the page asks of the world outside the store. */
export interface AppActions {
  /** The open document as YAML text, for the editor. */
  toYaml(): Promise<string | undefined>
  validate: Validate
  /** The open run as a script of real namespaces; undefined when it could not be made. */
  lab(session: Session): Promise<string | undefined>
  /** The checks of "Debug Services" on the open cluster; undefined when they could not be made. */
  debug(session: Session, question: ServiceQuestion): Promise<ServiceReport | undefined>
  /** Copies the link of what is on screen; `refused` by the browser, `none` when nothing can name what is open. */
  share(): Promise<'copied' | 'refused' | 'none'>
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
/** The words of the first frame; what is loaded after it takes `usePanelWords`. */
export const useWords = (): FirstWords => useFirstWords(useLang())

/** The open run. Panels are mounted only while there is one. */
export function useSession(): Session {
  const session = useApp((s) => s.session)
  if (session === undefined) throw new Error('no run is open')
  return session
}
