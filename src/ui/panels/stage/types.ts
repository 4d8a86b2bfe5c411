import type { TraceReader } from '../../../trace/reader.ts'
import type { Timeline } from '../../../trace/timeline.ts'

/** What a click on the drawing chose; the names of the store's own selection. */
export interface StageSelection {
  readonly netns?: string
  readonly device?: string
  readonly gate?: string
}

export interface StageProps {
  readonly reader: TraceReader
  readonly timeline: Timeline
  /** Step whose state is shown; -1 before the first. */
  readonly seq: number
  /** The followed packet; without one, the packet that the step is about. */
  readonly followed?: number | undefined
  readonly selection: StageSelection
  readonly onSelect: (selection: StageSelection) => void
  /** Another packet of this moment was chosen. */
  readonly onFollow?: (packet: number) => void
  readonly onSeek: (seq: number) => void
  readonly playing: boolean
  readonly speed: number
  readonly lang: 'en' | 'zh'
  /** Where the camera's buttons go. */
  readonly tools: HTMLElement | null
}
