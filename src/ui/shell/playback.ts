import { useEffect } from 'react'
import type { Granularity } from '../../store/preferences.ts'
import { useApp, useAppContext } from '../context.tsx'

/** How long a halt is shown at speed 1, in milliseconds: long enough to read what changed. */
const HALT: Readonly<Record<Granularity, number>> = { hop: 900, step: 480, rule: 300 }

/** Moves the playhead while playing. A timer rather than every frame: the diagram glides between halts by itself. */
export function usePlayback(): void {
  const { store } = useAppContext()
  const playing = useApp((s) => s.playing)
  const speed = useApp((s) => s.speed)
  const granularity = useApp((s) => s.granularity)
  useEffect(() => {
    if (!playing) return
    const timer = setInterval(() => store.getState().step(1), HALT[granularity] / speed)
    return () => clearInterval(timer)
  }, [playing, speed, granularity, store])
}
