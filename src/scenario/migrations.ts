import { err, ok, type Result } from '../base/result.ts'
import type { InputError } from './document.ts'

/** The version that this build writes. */
const CURRENT_VERSION = 1

/**
 * From version n to n + 1, for n = index + 1. Each takes the value as that version's schema let it through.
 * Empty while there is one version.
 */
const MIGRATIONS: readonly ((value: Readonly<Record<string, unknown>>) => Record<string, unknown>)[] = []

/** Brings a document of any earlier version to the current one. Documents of a later one are refused, never guessed at. */
export function migrate(value: unknown): Result<unknown, InputError> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return err({ kind: 'input', message: `found ${shown(value)}; expected a scenario document or Kubernetes manifests` })
  }
  const version: unknown = 'hopscope' in value ? value.hopscope : undefined
  if (version === undefined)
    return err({ kind: 'input', path: 'hopscope', message: `is missing; expected hopscope: ${CURRENT_VERSION}` })
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) {
    return err({ kind: 'input', path: 'hopscope', message: `found ${shown(version)}; expected the number ${CURRENT_VERSION}` })
  }
  if (version > CURRENT_VERSION) {
    return err({
      kind: 'input',
      path: 'hopscope',
      message: `found ${version}: this was written by a newer Hopscope; this one reads documents up to hopscope: ${CURRENT_VERSION}`,
    })
  }
  let current: Record<string, unknown> = { ...value }
  for (const step of MIGRATIONS.slice(version - 1)) current = step(current)
  return ok(current)
}

const shown = (value: unknown): string =>
  value === null || value === undefined
    ? 'nothing'
    : Array.isArray(value)
      ? 'a list'
      : (JSON.stringify(value)?.slice(0, 60) ?? typeof value)
