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

/** What became of the input, for the reader in plain words: kept but not modelled, or added. */
export interface NoteRecord {
  readonly kind: 'note'
  readonly id: NoteId
  readonly netns?: NetnsId
  /** Added: the input lacked it, and got what usually is there. Else something of the input that is kept and not modelled. */
  readonly added?: true
  readonly what: string
  readonly where?: string
  readonly origin: Origin
}
