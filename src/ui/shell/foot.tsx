import { lazy, Suspense } from 'react'
import { useApp } from '../context.tsx'
import { usePanelWords } from '../i18n/panel-words.ts'
import { Ladder } from '../panels/exchanges/ladder.tsx'
import { Strip } from '../panels/exchanges/strip.tsx'
import { Controls, Scrubber } from '../panels/timeline/timeline.tsx'
import { Segmented } from '../widgets/tabs.tsx'

const Events = lazy(() => import('../panels/exchanges/events.tsx'))

/** Every packet of the run, over the playhead that moves along them. */
export default function Foot() {
  const words = usePanelWords()
  const footView = useApp((s) => s.footView)
  const set = useApp((s) => s.set)
  return (
    <footer className="foot">
      <div className="foot-head">
        <Strip />
        <Segmented
          label={`${words.foot.ladder} / ${words.foot.events}`}
          value={footView}
          onChange={(view) => set({ footView: view })}
          options={[
            { key: 'ladder', label: words.foot.ladder },
            { key: 'events', label: words.foot.events },
          ]}
        />
      </div>
      {footView === 'ladder' ? (
        <Ladder />
      ) : (
        <Suspense fallback={<p className="empty">{words.app.loading}</p>}>
          <Events />
        </Suspense>
      )}
      <div className="foot-scrub">
        <Scrubber />
      </div>
      <Controls />
    </footer>
  )
}
