import type { Origin } from '../world/records.ts'
import type { TextKind } from './import-kind.ts'

/** One file of an import, told what it is. */
export interface NamedText {
  readonly name: string
  readonly kind: TextKind
  readonly text: string
}

export const IMPORT_ORIGIN: Origin = { component: 'import' }
