import { useLang } from '../context.tsx'
import { type Catalogue, enPanels } from './en-panels.ts'
import { useOther } from './words.ts'

/** Every word of the page's own interface: for parts that are loaded after the first frame. */
export const usePanelWords = (): Catalogue => useOther(useLang()) ?? enPanels
