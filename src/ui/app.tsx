import { lazy, Suspense, useEffect, useState } from 'react'
import { useApp, useAppContext, useLang, useWords } from './context.tsx'
import { loadWords } from './i18n/words.ts'
import { Desktop } from './shell/desktop.tsx'
import { Header } from './shell/header.tsx'
import { Failure, ScenarioList } from './shell/parts.tsx'
import { usePlayback } from './shell/playback.ts'
import { Progress } from './shell/progress.tsx'
import './theme.css'
import './app.css'

/** Asked for at once where it is needed, and not elsewhere. */
const loadPhone = () => import('./shell/phone.tsx')
if (innerWidth < 760) void loadPhone()
const Phone = lazy(loadPhone)
const Dialogs = lazy(() => import('./shell/dialogs.tsx'))
const DropTarget = lazy(() => import('./panels/opener/drop-target.tsx'))

type Width = 'phone' | 'tablet' | 'desktop'

function useWidth(): Width {
  const read = (): Width => (innerWidth < 760 ? 'phone' : innerWidth < 1180 ? 'tablet' : 'desktop')
  const [width, setWidth] = useState<Width>(read)
  useEffect(() => {
    const onResize = () => setWidth(read())
    addEventListener('resize', onResize)
    return () => removeEventListener('resize', onResize)
  })
  return width
}

/** The theme and language attributes of the page follow the preferences, and the system's where they say so. */
function useDocumentAttributes() {
  const theme = useApp((s) => s.preferences.theme)
  const lang = useLang()
  const { scenarios } = useAppContext()
  const title = useApp((s) => {
    const { session } = s
    const entry = session?.provenance.kind === 'library' ? scenarios.get(session.provenance.id) : undefined
    const title = session?.document.title
    return entry !== undefined && entry.document.title === title ? entry.title[lang] : title
  })
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)')
    const apply = () => {
      document.documentElement.dataset.theme = theme === 'system' ? (query.matches ? 'dark' : 'light') : theme
    }
    apply()
    query.addEventListener('change', apply)
    return () => query.removeEventListener('change', apply)
  }, [theme])
  useEffect(() => {
    void loadWords(lang)
    document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en'
  }, [lang])
  useEffect(() => {
    document.title = title === undefined ? 'Hopscope' : `${title} · Hopscope`
  }, [title])
}

export function App() {
  const words = useWords()
  const { store } = useAppContext()
  const width = useWidth()
  const drawer = useApp((s) => s.drawer)
  const set = useApp((s) => s.set)
  const dialog = useApp((s) => s.dialog)
  const ready = useApp((s) => s.session !== undefined)
  const failed = useApp((s) => s.failure !== undefined)
  useDocumentAttributes()
  usePlayback()
  useEffect(() => {
    let unbind = () => {}
    let gone = false
    void import('./keys.ts').then(({ bindKeys }) => {
      if (!gone) unbind = bindKeys(store)
    })
    return () => {
      gone = true
      unbind()
    }
  }, [store])
  // The palette is typed into at once: its code must be there before the key is pressed.
  useEffect(() => {
    if (ready) void import('./shell/dialogs.tsx')
  }, [ready])
  return (
    <div className={`app app-${width}`}>
      <a className="skip" href="#stage">
        {words.app.skipToStage}
      </a>
      <Header />
      {width === 'phone' ? (
        <Suspense fallback={<main className="phone" />}>
          <Phone />
        </Suspense>
      ) : (
        <Desktop narrow={width === 'tablet'} />
      )}
      {width === 'tablet' && drawer ? (
        <>
          <button type="button" className="scrim" aria-label={words.app.closeDialog} onClick={() => set({ drawer: false })} />
          <div className="drawer">
            <ScenarioList />
          </div>
        </>
      ) : null}
      <div className="notices">
        {failed ? <Failure /> : null}
        <Progress />
      </div>
      <Suspense fallback={null}>{dialog === undefined ? null : <Dialogs dialog={dialog} />}</Suspense>
      <Suspense fallback={null}>{ready ? <DropTarget /> : null}</Suspense>
    </div>
  )
}
