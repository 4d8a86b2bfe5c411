import { lazy, Suspense, useCallback, useEffect, useMemo, useRef } from 'react'
import { createPortal } from 'react-dom'
import type { Box } from '../../../diagram/figure.ts'
import { centre } from '../../../diagram/geometry.ts'
import { layout as layOut } from '../../../diagram/layout.ts'
import { Paths } from '../../../diagram/path.ts'
import { packetAtStep, sceneAt } from '../../../diagram/scene.ts'
import { CANVAS_FROM } from '../../../diagram/shape.ts'
import { standingIdle, standingTopology } from '../../../diagram/standing.ts'
import { remember } from '../../../diagram/text.ts'
import type { View } from '../../../diagram/view.ts'
import { VisitIndex } from '../../../diagram/visits.ts'
import { passingNamespaces } from '../../../trace/ever.ts'
import { BaseLayer, RestingLabels } from './base-layer.tsx'
import type { CanvasLayerHandle } from './canvas-layer.tsx'
import { CapsuleMark } from './capsule-mark.tsx'
import { browserMeasure } from './measure.ts'
import { EndingMark, PlacesLayer, spokenOf, WayLayer } from './overlay.tsx'
import { selectedBox, selectionOf } from './reach.ts'
import './stage.css'
import type { StageProps } from './types.ts'
import { useCamera } from './use-camera.ts'
import { useGlide } from './use-glide.ts'
import { useRoom, useSize } from './use-size.ts'
import { stageWords } from './words.ts'

// Nobody points, listens or reads a callout before the first frame.
const CalloutMark = lazy(() => import('./callout-mark.tsx'))
const Hits = lazy(() => import('./hit-layer.tsx'))
const Tools = lazy(() => import('./tools.tsx'))
const StageReader = lazy(() => import('./reader.tsx'))
/** Only large clusters need it. */
const CanvasLayer = lazy(async () => ({ default: (await import('./canvas-layer.tsx')).CanvasLayer }))

/** The cluster as a drawing with the packet on its way through it. */
export function Stage(props: StageProps) {
  const { reader, timeline, seq, followed, selection, onSelect, onFollow, playing, lang } = props
  const words = stageWords(lang)
  const root = useRef<HTMLElement>(null)
  const surface = useRef<HTMLDivElement>(null)
  const hitWorld = useRef<HTMLDivElement>(null)
  const world = useRef<SVGGElement>(null)
  const canvas = useRef<CanvasLayerHandle>(null)
  const capsule = useRef<SVGGElement>(null)
  const size = useSize(root)
  const measure = useMemo(() => remember(browserMeasure()), [])

  const visits = useMemo(() => new VisitIndex(reader), [reader])
  // Every pod that there ever is has its place; one that is not there yet, or no more, is drawn faint.
  const topology = useMemo(() => standingTopology(reader, timeline), [reader, timeline])
  const passing = useMemo(() => [...passingNamespaces(reader)], [reader])
  const absent = useMemo(() => {
    const view = timeline.at(seq)
    return new Set(passing.filter((id) => view.get('netns', id) === undefined))
  }, [passing, timeline, seq])
  const idle = useMemo(() => standingIdle(reader, topology), [reader, topology])
  const room = useRoom(size)
  const layout = useMemo(
    () => (room === undefined ? undefined : layOut(topology, { ...room, measure, words: stageWords(lang), idle })),
    [topology, room, measure, lang, idle],
  )
  const paths = useMemo(() => (layout === undefined ? undefined : new Paths(layout, visits)), [layout, visits])
  const large = layout !== undefined && layout.boxes.length > CANVAS_FROM

  const scene = useMemo(
    () => (paths === undefined ? undefined : sceneAt(paths, followed ?? packetAtStep(paths, seq), seq)),
    [paths, followed, seq],
  )

  const onView = useCallback((view: View) => {
    world.current?.setAttribute('transform', `translate(${view.x} ${view.y}) scale(${view.k})`)
    if (hitWorld.current) hitWorld.current.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.k})`
    canvas.current?.draw(view)
  }, [])
  const camera = useCamera({ surface, layout, size, onView })
  const { following, reveal } = camera
  const position = scene === undefined || paths === undefined ? undefined : paths.of(scene.packet)[scene.leg]?.at
  useEffect(() => {
    if (following && position !== undefined) reveal(position)
  }, [following, reveal, position])
  const onReach = useCallback((box: Box) => reveal(centre(box.rect)), [reveal])

  const boxes = useMemo(() => layout?.boxes.filter((b) => b.of.kind !== 'region') ?? [], [layout])
  const selected = layout === undefined ? undefined : selectedBox(layout, selection)
  const hits = useMemo(
    () => (large ? boxes.filter((b) => b.id === selected || b.of.kind === 'machine') : boxes),
    [large, boxes, selected],
  )
  const { current } = camera
  useEffect(() => {
    const el = surface.current
    if (!large || el === null) return
    const click = (event: MouseEvent) => {
      const at = el.getBoundingClientRect()
      const { x, y, k } = current()
      const box = canvas.current?.boxAt((event.clientX - at.left - x) / k, (event.clientY - at.top - y) / k)
      if (box !== undefined) onSelect(selectionOf(box))
    }
    el.addEventListener('click', click)
    return () => el.removeEventListener('click', click)
  }, [large, current, onSelect])
  const noted = scene === undefined ? undefined : layout?.box.get(spokenOf(scene) ?? '')
  const spoken = noted?.parent
  const busy = useMemo(() => new Set([...(scene?.did.keys() ?? []), ...(spoken === undefined ? [] : [spoken])]), [scene, spoken])

  return (
    <section
      ref={root}
      aria-label={words.drawing}
      className={`stg${camera.scale < 0.45 ? ' stg-far' : ''}${playing ? ' stg-playing' : ''}${large ? ' stg-large' : ''}`}
    >
      <div ref={surface} className="stg-surface">
        {large && layout !== undefined && size !== undefined && (
          <Suspense fallback={null}>
            <CanvasLayer ref={canvas} layout={layout} size={size} busy={busy} view={camera.current} />
          </Suspense>
        )}
        <svg className="stg-svg" aria-hidden="true">
          <g ref={world}>
            {layout !== undefined && paths !== undefined && scene !== undefined && (
              <>
                {!large && <BaseLayer layout={layout} />}
                {!large && <RestingLabels layout={layout} busy={busy} />}
                {boxes
                  .filter((b) => absent.has(b.id))
                  .map((b) => (
                    <rect key={b.id} className="stg-absent" x={b.rect.x} y={b.rect.y} width={b.rect.w} height={b.rect.h} rx={6} />
                  ))}
                <PlacesLayer layout={layout} scene={scene} measure={measure} />
                <WayLayer walked={scene.walked} role={scene.capsule?.role ?? 'ip'} />
                {scene.others.map((o) => (
                  <circle key={o.packet} className={`stg-other stg-fill-${o.capsule.role}`} cx={o.at.x} cy={o.at.y} r={5.5} />
                ))}
                {noted !== undefined && (
                  <Suspense fallback={null}>
                    <CalloutMark
                      scene={scene}
                      words={words}
                      box={noted}
                      layout={layout}
                      measure={measure}
                      keepClear={position === undefined ? [] : [{ x: position.x - 46, y: position.y - 11, w: 92, h: 22 }]}
                    />
                  </Suspense>
                )}
                <g ref={capsule} className={`stg-mover stg-mover-${scene.ending?.kind ?? 'moving'}`} key={scene.packet}>
                  {scene.capsule !== undefined && <CapsuleMark capsule={scene.capsule} measure={measure} />}
                  <EndingMark scene={scene} measure={measure} />
                </g>
              </>
            )}
          </g>
        </svg>
        <div ref={hitWorld} className="stg-hits">
          {layout !== undefined && (
            <Suspense fallback={null}>
              <Hits
                {...{ layout, selected, onSelect, onReach, onFollow }}
                boxes={hits}
                others={scene?.others ?? []}
                packet={words.packet}
              />
            </Suspense>
          )}
        </div>
        {scene !== undefined && paths !== undefined && (
          <Gliding {...{ paths, seq, playing, capsule }} packet={scene.packet} leg={scene.leg} />
        )}
      </div>
      {props.tools !== null &&
        createPortal(
          <Suspense fallback={null}>
            <Tools camera={camera} words={words} />
          </Suspense>,
          props.tools,
        )}
      {layout !== undefined && (
        <Suspense fallback={null}>
          <StageReader {...{ layout, onSelect, words, scene, reader, seq, playing }} />
        </Suspense>
      )}
    </section>
  )
}

/** Holds the glide's hook, so that it only runs once there are paths. */
function Gliding(props: {
  readonly paths: Paths
  readonly packet: number
  readonly leg: number
  readonly seq: number
  readonly playing: boolean
  readonly capsule: React.RefObject<SVGGElement | null>
}) {
  useGlide({ ...props, target: props.capsule })
  return null
}
