import { useApp } from '../context.tsx'
import { Strip } from '../panels/exchanges/strip.tsx'
import { Controls, Scrubber } from '../panels/timeline/timeline.tsx'
import Why from './why.tsx'

/** What a thumb reaches on a phone: the sentence, the packets, the playhead. */
export default function Deck() {
  const tab = useApp((s) => s.mobileTab)
  if (tab === 'scenarios') return null
  return (
    <div className="phone-deck">
      {tab === 'stage' ? (
        <>
          <Why />
          <Strip />
        </>
      ) : null}
      <Scrubber />
      <Controls />
    </div>
  )
}
