import { useEffect, useMemo, useRef } from 'react'
import { chipLabel } from '../../../net/summary.ts'
import { packetAtStep } from '../../../store/playhead.ts'
import type { Session } from '../../../store/session.ts'
import { exchangeOfPackets } from '../../../trace/exchanges.ts'
import { useApp, useSession } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { netnsName } from '../../place.ts'
import { colourOf } from '../../protocol-colour.ts'
import './strip.css'

/** Longer runs show the chips around the playhead: nobody reads a thousand of them, and the event list has them all. */
const WINDOW = 160

interface Chip {
  readonly packet: number
  readonly label: string
  readonly colour: string
  readonly where: string
  readonly journey: number
  /** Its exchange; packets of one stand together. */
  readonly exchange: number
}

/** One chip a packet, as it was born. Copies made by flooding stand behind the packet that they are copies of. */
function chipsOf(session: Session, from: number, to: number): Chip[] {
  const { reader, packets } = session
  const exchangeOf = reader.indexes.exchangeOf ?? exchangeOfPackets(reader)
  const chips: Chip[] = []
  for (let p = from; p < to; p++) {
    if (packets.origin(p) === 'clone') continue
    const born = packets.born[p] ?? -1
    const first = packets.first[p] ?? 0
    const packet = reader.packetAt(p, born)
    chips.push({
      packet: p,
      label: chipLabel(packet),
      colour: colourOf(packet),
      where: netnsName(reader.netnsAt(first)),
      journey: packets.journeyAt(first),
      exchange: exchangeOf[p] ?? -1,
    })
  }
  return chips
}

/** The packet whose chip stands for this one. */
function rootOf(session: Session, packet: number): number {
  let p = packet
  while (p >= 0 && session.packets.origin(p) === 'clone') p = session.packets.parent[p] ?? -1
  return p
}

export function Strip() {
  const words = usePanelWords()
  const session = useSession()
  const seq = useApp((s) => s.seq)
  const followed = useApp((s) => s.followed)
  const follow = useApp((s) => s.follow)
  const seek = useApp((s) => s.seek)
  const current = rootOf(session, packetAtStep(session, seq, followed))
  const count = session.packets.length
  const from = count <= WINDOW ? 0 : Math.max(0, Math.min(count - WINDOW, Math.floor(Math.max(0, current) / 40) * 40 - 40))
  const chips = useMemo(() => chipsOf(session, from, Math.min(count, from + WINDOW)), [session, from, count])
  const strip = useRef<HTMLDivElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another current packet scrolls its chip into view
  useEffect(() => {
    const box = strip.current
    const chip = box?.querySelector<HTMLElement>('[aria-current="true"]')
    if (box === null) return
    if (chip === null || chip === undefined) {
      // Before the first packet the first is what comes.
      if (current < 0) box.scrollTo({ left: 0 })
      return
    }
    // Not scrollIntoView: it would move the page's other scrollers too.
    const left = chip.offsetLeft - box.offsetLeft
    if (left < box.scrollLeft + 24 || left + chip.offsetWidth > box.scrollLeft + box.clientWidth - 24) {
      box.scrollTo({ left: left - box.clientWidth / 3 })
    }
  }, [current, session])
  return (
    // biome-ignore lint/a11y/useSemanticElements: a row of buttons, not a form's fieldset
    <div className="strip" ref={strip} role="group" aria-label={words.foot.exchanges}>
      {chips.map((c, i) => {
        const before = chips[i - 1]
        const begins = c.journey >= 0 && (before === undefined || before.journey !== c.journey)
        return (
          <span
            key={c.packet}
            className={before !== undefined && before.exchange !== c.exchange ? 'strip-item strip-gap' : 'strip-item'}
          >
            {begins && session.reader.trace.journeys.length > 1 ? (
              <span className="strip-journey" title={session.reader.trace.journeys[c.journey]?.run}>
                {words.foot.journey(c.journey + 1)}
              </span>
            ) : null}
            <button
              type="button"
              className={`chip${c.packet === followed ? ' chip-followed' : ''}`}
              aria-current={c.packet === current ? 'true' : undefined}
              aria-pressed={c.packet === followed}
              title={`${words.stage.packetN(c.packet)} · ${c.where}`}
              onClick={() => {
                follow(c.packet === followed ? undefined : c.packet)
                const hop = session.hops.hopsOf(c.packet)[0]
                if (c.packet !== current && hop !== undefined) seek(session.hops.first[hop] ?? seq)
              }}
            >
              <i style={{ background: `var(--${c.colour})` }} aria-hidden="true" />
              {c.label}
              <small>{c.where}</small>
            </button>
          </span>
        )
      })}
    </div>
  )
}
