import { useVirtualizer } from '@tanstack/react-virtual'
import { ListFilter } from 'lucide-react'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { upperBound } from '../../../base/bisect.ts'
import { chipLabel } from '../../../net/summary.ts'
import { stepText } from '../../../trace/step-text.ts'
import { useApp, useSession } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { placeOf } from '../../place.ts'
import { colourOf } from '../../protocol-colour.ts'
import { formatTime } from '../../time.ts'
import { Icon } from '../../widgets/icon.tsx'
import { useMatching } from './filter.ts'
import './events.css'

const ROW = 24

/** Every step as a line, filtered, only what is in sight drawn. */
export default function Events() {
  const words = usePanelWords()
  const session = useSession()
  const seq = useApp((s) => s.seq)
  const followed = useApp((s) => s.followed)
  const seek = useApp((s) => s.seek)
  const [filter, setFilter] = useState('')
  const { list: rows, busy } = useMatching({ session, filter, packet: followed, stack: words.place.stack })
  const count = rows === undefined ? session.length : rows.length
  const seqAt = (i: number) => (rows === undefined ? i : (rows[i] ?? 0))
  const here = rows === undefined ? seq : upperBound(rows, seq) - 1
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({ count, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 12 })
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list follows the playhead
  useEffect(() => {
    if (here >= 0) virtual.scrollToIndex(here, { align: 'auto' })
  }, [here, count])
  const onKeyDown = (e: KeyboardEvent) => {
    const by = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : e.key === 'PageDown' ? 10 : e.key === 'PageUp' ? -10 : 0
    if (by === 0) return
    e.preventDefault()
    e.stopPropagation()
    seek(seqAt(Math.max(0, Math.min(count - 1, here + by))))
  }
  const { reader } = session
  return (
    <div className="events">
      <div className="events-filter">
        <Icon of={ListFilter} size={13} />
        <input
          type="search"
          aria-label={words.foot.filter}
          placeholder={words.foot.filterHint}
          value={filter}
          onChange={(e) => setFilter(e.target.value)}
        />
        <span className="faint" aria-live="polite">
          {busy ? words.foot.searching : words.foot.count(count, session.length)}
        </span>
      </div>
      {count === 0 && !busy ? <p className="empty">{words.foot.noEvents}</p> : null}
      <div
        ref={scroller}
        className="events-list"
        role="listbox"
        tabIndex={0}
        aria-label={words.foot.events}
        aria-activedescendant={here >= 0 ? `event-${seqAt(here)}` : undefined}
        onKeyDown={onKeyDown}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const s = seqAt(item.index)
            const event = reader.event(s)
            const packet = event.packet < 0 ? undefined : reader.packetAt(event.packet, s)
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the focus and the keys (aria-activedescendant)
              // biome-ignore lint/a11y/useFocusableInteractive: as above
              <div
                key={item.key}
                id={`event-${s}`}
                role="option"
                aria-selected={s === seq}
                className="event"
                style={{ transform: `translateY(${item.start}px)` }}
                onClick={() => seek(s)}
              >
                <span className="event-n">{s + 1}</span>
                <span className="event-t">{formatTime(event.t)}</span>
                <span className="event-p">
                  {packet === undefined ? null : (
                    <>
                      <i style={{ background: `var(--${colourOf(packet)})` }} aria-hidden="true" />
                      {chipLabel(packet)}
                    </>
                  )}
                </span>
                <span className="event-where">{placeOf(event.netns, event.device, words.place.stack)}</span>
                <span className="event-what">{stepText(reader, s)}</span>
              </div>
            )
          })}
        </div>
      </div>
    </div>
  )
}
