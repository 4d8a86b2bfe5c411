/** One line of a manifest as YAML reads. */
export interface YamlLine {
  readonly depth: number
  readonly text: string
  readonly filled: boolean
}

const isScalar = (v: unknown): boolean =>
  typeof v !== 'object' || v === null || (Array.isArray(v) ? v.length === 0 : Object.keys(v).length === 0)

const PLAIN = /^[A-Za-z_./][\w./:@-]*$/
const RESERVED = /^(true|false|null|yes|no|on|off|~)$/i

function scalar(v: unknown): string {
  if (Array.isArray(v)) return '[]'
  if (typeof v === 'object' && v !== null) return '{}'
  if (typeof v === 'string') return PLAIN.test(v) && !RESERVED.test(v) && !v.endsWith(':') ? v : JSON.stringify(v)
  return String(v)
}

const join = (path: string, key: string | number): string =>
  typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`

/** A manifest's lines. A path in `filled` marks everything below it as filled in. */
export function yamlLines(value: unknown, filled: readonly string[]): YamlLine[] {
  const marks = new Set(filled)
  const lines: YamlLine[] = []
  // Entries align at `column` (two blanks each); the first stands behind the dashes that lead to it, `lead`.
  const walk = (v: unknown, column: number, path: string, inherited: boolean, lead: string): void => {
    const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(v)
      ? v.map((item: unknown, i) => [i, item] as const)
      : Object.entries(v as Readonly<Record<string, unknown>>)
    entries.forEach(([key, item], i) => {
      const at = join(path, key)
      const mark = inherited || marks.has(at)
      const before = i === 0 ? lead : ''
      const push = (text: string) => lines.push({ depth: column - before.length / 2, text: before + text, filled: mark })
      if (typeof key === 'number') {
        if (isScalar(item)) push(`- ${scalar(item)}`)
        else walk(item, column + 1, at, mark, `${before}- `)
      } else if (isScalar(item)) push(`${key}: ${scalar(item)}`)
      else {
        push(`${key}:`)
        walk(item, column + 1, at, mark, '')
      }
    })
  }
  walk(value, 0, '', false, '')
  return lines
}
