import { LocateFixed, MapPin } from 'lucide-react'
import { type ComponentType, lazy, Suspense } from 'react'
import type { Session } from '../../store/session.ts'
import { PANELS, type PanelName, panelKey } from '../../store/state.ts'
import type { RecordKind } from '../../world/records.ts'
import { useApp, useSession } from '../context.tsx'
import { usePanelWords } from '../i18n/panel-words.ts'
import { netnsAt, useChangeCounts } from '../inspect.ts'
import { netnsName } from '../place.ts'
import { Boundary } from '../widgets/boundary.tsx'
import { Icon } from '../widgets/icon.tsx'
import { Tabs } from '../widgets/tabs.tsx'
import './inspectors.css'

const BODY: Readonly<Record<PanelName, ComponentType>> = {
  neigh: lazy(() => import('../panels/neighbours/neighbours.tsx')),
  fdb: lazy(() => import('../panels/fdb/fdb.tsx')),
  routes: lazy(() => import('../panels/routes/routes.tsx')),
  iptables: lazy(() => import('../panels/iptables/iptables.tsx')),
  conntrack: lazy(() => import('../panels/conntrack/conntrack.tsx')),
  sockets: lazy(() => import('../panels/sockets/sockets.tsx')),
  sysctl: lazy(() => import('../panels/sysctls/sysctls.tsx')),
  objects: lazy(() => import('../panels/objects/objects.tsx')),
  console: lazy(() => import('../panels/console/console.tsx')),
  debug: lazy(() => import('../panels/debug/debug.tsx')),
  ipvs: lazy(() => import('../panels/ipvs/ipvs.tsx')),
}

const KIND: Partial<Readonly<Record<PanelName, RecordKind>>> = {
  neigh: 'neighbour',
  fdb: 'fdb',
  routes: 'route',
  iptables: 'chain',
  conntrack: 'conntrack',
  sockets: 'socket',
  sysctl: 'sysctl',
  ipvs: 'ipvs-service',
}

/** A table that is empty here may not be elsewhere: the way there. */
function Elsewhere({ panel, netns }: { readonly panel: PanelName; readonly netns: string }) {
  const words = usePanelWords()
  const { timeline } = useSession()
  const seq = useApp((s) => s.seq)
  const pin = useApp((s) => s.pin)
  const kind = KIND[panel]
  const view = timeline.at(seq)
  if (kind === undefined || view.list(kind, netns).length > 0) return null
  const others = view.list('netns').flatMap((n) => {
    const count = view.list(kind, n.id).length
    return count === 0 ? [] : [{ id: n.id, name: n.name, count }]
  })
  if (others.length === 0) return null
  return (
    <p className="elsewhere">
      <span className="faint">{words.panels.elsewhere}</span>
      {others.slice(0, 12).map((o) => (
        <button key={o.id} type="button" className="chip" onClick={() => pin(o.id)}>
          {o.name} <span className="faint">{o.count}</span>
        </button>
      ))}
    </p>
  )
}

/** Whose tables these are. */
function Where({ netns }: { readonly netns: string }) {
  const words = usePanelWords()
  const session = useSession()
  const pinned = useApp((s) => s.pinned)
  const pin = useApp((s) => s.pin)
  const seq = useApp((s) => s.seq)
  const places = session.timeline.at(seq).list('netns')
  return (
    <div className="inspectors-where">
      <span className="faint">{words.panels.in}</span>
      <select aria-label={words.panels.namespace} value={netns} onChange={(e) => pin(e.target.value)}>
        {places.map((n) => (
          <option key={n.id} value={n.id}>
            {netnsName(n.id)}
          </option>
        ))}
      </select>
      {pinned === undefined ? (
        <span className="faint inspectors-note">
          <Icon of={LocateFixed} size={12} /> {words.panels.followPacket}
        </span>
      ) : (
        <button type="button" className="ref faint inspectors-note" onClick={() => pin(undefined)} title={words.panels.unpin}>
          <Icon of={MapPin} size={12} /> {words.panels.pinned}
        </button>
      )}
    </div>
  )
}

/** IPVS and its sets are on nodes whose kube-proxy uses them. */
const hasIpvs = ({ timeline }: Session, seq: number, netns: string): boolean => {
  const view = timeline.at(seq)
  return view.list('ipvs-service', netns).length > 0 || view.list('ipset', netns).length > 0
}

/** The tables of one namespace at this step, one at a time. */
export default function Inspectors() {
  const words = usePanelWords()
  const session = useSession()
  const panel = useApp((s) => s.panel)
  const seq = useApp((s) => s.seq)
  const followed = useApp((s) => s.followed)
  const pinned = useApp((s) => s.pinned)
  const showPanel = useApp((s) => s.showPanel)
  const netns = netnsAt(session, seq, followed, pinned)
  const counts = useChangeCounts(netns)
  const Body = BODY[panel]
  const shown = PANELS.filter((key) => key !== 'ipvs' || panel === key || hasIpvs(session, seq, netns))
  return (
    <section className="inspectors" aria-label={words.stage.tables}>
      <Tabs
        id="tables"
        label={words.stage.tables}
        value={panel}
        onChange={showPanel}
        tabs={shown.map((key) => ({
          key,
          label: words.panels[key],
          shortcut: panelKey(PANELS.indexOf(key)),
          badge: counts.has(key) ? <span className="delta">+{counts.get(key)}</span> : undefined,
        }))}
      />
      {panel === 'debug' ? null : <Where netns={netns} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a panel that scrolls must be reachable by keyboard (WAI-ARIA tabs) */}
      <div className="inspectors-body" role="tabpanel" id="tables-panel" aria-labelledby={`tables-${panel}`} tabIndex={0}>
        <Boundary key={panel} retry={seq}>
          <Suspense fallback={<p className="empty">{words.app.loading}</p>}>
            <Body />
          </Suspense>
        </Boundary>
        <Elsewhere panel={panel} netns={netns} />
      </div>
    </section>
  )
}
