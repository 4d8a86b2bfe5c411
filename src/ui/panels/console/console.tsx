import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { execCommand } from '../../../console/exec.ts'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { useInspection } from '../../inspect.ts'
import { netnsName } from '../../place.ts'
import './console.css'

interface Line {
  readonly key: number
  readonly place: string
  readonly seq: number
  readonly command: string
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

const COMMANDS = [
  'ip addr',
  'ip route',
  'ip neigh',
  'bridge fdb show',
  'iptables-save -c',
  'conntrack -L',
  'ss -tan',
  'sysctl -a',
  'help',
]
const KEPT = 60

/** A shell in the namespace that the tables show. Answers are the real tools' text for the current step. */
export default function Console() {
  const words = usePanelWords()
  const { view, netns, seq } = useInspection()
  const [lines, setLines] = useState<readonly Line[]>([])
  const [text, setText] = useState('')
  const [history, setHistory] = useState<readonly string[]>([])
  const [at, setAt] = useState(-1)
  const end = useRef<HTMLDivElement>(null)
  const input = useRef<HTMLInputElement>(null)
  const place = netnsName(netns)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new line scrolls to the end
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' })
  }, [lines])
  const run = (command: string) => {
    const trimmed = command.trim()
    if (trimmed === '') return
    if (trimmed === 'clear') setLines([])
    else {
      const answer = execCommand(view, netns, trimmed)
      const line = { key: (lines.at(-1)?.key ?? 0) + 1, place, seq, command: trimmed, ...answer }
      setLines([...lines, line].slice(-KEPT))
    }
    setHistory([...history.filter((h) => h !== trimmed), trimmed])
    setAt(-1)
    setText('')
  }
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === 'Enter') run(text)
    else if (e.key === 'l' && e.ctrlKey) setLines([])
    else if (e.key === 'ArrowUp' || e.key === 'ArrowDown') {
      const next = e.key === 'ArrowUp' ? (at < 0 ? history.length - 1 : Math.max(0, at - 1)) : at < 0 ? -1 : at + 1
      setAt(next >= history.length ? -1 : next)
      setText(history[next] ?? '')
    } else return
    e.preventDefault()
    e.stopPropagation()
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click anywhere gives the prompt the focus, as terminals do; Tab does too
    // biome-ignore lint/a11y/noStaticElementInteractions: as above
    <div
      className="console mono"
      onClick={() => {
        if (getSelection()?.isCollapsed !== false) input.current?.focus()
      }}
    >
      <p className="console-hint">
        {words.console.welcome(place)} {words.console.hint}
      </p>
      <div className="console-quick">
        {COMMANDS.map((c) => (
          <button key={c} type="button" className="chip" onClick={() => run(c)}>
            {c}
          </button>
        ))}
      </div>
      <div role="log" aria-label={words.console.label}>
        {lines.map((l) => (
          <div key={l.key} className="console-entry">
            <div className="console-command">
              <span className="console-place">{l.place}</span>
              <span className="faint"> {words.console.at(l.seq + 1)} $ </span>
              {l.command}
            </div>
            {l.stdout === '' ? null : <pre>{l.stdout.replace(/\n$/, '')}</pre>}
            {l.stderr === '' ? null : <pre className={l.exitCode === 0 ? 'faint' : 'was'}>{l.stderr.replace(/\n$/, '')}</pre>}
          </div>
        ))}
      </div>
      <label className="console-prompt">
        <span className="console-place">{place}</span>
        <span className="faint">$</span>
        <input
          ref={input}
          aria-label={words.console.prompt}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          value={text}
          onChange={(e) => setText(e.target.value)}
          onKeyDown={onKeyDown}
        />
      </label>
      <div ref={end} />
    </div>
  )
}
