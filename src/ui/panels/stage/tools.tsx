import { Locate, type LucideIcon, Maximize, Minus, Plus } from 'lucide-react'
import type { Camera } from './use-camera.ts'
import type { StageWords } from './words.ts'

/** The camera's buttons. They stand above the drawing, never on it. */
export default function Tools({ camera, words }: { readonly camera: Camera; readonly words: StageWords }) {
  const button = (Glyph: LucideIcon, text: string, onClick: () => void, pressed?: boolean) => (
    <button type="button" className="icon-btn" onClick={onClick} aria-pressed={pressed} aria-label={text} title={text}>
      <Glyph size={15} aria-hidden="true" />
    </button>
  )
  return (
    <div className="stg-tools" role="toolbar" aria-label={words.view}>
      {button(Plus, words.zoomIn, () => camera.zoomBy(1.25))}
      {button(Minus, words.zoomOut, () => camera.zoomBy(0.8))}
      {button(Maximize, words.fit, camera.fit)}
      {button(Locate, words.follow, camera.toggleFollow, camera.following)}
    </div>
  )
}
