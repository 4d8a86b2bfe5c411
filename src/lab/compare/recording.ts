import { err, ok, type Result } from '../../base/result.ts'
import type { ComparableRun } from './runs.ts'
import { condensed, type NetnsTables } from './tables.ts'

export interface RecordingError {
  readonly kind: 'recording'
  readonly line: number
  readonly message: string
}

const MAGIC = 'hopscope kernel recording 1'

/** A real run as text, for keeping: `parseRecording(printRecording(run))` compares like `run`. */
export function printRecording(run: ComparableRun): string {
  const out = [
    MAGIC,
    ...run.versions.map((v) => `version ${v}`),
    `ports ${run.ports.join(' ')}`.trimEnd(),
    `exits ${run.exits.join(' ')}`.trimEnd(),
  ]
  for (const [device, lines] of run.frames) out.push(`frames ${device}`, ...lines.map((l) => `  ${l.text}`))
  for (const [netns, lines] of run.walks) out.push(`walks ${netns}`, ...lines.map((l) => `  ${l.text}`))
  for (const [netns, tables] of run.tables) {
    for (const [name, text] of condensed(tables)) {
      const lines = text
        .split('\n')
        .map((l) => l.trimEnd())
        .filter((l) => l !== '' && !l.startsWith('#'))
      if (lines.length > 0) out.push(`table ${netns} ${name}`, ...lines.map((l) => `  ${l}`))
      else out.push(`table ${netns} ${name}`)
    }
  }
  return `${out.join('\n')}\n`
}

/** Errors name the line that is not understood. */
export function parseRecording(text: string): Result<ComparableRun, RecordingError> {
  const versions: string[] = []
  let ports: number[] = []
  let exits: number[] = []
  const frames = new Map<string, { text: string }[]>()
  const walks = new Map<string, { text: string }[]>()
  const tables = new Map<string, Map<string, string>>()
  let add: ((line: string) => void) | undefined
  const lines = text.split('\n')
  if (lines[0] !== MAGIC) return err({ kind: 'recording', line: 1, message: `expected "${MAGIC}"` })
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] ?? ''
    if (line.startsWith('  ')) {
      if (add === undefined) return err({ kind: 'recording', line: i + 1, message: 'an entry outside of any section' })
      add(line.slice(2))
      continue
    }
    const [word = '', ...rest] = line.split(' ')
    switch (word) {
      case '':
        break
      case 'version':
        versions.push(rest.join(' '))
        break
      case 'ports':
        ports = rest.map(Number)
        break
      case 'exits':
        exits = rest.map(Number)
        break
      case 'walks':
      case 'frames': {
        const list: { text: string }[] = []
        const lists = word === 'walks' ? walks : frames
        lists.set(rest.join(' '), list)
        add = (entry) => void list.push({ text: entry })
        break
      }
      case 'table': {
        const netns = rest[0] ?? ''
        const name = rest.slice(1).join(' ')
        const sections = tables.get(netns) ?? new Map<string, string>()
        tables.set(netns, sections.set(name, ''))
        add = (entry) => void sections.set(name, `${sections.get(name) ?? ''}${entry}\n`)
        break
      }
      default:
        return err({ kind: 'recording', line: i + 1, message: `"${word}" is not understood` })
    }
  }
  return ok({ versions, ports, exits, frames, walks, tables: tables as ReadonlyMap<string, NetnsTables> })
}
