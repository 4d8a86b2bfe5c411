import {
  Command as CommandIcon,
  FolderOpen,
  Languages,
  Link2,
  Monitor,
  Moon,
  Pencil,
  Redo2,
  SquareTerminal,
  Sun,
  Undo2,
} from 'lucide-react'
import { useState } from 'react'
import type { ThemeChoice } from '../../store/preferences.ts'
import { useApp, useAppContext, useLang } from '../context.tsx'
import { usePanelWords } from '../i18n/panel-words.ts'
import { Icon } from '../widgets/icon.tsx'
import { IconButton } from '../widgets/icon-button.tsx'

const THEMES: readonly ThemeChoice[] = ['system', 'dark', 'light']
const THEME_ICON = { system: Monitor, dark: Moon, light: Sun } as const

/** What the header does beside running commands. */
export default function HeaderActions() {
  const words = usePanelWords()
  const openDialog = useApp((s) => s.openDialog)
  return (
    <div className="header-actions">
      <UndoRedo />
      <IconButton of={FolderOpen} className="btn" label={words.open.title} onClick={() => openDialog('open')}>
        <span className="wide-only">{words.header.open}</span>
      </IconButton>
      <IconButton of={Pencil} size={13} className="btn" label={words.header.editCluster} onClick={() => openDialog('edit')}>
        <span className="wide-only">{words.header.editCluster}</span>
      </IconButton>
      <LabButton />
      <ShareButton />
      <button
        type="button"
        className="btn btn-quiet palette-btn"
        onClick={() => openDialog('palette')}
        aria-label={words.header.palette}
        title={words.header.palette}
      >
        <span className="kbd wide-only">Ctrl K</span>
        <span className="narrow-only">
          <Icon of={CommandIcon} />
        </span>
      </button>
      <LanguageButton />
      <ThemeButton />
    </div>
  )
}

function UndoRedo() {
  const words = usePanelWords()
  const past = useApp((s) => s.past.length)
  const future = useApp((s) => s.future.length)
  const undo = useApp((s) => s.undo)
  const redo = useApp((s) => s.redo)
  if (past === 0 && future === 0) return null
  return (
    <div className="btn-pair">
      <IconButton of={Undo2} label={words.app.undo} disabled={past === 0} onClick={undo} />
      <IconButton of={Redo2} label={words.app.redo} disabled={future === 0} onClick={redo} />
    </div>
  )
}

function LabButton() {
  const words = usePanelWords()
  const ready = useApp((s) => s.session !== undefined)
  const openDialog = useApp((s) => s.openDialog)
  return (
    <IconButton
      of={SquareTerminal}
      className="btn lab-btn"
      disabled={!ready}
      label={words.lab.title}
      onClick={() => openDialog('lab')}
    />
  )
}

function ShareButton() {
  const words = usePanelWords()
  const { actions } = useAppContext()
  const [said, setSaid] = useState<string | undefined>()
  const share = async () => {
    setSaid(
      { copied: words.header.linkCopied, refused: words.header.linkFailed, none: words.header.linkNone }[await actions.share()],
    )
    setTimeout(() => setSaid(undefined), 2400)
  }
  return (
    <button type="button" className="btn share-btn" onClick={share} title={words.header.shareLink}>
      <Icon of={Link2} />
      <span className="wide-only">{words.header.shareLink}</span>
      <span role="status" className={said === undefined ? 'toast toast-off' : 'toast'}>
        {said}
      </span>
    </button>
  )
}

function LanguageButton() {
  const words = usePanelWords()
  const lang = useLang()
  const setPreferences = useApp((s) => s.setPreferences)
  return (
    <button
      type="button"
      className="btn btn-quiet lang-btn"
      aria-label={`${words.header.language}: ${lang === 'en' ? 'English' : '简体中文'}`}
      title={lang === 'en' ? '切换到简体中文' : 'Switch to English'}
      onClick={() => setPreferences({ lang: lang === 'en' ? 'zh' : 'en' })}
    >
      <span className="narrow-only">
        <Icon of={Languages} />
      </span>
      <span className="wide-only" aria-hidden="true">
        <b className={lang === 'en' ? 'on' : ''}>EN</b> · <b className={lang === 'zh' ? 'on' : ''}>中</b>
      </span>
    </button>
  )
}

function ThemeButton() {
  const words = usePanelWords()
  const theme = useApp((s) => s.preferences.theme)
  const setPreferences = useApp((s) => s.setPreferences)
  const label = { system: words.header.themeSystem, dark: words.header.themeDark, light: words.header.themeLight }[theme]
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system'
  return (
    <button
      type="button"
      className="icon-btn"
      aria-label={`${words.header.theme}: ${label}`}
      title={label}
      onClick={() => setPreferences({ theme: next })}
    >
      <Icon of={THEME_ICON[theme]} />
    </button>
  )
}
