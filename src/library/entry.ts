import type { Language, ScenarioDocument } from '../scenario/document.ts'
import type { LibraryGroup } from './groups.ts'

export type Localized = Readonly<Record<Language, string>>

export interface LibraryEntry {
  /** Stable: links carry it. */
  readonly id: string
  readonly group: LibraryGroup
  readonly title: Localized
  /** A few lines: what happens, and what to look at. */
  readonly intro: Localized
  readonly document: ScenarioDocument
  /** Why no real kernel can be made to play it, where none can; otherwise it is compared with one. */
  readonly unproven?: Localized
  /** How the command that it is about ends. */
  readonly badge?: 'answered' | 'refused' | 'timed-out' | 'unreachable' | 'unresolved'
  /** Index of that command, where it is not the first: those before it are answered. */
  readonly about?: number
}
