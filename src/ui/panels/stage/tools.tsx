import { Locate, Maximize, Minus, Plus } from 'lucide-react'
import { IconButton } from '../../widgets/icon-button.tsx'
import type { Camera } from './use-camera.ts'
import type { StageWords } from './words.ts'

/** The camera's buttons. They stand above the drawing, never on it. */
export default function Tools({ camera, words }: { readonly camera: Camera; readonly words: StageWords }) {
  return (
    <div className="stg-tools" role="toolbar" aria-label={words.view}>
      <IconButton of={Plus} label={words.zoomIn} onClick={() => camera.zoomBy(1.25)} />
      <IconButton of={Minus} label={words.zoomOut} onClick={() => camera.zoomBy(0.8)} />
      <IconButton of={Maximize} label={words.fit} onClick={camera.fit} />
      <IconButton of={Locate} label={words.follow} pressed={camera.following} onClick={camera.toggleFollow} />
    </div>
  )
}
