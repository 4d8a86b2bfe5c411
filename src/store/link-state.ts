import { changesBetween } from '../scenario/changes.ts'
import type { ScenarioDocument, ViewSpec } from '../scenario/document.ts'
import type { LinkState } from '../scenario/link.ts'
import type { Scenarios } from './scenarios.ts'
import type { AppState } from './state.ts'

/** What a link of the page's view says. Undefined while nothing is open, or when the world came from a node's own tables. */
export function linkStateOf(state: AppState, scenarios: Scenarios): LinkState | undefined {
  const { session } = state
  if (session === undefined || session.provenance.kind === 'imported') return undefined
  const view: ViewSpec = {
    at: state.seq + 1,
    ...(state.followed === undefined ? {} : { follow: state.followed }),
    panels: [state.panel, ...(state.stageView === 'map' ? ['map'] : []), ...(state.footView === 'events' ? ['events'] : [])],
    language: state.preferences.lang,
  }
  const { provenance } = session
  const base = provenance.kind === 'library' ? scenarios.get(provenance.id) : undefined
  if (base === undefined) return { kind: 'document', document: session.document, view }
  const changes = changesBetween(base.document, session.document)
  return { kind: 'library', id: base.id, ...(changes === undefined ? {} : { changes }), view }
}

/** Equal in what is open, whatever is shown of it. */
export function opensTheSame(a: LinkState, b: LinkState): boolean {
  if (a.kind === 'library' && b.kind === 'library')
    return a.id === b.id && JSON.stringify(a.changes) === JSON.stringify(b.changes)
  if (a.kind === 'document' && b.kind === 'document') return JSON.stringify(bare(a.document)) === JSON.stringify(bare(b.document))
  return false
}

const bare = ({ view: _, ...document }: ScenarioDocument) => document
