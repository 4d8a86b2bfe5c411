import type { StateCreator } from 'zustand/vanilla'
import type { Preferences } from './preferences.ts'
import type { AppState, SelectionSlice, ViewSlice } from './state.ts'

export const createSelectionSlice: StateCreator<AppState, [], [], SelectionSlice> = (set) => ({
  followed: undefined,
  selection: {},
  pinned: undefined,
  follow: (followed) => set({ followed }),
  select: (selection) => set({ selection, ...(selection.netns === undefined ? {} : { pinned: selection.netns }) }),
  pin: (pinned) => set({ pinned }),
})

export const createViewSlice =
  (initial: Preferences, save: (preferences: Preferences) => void): StateCreator<AppState, [], [], ViewSlice> =>
  (set, get) => ({
    panel: 'iptables',
    stageView: 'diagram',
    footView: 'ladder',
    mobileTab: 'stage',
    drawer: false,
    dialog: undefined,
    draft: undefined,
    notesHidden: false,
    preferences: initial,
    showPanel: (panel) => set({ panel, mobileTab: 'tables' }),
    set: (view) => set(view),
    openDialog: (dialog) => set({ dialog }),
    setPreferences: (change) => {
      const preferences = { ...get().preferences, ...change }
      set({ preferences })
      save(preferences)
    },
  })
