import { lazy, Suspense } from 'react'
import { useApp, useWords } from '../context.tsx'
import { Segmented } from '../widgets/tabs.tsx'

export const loadStage = () => import('./stage-mount.tsx')
const Stage = lazy(loadStage)
const KernelMap = lazy(() => import('./kernel-map-mount.tsx'))

/** The diagram or the kernel map, with the choice between them in its corner. */
export function StageArea() {
  const words = useWords()
  const view = useApp((s) => s.stageView)
  const set = useApp((s) => s.set)
  return (
    <div className="stage-area">
      <div className="stage-choice">
        <Segmented
          label={words.stage.view}
          value={view}
          onChange={(stageView) => set({ stageView })}
          options={[
            { key: 'diagram', label: words.stage.diagram },
            { key: 'map', label: words.stage.kernelMap },
          ]}
        />
      </div>
      <Suspense fallback={null}>{view === 'diagram' ? <Stage /> : <KernelMap />}</Suspense>
    </div>
  )
}
