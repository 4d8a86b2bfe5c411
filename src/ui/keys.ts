import { tinykeys } from 'tinykeys'
import type { AppStore } from '../store/app.ts'
import { PANELS, panelKey } from '../store/state.ts'
import { COMMANDS } from './commands.ts'

/** Whether the focus is where letters are text and arrows move a caret. */
const isText = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && !['checkbox', 'radio', 'range', 'button'].includes(target.type)))

/** Space and Enter belong to a focused button, arrows to a focused slider: they must keep their own meaning there. */
const isOwnKey = (event: KeyboardEvent): boolean => {
  const { target } = event
  if (!(target instanceof HTMLElement)) return false
  if (event.key === ' ' || event.key === 'Enter')
    return target.closest('button, a, summary, [role="option"], [role="treeitem"]') !== null
  return false
}

/** A tinykeys map for the whole page. */
function keymap(store: AppStore): Record<string, (event: KeyboardEvent) => void> {
  const map: Record<string, (event: KeyboardEvent) => void> = {}
  const bind = (key: string, run: () => void) => {
    map[key] = (event) => {
      if (event.defaultPrevented) return
      const chord = event.ctrlKey || event.metaKey
      if ((isText(event.target) && !(chord && event.key.toLowerCase() === 'k')) || isOwnKey(event)) return
      if (store.getState().dialog !== undefined && !chord) return
      event.preventDefault()
      run()
    }
  }
  for (const command of COMMANDS) for (const key of command.keys) bind(key, () => command.run(store))
  PANELS.forEach((panel, i) => {
    const key = panelKey(i)
    if (key !== undefined) bind(key, () => store.getState().showPanel(panel))
  })
  return map
}

/** Listens on the whole page; the answer ends it. */
export const bindKeys = (store: AppStore): (() => void) => tinykeys(window, keymap(store))
