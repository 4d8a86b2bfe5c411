import type { NetnsId, NoteId, ObjectId } from '../ids.ts'
import type { Origin } from './origin.ts'

// What comes from outside the kernel: objects of Kubernetes, and notes for the reader.

/** A Kubernetes object as the control plane would hold it: what was given plus what was filled in. */
export interface ObjectRecord {
  readonly kind: 'object'
  readonly id: ObjectId
  readonly apiVersion: string
  readonly objectKind: string
  readonly namespace?: string
  readonly name: string
  readonly manifest: Readonly<Record<string, unknown>>
  /** Paths that Hopscope filled in as the control plane would: `status.podIP`. */
  readonly filled: readonly string[]
  readonly origin: Origin
}

/** Something the input had that is kept but not modelled; shown to the user in plain words. */
export interface NoteRecord {
  readonly kind: 'note'
  readonly id: NoteId
  readonly netns?: NetnsId
  readonly what: string
  readonly where?: string
  readonly origin: Origin
}
