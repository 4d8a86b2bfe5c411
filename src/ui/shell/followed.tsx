import { Eye, X } from 'lucide-react'
import { chipLabel } from '../../net/chip.ts'
import { useApp, useWords } from '../context.tsx'
import { Icon } from '../widgets/icon.tsx'

/** The packet that was chosen to be followed, and the way to follow the run again. */
export default function Followed() {
  const words = useWords()
  const session = useApp((s) => s.session)
  const followed = useApp((s) => s.followed)
  const follow = useApp((s) => s.follow)
  if (session === undefined || followed === undefined) return null
  const packet = session.reader.packetAt(followed, session.packets.born[followed] ?? 0)
  return (
    <button type="button" className="chip chip-followed" onClick={() => follow(undefined)} title={words.stage.unfollow}>
      <Icon of={Eye} size={13} />
      <span>
        {words.stage.packetN(followed)} · {chipLabel(packet)}
      </span>
      <Icon of={X} size={12} />
    </button>
  )
}
