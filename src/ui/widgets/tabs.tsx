import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react'
import './tabs.css'

export interface Tab<K extends string> {
  readonly key: K
  readonly label: string
  readonly badge?: ReactNode
  /** The key that opens it, told to assistive technology. */
  readonly shortcut?: string | undefined
}

/** ARIA tabs: one tab stop, arrows move and choose, Home and End go to the ends. The panel's id is `<id>-panel`. */
export function Tabs<K extends string>(props: {
  readonly id: string
  readonly label: string
  readonly tabs: readonly Tab<K>[]
  readonly value: K
  readonly onChange: (key: K) => void
  readonly className?: string
}) {
  const list = useRef<HTMLDivElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when another tab is chosen
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [props.value])
  const onKeyDown = (e: KeyboardEvent) => {
    const at = props.tabs.findIndex((t) => t.key === props.value)
    const n = props.tabs.length
    const to =
      e.key === 'ArrowRight'
        ? (at + 1) % n
        : e.key === 'ArrowLeft'
          ? (at + n - 1) % n
          : e.key === 'Home'
            ? 0
            : e.key === 'End'
              ? n - 1
              : -1
    const tab = props.tabs[to]
    if (tab === undefined) return
    e.preventDefault()
    e.stopPropagation()
    props.onChange(tab.key)
    list.current?.querySelectorAll<HTMLElement>('[role="tab"]')[to]?.focus()
  }
  return (
    <div ref={list} role="tablist" aria-label={props.label} className={`tabs ${props.className ?? ''}`} onKeyDown={onKeyDown}>
      {props.tabs.map((t) => (
        <button
          key={t.key}
          type="button"
          role="tab"
          id={`${props.id}-${t.key}`}
          aria-selected={t.key === props.value}
          aria-controls={t.key === props.value ? `${props.id}-panel` : undefined}
          aria-keyshortcuts={t.shortcut}
          tabIndex={t.key === props.value ? 0 : -1}
          onClick={() => props.onChange(t.key)}
        >
          {t.label}
          {t.badge}
        </button>
      ))}
    </div>
  )
}

/** A short choice among a few words: radio buttons in a pill. */
export function Segmented<K extends string>(props: {
  readonly label: string
  readonly options: readonly { readonly key: K; readonly label: string }[]
  readonly value: K
  readonly onChange: (key: K) => void
}) {
  return (
    <fieldset className="segmented">
      <legend className="sr-only">{props.label}</legend>
      {props.options.map((o) => (
        <label key={o.key}>
          <input
            type="radio"
            name={props.label}
            checked={o.key === props.value}
            onChange={() => props.onChange(o.key)}
            onKeyDown={(e) => e.key.startsWith('Arrow') && e.stopPropagation()}
          />
          <span>{o.label}</span>
        </label>
      ))}
    </fieldset>
  )
}
