import type { AppStore } from '../store/app.ts'
import type { Catalogue } from './i18n/en-panels.ts'

/** Something a key or the palette does. `keys` in tinykeys' spelling, `shown` as it is printed on keyboards. */
export interface Command {
  readonly id: string
  readonly label: (words: Catalogue) => string
  readonly keys: readonly string[]
  readonly shown: readonly string[]
  readonly group: 'playback' | 'go'
  readonly run: (store: AppStore) => void
}

const focus = (selector: string) => {
  const element = document.querySelector<HTMLElement>(selector)
  element?.focus()
  return element !== null
}

/** Every key of the page but the numbers, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  {
    id: 'play',
    label: (w) => w.keys.playPause,
    keys: ['Space'],
    shown: ['Space'],
    group: 'playback',
    run: (s) => (s.getState().playing ? s.getState().pause() : s.getState().play()),
  },
  {
    id: 'forward',
    label: (w) => w.keys.step,
    keys: ['ArrowRight'],
    shown: ['←', '→'],
    group: 'playback',
    run: (s) => s.getState().step(1),
  },
  {
    id: 'back',
    label: (w) => w.timeline.back,
    keys: ['ArrowLeft'],
    shown: [],
    group: 'playback',
    run: (s) => s.getState().step(-1),
  },
  {
    id: 'hop-forward',
    label: (w) => w.keys.hop,
    keys: ['Shift+ArrowRight'],
    shown: ['Shift', '←', '→'],
    group: 'playback',
    run: (s) => s.getState().step(1, 'hop'),
  },
  {
    id: 'hop-back',
    label: (w) => w.keys.hop,
    keys: ['Shift+ArrowLeft'],
    shown: [],
    group: 'playback',
    run: (s) => s.getState().step(-1, 'hop'),
  },
  {
    id: 'packet-back',
    label: (w) => w.keys.packet,
    keys: [','],
    shown: [',', '.'],
    group: 'playback',
    run: (s) => s.getState().packetStep(-1),
  },
  {
    id: 'packet-forward',
    label: (w) => w.keys.packet,
    keys: ['.'],
    shown: [],
    group: 'playback',
    run: (s) => s.getState().packetStep(1),
  },
  {
    id: 'start',
    label: (w) => w.keys.ends,
    keys: ['Home'],
    shown: ['Home', 'End'],
    group: 'playback',
    run: (s) => s.getState().seek(-1),
  },
  {
    id: 'end',
    label: (w) => w.timeline.end,
    keys: ['End'],
    shown: [],
    group: 'playback',
    run: (s) => s.getState().seek(Number.MAX_SAFE_INTEGER),
  },
  {
    id: 'palette',
    label: (w) => w.keys.palette,
    keys: ['$mod+k'],
    shown: ['Ctrl', 'K'],
    group: 'go',
    run: (s) => s.getState().openDialog('palette'),
  },
  {
    id: 'search',
    label: (w) => w.keys.search,
    keys: ['/'],
    shown: ['/'],
    group: 'go',
    run: (s) => {
      s.getState().set({ drawer: true, mobileTab: 'scenarios' })
      requestAnimationFrame(() => focus('#find-scenario'))
    },
  },
  {
    id: 'run',
    label: (w) => w.keys.run,
    keys: ['r'],
    shown: ['r'],
    group: 'go',
    run: () => {
      focus('#composer-run')
    },
  },
  {
    id: 'map',
    label: (w) => w.keys.map,
    keys: ['m'],
    shown: ['m'],
    group: 'go',
    run: (s) => s.getState().set({ stageView: s.getState().stageView === 'diagram' ? 'map' : 'diagram' }),
  },
  {
    id: 'events',
    label: (w) => w.keys.events,
    keys: ['e'],
    shown: ['e'],
    group: 'go',
    run: (s) => s.getState().set({ footView: s.getState().footView === 'ladder' ? 'events' : 'ladder' }),
  },
  {
    id: 'undo',
    label: (w) => w.keys.undo,
    keys: ['$mod+z'],
    shown: ['Ctrl', 'Z'],
    group: 'go',
    run: (s) => void s.getState().undo(),
  },
  {
    id: 'redo',
    label: (w) => w.app.redo,
    keys: ['$mod+Shift+z', '$mod+y'],
    shown: [],
    group: 'go',
    run: (s) => void s.getState().redo(),
  },
  {
    id: 'help',
    label: (w) => w.keys.help,
    keys: ['Shift+?', '?'],
    shown: ['?'],
    group: 'go',
    run: (s) => s.getState().openDialog('keys'),
  },
]
