import { useEffect, useMemo, useState } from 'react'
import { useApp } from '../context.tsx'
import { usePanelWords } from '../i18n/panel-words.ts'
import { Combobox } from '../widgets/combobox.tsx'
import { commandSuggestions, placeSuggestions } from './suggestions.ts'

/** "from … run …": starts any command between any two places of the open cluster. */
export default function Composer() {
  const words = usePanelWords()
  const session = useApp((s) => s.session)
  const run = useApp((s) => s.run)
  const [from, setFrom] = useState('')
  const [command, setCommand] = useState('')
  useEffect(() => {
    const journey = session?.document.journeys[0]
    const netnses = session?.timeline.at(-1).list('netns') ?? []
    const place = netnses.find((n) => n.role === 'pod') ?? netnses.find((n) => n.role === 'node')
    setFrom(journey?.from ?? place?.name ?? '')
    setCommand(journey?.run ?? '')
  }, [session])
  const places = useMemo(() => (session === undefined ? [] : placeSuggestions(session, words)), [session, words])
  const commands = useMemo(() => (session === undefined ? [] : commandSuggestions(session, from, words)), [session, from, words])
  const unknownPlace = session !== undefined && from !== '' && !places.some((p) => p.value === from)
  const submit = () => {
    if (from.trim() === '' || command.trim() === '') return
    void run({ from: from.trim(), run: command.trim() })
  }
  return (
    <form
      className="composer"
      aria-label={words.composer.label}
      onSubmit={(e) => {
        e.preventDefault()
        submit()
      }}
    >
      <Combobox
        className="composer-from"
        label={words.composer.fromLabel}
        value={from}
        onChange={setFrom}
        onSubmit={submit}
        suggestions={places}
        invalid={unknownPlace}
        placeholder={words.composer.from}
      />
      <Combobox
        className="composer-run"
        inputId="composer-run"
        label={words.composer.runLabel}
        value={command}
        onChange={setCommand}
        onSubmit={submit}
        suggestions={commands}
        placeholder={words.composer.placeholder}
      />
      <button type="submit">{words.composer.go}</button>
    </form>
  )
}
