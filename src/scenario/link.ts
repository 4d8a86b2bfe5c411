import * as v from 'valibot'
import { assertNever } from '../base/assert-never.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { ScenarioChanges } from './changes.ts'
import { pack, unpack } from './deflate.ts'
import type { InputError, ScenarioDocument, ViewSpec } from './document.ts'
import { hasForbiddenKey } from './forbidden.ts'
import { validateDocument, validateView } from './schema.ts'

// `#<codec>.<payload>`. A codec's meaning never changes: old links keep opening.
//   s1  a built-in scenario's id and what is changed in it
//   d1  a whole document
// Both: JSON, checksum, deflate-raw, base64url (deflate.ts), and what the page shows (`view`).

export type LinkState =
  | { readonly kind: 'library'; readonly id: string; readonly changes?: ScenarioChanges; readonly view?: ViewSpec }
  | { readonly kind: 'document'; readonly document: ScenarioDocument; readonly view?: ViewSpec }

export type LinkError =
  /** Not a link of ours, or its payload is not what its codec says. `detail` names the field, where one is wrong. */
  | { readonly kind: 'malformed'; readonly detail: string }
  /** Characters are missing or changed: cut off in a mail or a chat, say. */
  | { readonly kind: 'truncated' }
  | { readonly kind: 'newer'; readonly codec: string }
  | { readonly kind: 'too-large'; readonly limit: number }

/** A payload that inflates to more than this, in bytes, is refused. */
export const MAX_LINK_BYTES = 8 * 1024 * 1024

/** With the leading `#`. Rejects only on a platform without CompressionStream. */
export async function encodeLink(state: LinkState): Promise<string> {
  if (state.kind === 'library') {
    const { id, changes, view } = state
    return `#s1.${await pack(JSON.stringify({ id, ...(changes === undefined ? {} : { changes }), ...(view === undefined ? {} : { view }) }))}`
  }
  const { view: stored, ...document } = state.document
  const view = state.view ?? stored
  return `#d1.${await pack(JSON.stringify({ document, ...(view === undefined ? {} : { view }) }))}`
}

/** Reads what stands behind the address, with or without `#`. Never rejects. */
export async function decodeLink(fragment: string): Promise<Result<LinkState, LinkError>> {
  const link = /^#?([a-z])(\d{1,6})\.(.*)$/s.exec(fragment)
  if (link === null) return malformed('it does not begin with a codec such as s1')
  const [, letter = '', version = '', payload = ''] = link
  const codec = letter + version
  if (codec !== 's1' && codec !== 'd1') return err({ kind: 'newer', codec })
  const unpacked = await unpack(payload, MAX_LINK_BYTES)
  switch (unpacked) {
    case 'malformed':
      return malformed('its payload is not base64url')
    case 'truncated':
      return err({ kind: 'truncated' })
    case 'too-large':
      return err({ kind: 'too-large', limit: MAX_LINK_BYTES })
    default:
      return read(codec, unpacked.text)
  }
}

function read(codec: 's1' | 'd1', text: string): Result<LinkState, LinkError> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return malformed('its payload is not JSON')
  }
  if (hasForbiddenKey(text, [value])) return malformed('it has a key named __proto__')
  return codec === 's1' ? readLibrary(value) : readDocument(value)
}

const librarySchema = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,64}$/)),
  changes: v.exactOptional(v.looseObject({})),
  view: v.exactOptional(v.unknown()),
})

function readLibrary(value: unknown): Result<LinkState, LinkError> {
  const parsed = v.safeParse(librarySchema, value)
  if (!parsed.success) return malformed('its payload is not a scenario id with changes')
  const { id, changes, view: rawView } = parsed.output
  const checked = changes === undefined ? ok(undefined) : readChanges(changes)
  if (!checked.ok) return checked
  const view = readView(rawView)
  if (!view.ok) return view
  return ok({
    kind: 'library',
    id,
    ...(checked.value === undefined ? {} : { changes: checked.value }),
    ...(view.value === undefined ? {} : { view: view.value }),
  })
}

/** Checked as part of a document that has nothing else, and cut back to what was said. */
function readChanges(changes: Readonly<Record<string, unknown>>): Result<ScenarioChanges, LinkError> {
  if ('view' in changes || 'hopscope' in changes) return malformed('it changes what is no section of a scenario')
  const whole = validateDocument({ hopscope: 1, objects: [], ...changes })
  if (!whole.ok) return refused(whole.error)
  return ok(Object.fromEntries(Object.entries(whole.value).filter(([section]) => Object.hasOwn(changes, section))))
}

function readDocument(value: unknown): Result<LinkState, LinkError> {
  const parsed = v.safeParse(v.strictObject({ document: v.unknown(), view: v.exactOptional(v.unknown()) }), value)
  if (!parsed.success) return malformed('its payload is not a document')
  const document = validateDocument(parsed.output.document)
  if (!document.ok) {
    const tooNew = document.error.some((e) => e.path === 'hopscope' && e.message.includes('newer'))
    return tooNew ? err({ kind: 'newer', codec: 'd1' }) : refused(document.error)
  }
  const view = readView(parsed.output.view)
  if (!view.ok) return view
  return ok({ kind: 'document', document: document.value, ...(view.value === undefined ? {} : { view: view.value }) })
}

function readView(value: unknown): Result<ViewSpec | undefined, LinkError> {
  if (value === undefined) return ok(undefined)
  const view = validateView(value)
  return view.ok ? view : refused(view.error)
}

const malformed = (detail: string) => err<LinkError>({ kind: 'malformed', detail })
const refused = (errors: readonly InputError[]) =>
  malformed(
    errors
      .slice(0, 3)
      .map((e) => (e.path === undefined ? e.message : `${e.path}: ${e.message}`))
      .join('; '),
  )

/** The one sentence that a person gets. */
export function formatLinkError(e: LinkError): string {
  switch (e.kind) {
    case 'malformed':
      return `This is not a link that Hopscope made: ${e.detail}.`
    case 'truncated':
      return 'This link is incomplete: some of its characters are missing or changed. Copy the whole link once more.'
    case 'newer':
      return `This link was made by a newer Hopscope (${e.codec}).`
    case 'too-large':
      return `This link unfolds to more than ${e.limit / 1024 / 1024} MB.`
    default:
      return assertNever(e)
  }
}
