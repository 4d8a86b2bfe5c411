import { changesBetween } from '../../scenario/changes.ts'
import type { ScenarioDocument } from '../../scenario/document.ts'
import { useApp, useAppContext, useLang, useWords } from '../context.tsx'
import { Composer, HeaderActions } from './parts.tsx'
import './header.css'

export function Header() {
  const words = useWords()
  const set = useApp((s) => s.set)
  const drawer = useApp((s) => s.drawer)
  return (
    <header className="header">
      <button
        type="button"
        className="icon-btn header-menu"
        aria-label={words.header.scenarios}
        aria-expanded={drawer}
        onClick={() => set({ drawer: !drawer })}
      >
        <MenuIcon />
      </button>
      <div className="logo">
        <i aria-hidden="true" />
        <span>{words.app.name}</span>
      </div>
      <Breadcrumb />
      <Composer />
      <HeaderActions />
    </header>
  )
}

/** Drawn here as the icon library draws it: the only icon before the first frame is not worth the library. */
const MenuIcon = () => (
  <svg
    width="17"
    height="17"
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    strokeWidth="1.9"
    strokeLinecap="round"
    aria-hidden="true"
  >
    <path d="M4 5h16M4 12h16M4 19h16" />
  </svg>
)

function Breadcrumb() {
  const words = useWords()
  const lang = useLang()
  const { scenarios } = useAppContext()
  const session = useApp((s) => s.session)
  if (session === undefined) return <div className="crumb" />
  const { provenance, document } = session
  const entry = provenance.kind === 'library' ? scenarios.get(provenance.id) : undefined
  // Somebody who gave it another title wants to read that.
  const title = entry?.document.title === document.title ? entry.title[lang] : document.title
  const group = entry === undefined ? words.header.yours : entry.group.title[lang]
  return (
    <div className="crumb">
      <span className="crumb-group">{group} / </span>
      <h1 title={title}>{title}</h1>
      {entry !== undefined && isEdited(entry.document, document) ? <span className="tag">{words.header.edited}</span> : null}
    </div>
  )
}

/** Another command in the same cluster is an edit too: it is no longer what the title promises. */
const isEdited = (original: ScenarioDocument, now: ScenarioDocument): boolean =>
  original !== now && changesBetween(original, now) !== undefined
