import type { OpenSource } from '../worker/protocol.ts'
import type { Bookmark } from './state.ts'

/** What opens the same again. */
export const sourceOf = (b: Pick<Bookmark, 'document' | 'provenance'>): OpenSource =>
  b.provenance.kind === 'imported'
    ? { kind: 'files' as const, files: b.provenance.files, journeys: b.document.journeys }
    : { kind: 'document' as const, document: b.document }
