import { useEffect, useMemo, useRef } from 'react'
import { kernelChart, type MapCell } from '../../../diagram/kernel-map.ts'
import { type CellState, mapState, type WalkedChain } from '../../../diagram/map-state.ts'
import { pathData, roundCorners } from '../../../diagram/polyline.ts'
import type { TraceReader } from '../../../trace/reader.ts'
import type { Timeline } from '../../../trace/timeline.ts'
import './kernel-map.css'
import { type MapWords, mapWords } from './words.ts'

export interface KernelMapProps {
  readonly reader: TraceReader
  readonly timeline: Timeline
  readonly seq: number
  readonly followed?: number | undefined
  readonly selection: { readonly netns?: string; readonly gate?: string }
  readonly onSelect: (selection: { readonly netns?: string; readonly gate?: string }) => void
  readonly onSeek: (seq: number) => void
  readonly playing: boolean
  readonly speed: number
  readonly lang: 'en' | 'zh'
}

const CHART = kernelChart()

function packetAt(reader: TraceReader, seq: number): number {
  for (let s = Math.min(seq, reader.length - 1); s >= 0; s--) if (reader.packetOf(s) >= 0) return reader.packetOf(s)
  return -1
}

/** The kernel's packet-flow chart of the namespace that the packet is in, live. */
export function KernelMap({ reader, timeline, seq, followed, onSelect, onSeek, lang }: KernelMapProps) {
  const words = mapWords(lang)
  const packet = followed ?? packetAt(reader, seq)
  const state = useMemo(() => mapState(reader, timeline.at(seq), { packet, seq }), [reader, timeline, packet, seq])
  const name = state.netns?.slice('netns:'.length)
  const chart = useRef<HTMLElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the lit cell is another one with each of these
  useEffect(() => scrollTo(chart.current, '.kmap-here'), [state.here, state.netns])
  return (
    <section className="kmap" aria-label={`${words.map} ${name ?? ''}`}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: in a small room it scrolls, which the keyboard must be able to do */}
      <section ref={chart} className="kmap-chart" aria-label={words.chart} tabIndex={0}>
        <svg viewBox={`0 0 ${CHART.bounds.w} ${CHART.bounds.h}`} aria-hidden="true" preserveAspectRatio="xMidYMid meet">
          {CHART.lanes.map((l) => (
            <g key={l.id}>
              <rect
                className={`kmap-lane kmap-lane-${l.id}`}
                x={l.rect.x}
                y={l.rect.y}
                width={l.rect.w}
                height={l.rect.h}
                rx={10}
              />
              <text className="kmap-lane-name" x={l.labelX} y={l.rect.y + 16}>
                {words.lanes[l.id]}
              </text>
            </g>
          ))}
          {name !== undefined && (
            <text className="kmap-netns" x={14} y={86}>
              {name}
            </text>
          )}
          {CHART.edges.map((e) => {
            const d = pathData(roundCorners(e.points))
            return (
              <path key={d} className={e.dashed ? 'kmap-edge kmap-edge-link' : 'kmap-edge'} d={d} markerEnd="url(#kmap-arrow)" />
            )
          })}
          <defs>
            <marker id="kmap-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
              <path d="M1 1L7 4L1 7" className="kmap-arrow" />
            </marker>
          </defs>
          {CHART.columns.map((c) => (
            <g key={c.hook}>
              <rect className="kmap-column" x={c.rect.x} y={c.rect.y} width={c.rect.w} height={c.rect.h} rx={6} />
              <text className="kmap-hook" x={c.title.x + 9} y={c.title.y + 13.5}>
                {c.hook}
              </text>
            </g>
          ))}
          {CHART.cells.map((cell) => (
            <Cell
              key={cell.id}
              cell={cell}
              label={words.cells[cell.id] ?? cell.label}
              state={state.cells.get(cell.id)}
              here={state.here === cell.id}
              absent={cell.hook !== undefined && !state.registered.has(cell.id)}
              onPick={() => {
                const visited = state.cells.get(cell.id)
                if (visited !== undefined) onSeek(visited.last)
                if (state.netns !== undefined) onSelect({ netns: state.netns, ...(cell.hook && { gate: cell.hook }) })
              }}
            />
          ))}
        </svg>
      </section>
      <div className="kmap-side">
        <h3>{words.chains}</h3>
        {state.chains.length === 0 ? (
          <p className="kmap-empty">{state.netns === undefined ? words.nowhere : words.noChains}</p>
        ) : (
          <ol>
            {state.chains.map((c, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: one chain can be walked twice, and the list only grows
              <Chain key={i} chain={c} words={words} current={c.seq === seq} onSeek={onSeek} />
            ))}
          </ol>
        )}
        <Reading state={state} words={words} />
      </div>
    </section>
  )
}

/** Scrolls `box`, and nothing around it, as little as shows what `selector` finds in it. */
function scrollTo(box: HTMLElement | null, selector: string): void {
  const found = box?.querySelector(selector)
  if (box === null || found === null || found === undefined) return
  const room = box.getBoundingClientRect()
  const { left, right, top, bottom } = found.getBoundingClientRect()
  const air = 16
  const by = (before: number, after: number) => (before < air ? before - air : after < air ? air - after : 0)
  box.scrollLeft += by(left - room.left, room.right - right)
  box.scrollTop += by(top - room.top, room.bottom - bottom)
}

function Cell(props: {
  readonly cell: MapCell
  readonly label: string
  readonly state: CellState | undefined
  readonly here: boolean
  readonly absent: boolean
  readonly onPick: () => void
}) {
  const { cell, label, state, here, absent } = props
  const { x, y, w, h } = cell.rect
  const tone = state?.verdict === undefined ? '' : ` kmap-${state.verdict}`
  const classes = `kmap-cell kmap-${cell.kind}${state ? ' kmap-was' : ''}${here ? ' kmap-here' : ''}${absent && !state ? ' kmap-absent' : ''}${tone}`
  const inset = cell.hook === undefined ? 0 : 3
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a shortcut for the pointer; the list beside the chart offers the same by keyboard
    <g className={classes} onClick={props.onPick}>
      <rect
        x={x + inset}
        y={y + inset / 3}
        width={w - 2 * inset}
        height={h - inset / 1.5}
        rx={cell.kind === 'decision' ? h / 2 : 4}
      />
      <text
        x={cell.hook === undefined ? x + w / 2 : x + 9}
        y={y + h / 2 + 3.9}
        textAnchor={cell.hook === undefined ? 'middle' : 'start'}
      >
        {label}
      </text>
      {cell.hook !== undefined && (
        <text className="kmap-right" x={x + w - 8} y={y + h / 2 + 3.9} textAnchor="end">
          {state !== undefined && state.tried > 0 ? `${state.matched}/${state.tried}` : cell.priority}
        </text>
      )}
    </g>
  )
}

const outcomeClass = (outcome: string) =>
  `kmap-outcome${/DNAT|SNAT|MASQ|REDIRECT/.test(outcome) ? ' kmap-nat' : /DROP|REJECT/.test(outcome) ? ' kmap-drop' : ''}`

function Chain({
  chain,
  words,
  current,
  onSeek,
}: {
  readonly chain: WalkedChain
  readonly words: MapWords
  readonly current: boolean
  readonly onSeek: (seq: number) => void
}) {
  return (
    <li style={{ paddingInlineStart: chain.depth * 12 }}>
      <button type="button" onClick={() => onSeek(chain.seq)} aria-current={current ? 'step' : undefined}>
        <span className="kmap-chain">
          <b>{chain.depth === 0 ? `${chain.table} ${chain.chain}` : chain.chain}</b>
          {chain.final !== undefined && <em className={outcomeClass(chain.final)}>{chain.final}</em>}
          {chain.tried > 0 && (
            <small title={words.rules(chain.matched, chain.tried)}>
              {chain.matched}/{chain.tried}
            </small>
          )}
        </span>
        {chain.outcome !== '' && <span className={outcomeClass(chain.outcome)}>{chain.outcome}</span>}
      </button>
    </li>
  )
}

/** The chart in words, for who does not see it. */
function Reading({ state, words }: { readonly state: ReturnType<typeof mapState>; readonly words: MapWords }) {
  return (
    <ul className="sr-only">
      {[...state.cells].map(([id, cell]) => (
        <li key={id}>
          {words.cells[id] ?? id.replace('/', ' ')}
          {cell.tried > 0 ? ` ${words.rules(cell.matched, cell.tried)}` : ''}
          {cell.verdict === undefined ? '' : ` ${cell.verdict}`}
          {state.here === id ? ` – ${words.here}` : ''}
        </li>
      ))}
    </ul>
  )
}
