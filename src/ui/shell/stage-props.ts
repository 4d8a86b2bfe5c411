import { useApp, useLang, useSession } from '../context.tsx'

/** What the diagram and the kernel map take: plain data and two callbacks. */
export function useStageProps() {
  const { reader, timeline } = useSession()
  return {
    reader,
    timeline,
    seq: useApp((s) => s.seq),
    selection: useApp((s) => s.selection),
    onSelect: useApp((s) => s.select),
    onSeek: useApp((s) => s.seek),
    playing: useApp((s) => s.playing),
    speed: useApp((s) => s.speed),
    lang: useLang(),
  }
}
