import type { WorldRecord } from '../world/records.ts'

// A record that changes often crosses the worker border often. What did not change stays behind, and so does what a text
// began with already: a ping's output over three thousand replies is 180 kB once, not 270 MB.

/** A later version of a record, told by what differs from the version before. */
export type RecordChange =
  /** Undefined: the record is gone. */
  | { readonly kind: 'whole'; readonly record: WorldRecord | undefined }
  | {
      readonly kind: 'fields'
      readonly fields: Readonly<Record<string, unknown>>
      /** Texts that went on: what is appended to each. */
      readonly tails: Readonly<Record<string, string>>
    }

/** Shorter texts are sent whole: comparing them would cost what it saves. */
const LONG_TEXT = 64

/** The change that makes `to` out of `from`. `whole` when fields were added, removed or reordered, so that the outcome is `to` byte for byte. */
export function changeOf(from: WorldRecord | undefined, to: WorldRecord | undefined): RecordChange {
  if (from === undefined || to === undefined) return { kind: 'whole', record: to }
  const before: Readonly<Record<string, unknown>> = { ...from }
  const after: Readonly<Record<string, unknown>> = { ...to }
  const keys = Object.keys(after)
  const old = Object.keys(before)
  if (keys.length !== old.length || keys.some((key, i) => key !== old[i])) return { kind: 'whole', record: to }
  const fields: Record<string, unknown> = {}
  const tails: Record<string, string> = {}
  for (const key of keys) {
    const a = before[key]
    const b = after[key]
    if (a === b) continue
    if (typeof a === 'string' && typeof b === 'string' && a.length >= LONG_TEXT && b.startsWith(a)) tails[key] = b.slice(a.length)
    else fields[key] = b
  }
  return { kind: 'fields', fields, tails }
}

/** The inverse: `from` as `changeOf` was given it. */
export function changed(from: WorldRecord | undefined, change: RecordChange): WorldRecord | undefined {
  if (change.kind === 'whole') return change.record
  if (from === undefined) throw new Error('a change of a record that nobody has')
  const out: Record<string, unknown> = { ...from, ...change.fields }
  for (const key in change.tails) out[key] = `${String(out[key])}${change.tails[key] ?? ''}`
  return out as unknown as WorldRecord
}
