import { useApp } from '../context.tsx'
import { Strip } from '../panels/exchanges/strip.tsx'
import { Controls, Scrubber } from '../panels/timeline/timeline.tsx'
import Why from './why.tsx'

/** What a thumb reaches on a phone: the sentence, the packets, the playhead. */
export default function Deck() {
  const tab = useApp((s) => s.mobileTab)
  return (
    <div className="phone-deck">
      {tab === 'stage' ? (
        <>
          <Why />
          <Strip />
        </>
      ) : null}
      {tab === 'scenarios' ? null : (
        <>
          <Scrubber />
          <Controls />
        </>
      )}
    </div>
  )
}
