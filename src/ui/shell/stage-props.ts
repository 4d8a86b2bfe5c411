import { useApp, useLang, useSession } from '../context.tsx'

/** What the diagram and the kernel map take: plain data and callbacks. */
export function useStageProps() {
  const { reader, timeline } = useSession()
  return {
    reader,
    timeline,
    seq: useApp((s) => s.seq),
    followed: useApp((s) => s.followed),
    selection: useApp((s) => s.selection),
    onSelect: useApp((s) => s.select),
    onFollow: useApp((s) => s.follow),
    onSeek: useApp((s) => s.seek),
    playing: useApp((s) => s.playing),
    speed: useApp((s) => s.speed),
    lang: useLang(),
  }
}
