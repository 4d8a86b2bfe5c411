import { err, ok, type Result } from '../../base/result.ts'
import type { InputError, ScenarioDocument } from '../../scenario/document.ts'
import { inferCluster } from '../../scenario/infer.ts'
import { locateErrors } from '../../scenario/locate.ts'
import { type ParseScenarioOptions, parseScenario } from '../../scenario/parse.ts'
import { formatPath, parsePath } from '../../scenario/path.ts'

/** A file as a user gave it: pasted, dropped, read. The name may have folders. */
export interface InputFile {
  readonly name: string
  readonly text: string
}

/** Several files of manifests as one document, and the way back from its paths to theirs. */
export interface MergedFiles {
  readonly document: ScenarioDocument
  /** Errors of a later stage with file, line and column, their paths as they are in that file. */
  locate(errors: readonly InputError[]): Promise<InputError[]>
}

/**
 * Reads every file and puts their objects into one document, in the order of the files. At most one may be a scenario: its
 * settings hold, and the other files' objects are added to its own.
 */
export async function mergeManifests(
  files: readonly InputFile[],
  options: Pick<ParseScenarioOptions, 'onProgress'> = {},
): Promise<Result<MergedFiles, InputError[]>> {
  const errors: InputError[] = []
  const parts: { file: InputFile; document: ScenarioDocument; start: number }[] = []
  const total = files.reduce((n, f) => n + f.text.length, 0)
  let done = 0
  let start = 0
  for (const file of files) {
    const before = done
    const parsed = await parseScenario(file.text, { file: file.name, onProgress: (n) => options.onProgress?.(before + n, total) })
    done += file.text.length
    if (parsed.ok) {
      parts.push({ file, document: parsed.value, start })
      start += parsed.value.objects.length
    } else errors.push(...parsed.error)
  }
  const scenarios = parts.filter((p) => isScenarioText(p.file.text))
  const [, second] = scenarios
  if (second !== undefined) {
    errors.push({
      kind: 'input',
      file: second.file.name,
      message: 'is a second scenario document; expected one, and manifests beside it',
    })
  }
  const base = (scenarios[0] ?? parts[0])?.document
  if (errors.length > 0 || base === undefined) return err(errors)
  const objects = parts.flatMap((p) => p.document.objects)
  const cluster = scenarios.length > 0 ? base.cluster : { ...base.cluster, ...inferCluster(objects, {}) }
  return ok({
    document: { ...base, cluster, objects },
    locate: async (found) => {
      const out: InputError[] = []
      for (const e of found) out.push(await locate(parts, scenarios[0]?.file ?? parts[0]?.file, e))
      return out
    },
  })
}

/** Whether a file is a scenario document rather than manifests: only these say so. */
export const isScenarioText = (text: string): boolean =>
  /^["']?hopscope["']?\s*:/m.test(text) || /^\s*\{\s*"hopscope"\s*:/.test(text)

async function locate(
  parts: readonly { readonly file: InputFile; readonly document: ScenarioDocument; readonly start: number }[],
  settings: InputFile | undefined,
  error: InputError,
): Promise<InputError> {
  const [field, index, ...rest] = parsePath(error.path ?? '')
  const owner =
    field === 'objects' && typeof index === 'number'
      ? parts.find((p) => index >= p.start && index < p.start + p.document.objects.length)
      : undefined
  const file = owner?.file ?? settings
  if (file === undefined) return error
  const path =
    owner === undefined || typeof index !== 'number' ? error.path : formatPath(['objects', index - owner.start, ...rest])
  const [located] = await locateErrors(file.text, [{ ...error, ...(path === undefined ? {} : { path }) }])
  return { ...(located ?? error), file: file.name }
}
