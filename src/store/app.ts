import { createStore, type StoreApi } from 'zustand/vanilla'
import { createOpenSlice, type Services } from './open.ts'
import { createPlayheadSlice } from './playhead.ts'
import { type PreferenceStorage, readPreferences, writePreferences } from './preferences.ts'
import type { AppState } from './state.ts'
import { createSelectionSlice, createViewSlice } from './view.ts'

export type AppStore = StoreApi<AppState>

export interface AppStoreInput extends Services {
  readonly storage: PreferenceStorage | undefined
  /** `navigator.language` */
  readonly browserLanguage: string
}

/** The one store of the page. Everything it needs of the world comes in here. */
export function createAppStore(input: AppStoreInput): AppStore {
  const preferences = readPreferences(input.storage, input.browserLanguage)
  return createStore<AppState>()((...api) => ({
    ...createOpenSlice(input)(...api),
    ...createPlayheadSlice(...api),
    ...createSelectionSlice(...api),
    ...createViewSlice(preferences, (p) => writePreferences(input.storage, p))(...api),
    speed: preferences.speed,
    granularity: preferences.granularity,
  }))
}
