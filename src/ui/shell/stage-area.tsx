import { lazy, Suspense, useState } from 'react'
import { useApp, useWords } from '../context.tsx'
import { Boundary } from '../widgets/boundary.tsx'
import { Segmented } from '../widgets/tabs.tsx'
import './stage-area.css'

export const loadStage = () => import('./stage-mount.tsx')
const Stage = lazy(loadStage)
const KernelMap = lazy(() => import('./kernel-map-mount.tsx'))
const Followed = lazy(() => import('./followed.tsx'))

/** The diagram or the kernel map, and which packet they follow. */
export function StageArea() {
  const words = useWords()
  const view = useApp((s) => s.stageView)
  const set = useApp((s) => s.set)
  const session = useApp((s) => s.session)
  const followed = useApp((s) => s.followed !== undefined)
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
        {followed && (
          <Suspense fallback={null}>
            <Followed />
          </Suspense>
        )}
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
