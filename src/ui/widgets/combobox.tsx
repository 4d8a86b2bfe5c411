import { type KeyboardEvent, useId, useMemo, useRef, useState } from 'react'
import './combobox.css'

export interface Suggestion {
  readonly value: string
  /** What it is, in a word or two. */
  readonly hint?: string
}

const SHOWN = 60

/** Every word typed occurs in the suggestion; those that begin with the text come first. */
function matching(suggestions: readonly Suggestion[], text: string): readonly Suggestion[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const hits = suggestions.filter((s) => {
    const hay = `${s.value} ${s.hint ?? ''}`.toLowerCase()
    return words.every((w) => hay.includes(w))
  })
  const begins = (s: Suggestion) => (s.value.toLowerCase().startsWith(text.toLowerCase()) ? 0 : 1)
  return hits.sort((a, b) => begins(a) - begins(b)).slice(0, SHOWN)
}

/** ARIA 1.2 editable combobox with list autocomplete. Any text may be entered; suggestions help. */
export function Combobox(props: {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly onSubmit: () => void
  readonly suggestions: readonly Suggestion[]
  readonly placeholder?: string
  readonly className?: string
  readonly invalid?: boolean
  readonly inputId?: string
}) {
  const [open, setOpen] = useState(false)
  const [active, setActive] = useState(-1)
  /** All suggestions are offered until something is typed: the field opens filled. */
  const [typed, setTyped] = useState(false)
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  const shown = useMemo(
    () => (open ? matching([...props.suggestions], typed ? props.value : '') : []),
    [open, props.suggestions, props.value, typed],
  )
  const choose = (s: Suggestion) => {
    props.onChange(s.value)
    setOpen(false)
    setTyped(false)
    setActive(-1)
  }
  const move = (to: number) => {
    setOpen(true)
    setActive(to)
    list.current?.children[to]?.scrollIntoView({ block: 'nearest' })
  }
  const onKeyDown = (e: KeyboardEvent) => {
    const chosen = shown[active]
    if (e.key === 'ArrowDown') move(open ? Math.min(shown.length - 1, active + 1) : 0)
    else if (e.key === 'ArrowUp') move(Math.max(0, active - 1))
    else if (e.key === 'Enter') {
      if (open && chosen !== undefined) choose(chosen)
      else {
        setOpen(false)
        props.onSubmit()
      }
    } else if (e.key === 'Escape' && open) setOpen(false)
    else return
    e.preventDefault()
    e.stopPropagation()
  }
  const expanded = open && shown.length > 0
  return (
    <div className={`combobox ${props.className ?? ''}`}>
      <input
        id={props.inputId}
        role="combobox"
        aria-label={props.label}
        aria-expanded={expanded}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={expanded && active >= 0 ? `${id}-${active}` : undefined}
        aria-invalid={props.invalid === true ? true : undefined}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder={props.placeholder}
        value={props.value}
        onChange={(e) => {
          props.onChange(e.target.value)
          setTyped(true)
          setOpen(true)
          setActive(-1)
        }}
        onFocus={(e) => e.target.select()}
        onClick={() => setOpen(true)}
        onBlur={() => {
          setOpen(false)
          setTyped(false)
          setActive(-1)
        }}
        onKeyDown={onKeyDown}
      />
      <div ref={list} className="combobox-list" id={`${id}-list`} role="listbox" aria-label={props.label} hidden={!expanded}>
        {expanded
          ? shown.map((s, i) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the input has the focus and the keys (aria-activedescendant)
              // biome-ignore lint/a11y/useFocusableInteractive: as above
              <div
                key={s.value}
                id={`${id}-${i}`}
                role="option"
                aria-selected={i === active}
                onPointerDown={(e) => e.preventDefault()}
                onClick={() => choose(s)}
              >
                <span>{s.value}</span>
                {s.hint === undefined ? null : <em>{s.hint}</em>}
              </div>
            ))
          : null}
      </div>
    </div>
  )
}
