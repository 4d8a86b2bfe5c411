import { Boxes, ListTree, Package, Route, TableProperties } from 'lucide-react'
import type { MobileTab } from '../../store/state.ts'
import { useApp, useWords } from '../context.tsx'
import { Icon } from '../widgets/icon.tsx'
import { Deck, Events, Inspectors, NotesBanner, PacketPanel, ScenarioList } from './parts.tsx'
import { StageArea } from './stage-area.tsx'

const TABS = [
  ['stage', Route],
  ['packet', Package],
  ['tables', TableProperties],
  ['events', ListTree],
  ['scenarios', Boxes],
] as const satisfies readonly (readonly [MobileTab, typeof Route])[]

/** One view at a time; the sentence, the playhead and the tabs stay in reach of a thumb. */
export default function Phone() {
  const words = useWords()
  const tab = useApp((s) => s.mobileTab)
  const set = useApp((s) => s.set)
  const ready = useApp((s) => s.session !== undefined)
  return (
    <main className="phone">
      <div className="phone-view" id="stage" tabIndex={-1}>
        {!ready && tab !== 'scenarios' ? null : tab === 'stage' ? (
          <>
            <StageArea />
            <div className="over-stage over-stage-top">
              <NotesBanner />
            </div>
          </>
        ) : tab === 'packet' ? (
          <PacketPanel />
        ) : tab === 'tables' ? (
          <Inspectors />
        ) : tab === 'events' ? (
          <Events />
        ) : (
          <ScenarioList />
        )}
      </div>
      {ready ? <Deck /> : null}
      <nav className="phone-tabs" aria-label={words.mobile.label}>
        {TABS.map(([key, glyph]) => (
          <button key={key} type="button" aria-current={tab === key ? 'page' : undefined} onClick={() => set({ mobileTab: key })}>
            <Icon of={glyph} size={18} />
            {words.mobile[key]}
          </button>
        ))}
      </nav>
    </main>
  )
}
