import { Eye, X } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { chipLabel } from '../../net/summary.ts'
import { useApp, useWords } from '../context.tsx'
import { Boundary } from '../widgets/boundary.tsx'
import { Icon } from '../widgets/icon.tsx'
import { Segmented } from '../widgets/tabs.tsx'
import './stage-area.css'

export const loadStage = () => import('./stage-mount.tsx')
const Stage = lazy(loadStage)
const KernelMap = lazy(() => import('./kernel-map-mount.tsx'))

/** The diagram or the kernel map, and which packet they follow. */
export function StageArea() {
  const words = useWords()
  const view = useApp((s) => s.stageView)
  const set = useApp((s) => s.set)
  const session = useApp((s) => s.session)
  const [tools, setTools] = useState<HTMLElement | null>(null)
  return (
    <>
      <div className="stage-bar">
        <Segmented
          label={words.stage.view}
          value={view}
          onChange={(stageView) => set({ stageView })}
          options={[
            { key: 'diagram', label: words.stage.diagram },
            { key: 'map', label: words.stage.kernelMap },
          ]}
        />
        <Followed />
        <div className="stage-tools" ref={setTools} />
      </div>
      <div className="stage-area">
        <Boundary retry={session}>
          <Suspense fallback={null}>{view === 'diagram' ? <Stage tools={tools} /> : <KernelMap />}</Suspense>
        </Boundary>
      </div>
    </>
  )
}

/** The packet that was chosen to be followed, and the way to follow the run again. */
function Followed() {
  const words = useWords()
  const session = useApp((s) => s.session)
  const followed = useApp((s) => s.followed)
  const follow = useApp((s) => s.follow)
  if (session === undefined || followed === undefined) return null
  const packet = session.reader.packetAt(followed, session.packets.born[followed] ?? 0)
  return (
    <button type="button" className="chip chip-followed" onClick={() => follow(undefined)} title={words.stage.unfollow}>
      <Icon of={Eye} size={13} />
      {words.stage.packetN(followed)} · {chipLabel(packet)}
      <Icon of={X} size={12} />
    </button>
  )
}
