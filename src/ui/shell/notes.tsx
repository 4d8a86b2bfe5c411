import { Info, X } from 'lucide-react'
import { useState } from 'react'
import { useApp, useSession } from '../context.tsx'
import { usePanelWords } from '../i18n/panel-words.ts'
import { Icon } from '../widgets/icon.tsx'
import './notices.css'

/** What the input had that the engine does not model, and what it lacked and got: said once, plainly, with the list a click away. */
export default function NotesBanner() {
  const words = usePanelWords()
  const { timeline } = useSession()
  const hidden = useApp((s) => s.notesHidden)
  const set = useApp((s) => s.set)
  const [open, setOpen] = useState(false)
  const notes = timeline.at(-1).list('note')
  if (notes.length === 0 || hidden) return null
  const [first] = notes
  const added = notes.filter((n) => n.added).length
  const kept = notes.length - added
  return (
    <section className="notes" aria-label={words.notes.title}>
      <Icon of={Info} size={15} />
      <div>
        <p>
          {first !== undefined && notes.length === 1 && first.added ? (
            <span lang="en">{first.what}</span>
          ) : (
            [kept > 0 ? `${words.notes.some(kept)} ${words.notes.honest}` : '', added > 0 ? words.notes.added(added) : ''].join(
              ' ',
            )
          )}
        </p>
        {open && words.failure.original !== '' ? <p className="faint">{words.failure.original}</p> : null}
        {open ? (
          <ul>
            {notes.map((n) => (
              <li key={n.id}>
                <span lang="en">{n.what}</span>
                {n.where === undefined ? null : <span className="mono faint"> {n.where}</span>}
              </li>
            ))}
          </ul>
        ) : null}
      </div>
      <button type="button" className="btn" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? words.notes.hide : words.notes.show}
      </button>
      <button type="button" className="icon-btn" aria-label={words.notes.dismiss} onClick={() => set({ notesHidden: true })}>
        <Icon of={X} size={13} />
      </button>
    </section>
  )
}
