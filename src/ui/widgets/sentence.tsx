import { Fragment } from 'react'
import { assertNever } from '../../base/assert-never.ts'
import type { Sentence as SentenceValue } from '../../explain/sentence.ts'
import { netnsOf } from '../../world/world.ts'
import { useApp, useAppContext } from '../context.tsx'
import { kindOf, panelOf } from '../place.ts'
import './sentence.css'

/** A sentence of explain/ with its records and objects as links into the tables. */
export function Sentence({ value }: { readonly value: SentenceValue }) {
  const reveal = useReveal()
  return (
    <>
      {value.map((span, i) => {
        const key = `${i}-${span.kind}`
        switch (span.kind) {
          case 'text':
            return <Fragment key={key}>{span.text}</Fragment>
          case 'code':
            return (
              <code key={key} className="code">
                {span.text}
              </code>
            )
          case 'change':
            return (
              <code key={key} className="code">
                <del>{span.from}</del> → <ins>{span.to}</ins>
              </code>
            )
          case 'object': {
            const name = span.namespace === undefined ? span.name : `${span.namespace}/${span.name}`
            return (
              <button key={key} type="button" className="ref ref-object" onClick={() => reveal(`obj:${span.objectKind}/${name}`)}>
                {span.objectKind} {name}
              </button>
            )
          }
          case 'record':
            return (
              <button key={key} type="button" className="ref" onClick={() => reveal(span.id)}>
                {span.text}
              </button>
            )
          default:
            return assertNever(span, 'span')
        }
      })}
    </>
  )
}

/** Shows a record in the table that lists it, with its namespace pinned there. */
export function useReveal(): (recordId: string) => void {
  const { store } = useAppContext()
  const select = useApp((s) => s.select)
  const showPanel = useApp((s) => s.showPanel)
  return (id) => {
    const { session, seq } = store.getState()
    const kind = kindOf(id)
    const panel = panelOf(id)
    if (session === undefined || kind === undefined || panel === undefined) return
    const record = session.timeline.at(seq).get(kind, id) ?? session.timeline.at(session.length - 1).get(kind, id)
    const netns = record === undefined ? undefined : netnsOf(record)
    select(netns === undefined ? { record: id } : { record: id, netns })
    showPanel(panel)
  }
}
