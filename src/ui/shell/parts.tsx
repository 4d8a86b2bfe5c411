import { lazy, Suspense } from 'react'
import { useApp } from '../context.tsx'
import { Deferred } from '../widgets/deferred.tsx'

// Parts of the page that are loaded beside the diagram, not before it.

const LazyPacket = lazy(() => import('../panels/packet/packet.tsx'))
const LazyInspectors = lazy(() => import('./inspectors.tsx'))
const LazyWhy = lazy(() => import('./why.tsx'))
const LazyFoot = lazy(() => import('./foot.tsx'))
const LazyDeck = lazy(() => import('./deck.tsx'))
const LazyNotes = lazy(() => import('./notes.tsx'))
const LazyComposer = lazy(() => import('./composer.tsx'))
const LazyHeaderActions = lazy(() => import('./header-actions.tsx'))
const LazyScenarios = lazy(() => import('./scenario-list.tsx'))
const LazyFailure = lazy(() => import('./failure.tsx'))
const LazyEvents = lazy(() => import('../panels/exchanges/events.tsx'))

export const PacketPanel = () => (
  <Deferred fallback={<div className="packet" />}>
    <LazyPacket />
  </Deferred>
)
export const Inspectors = () => (
  <Deferred fallback={<div className="inspectors" />}>
    <LazyInspectors />
  </Deferred>
)
/** As high as what comes, so that the diagram is laid out for the room that it will have. */
export function Why() {
  const failing = useApp((s) => s.session?.reader.trace.journeys.some((j) => j.verdict.kind !== 'answered'))
  return (
    <Deferred fallback={<div className={failing ? 'why-empty why-empty-failing' : 'why-empty'} />}>
      <LazyWhy />
    </Deferred>
  )
}
export const Foot = () => (
  <Deferred fallback={<div className="foot" />}>
    <LazyFoot />
  </Deferred>
)
export const Deck = () => (
  <Deferred fallback={<div className="phone-deck" />}>
    <LazyDeck />
  </Deferred>
)
export const NotesBanner = () => (
  <Deferred>
    <LazyNotes />
  </Deferred>
)
export const Events = () => (
  <Deferred>
    <LazyEvents />
  </Deferred>
)
export const ScenarioList = () => (
  <Deferred fallback={<div className="side" />}>
    <LazyScenarios />
  </Deferred>
)
export const Composer = () => (
  <Deferred fallback={<div className="composer" />}>
    <LazyComposer />
  </Deferred>
)
export const HeaderActions = () => (
  <Deferred fallback={<div className="header-actions header-actions-soon" />}>
    <LazyHeaderActions />
  </Deferred>
)
export const Failure = () => (
  <Suspense fallback={null}>
    <LazyFailure />
  </Suspense>
)
