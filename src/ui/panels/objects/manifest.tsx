import type { ReactNode } from 'react'
import { useWords } from '../../context.tsx'

type Json = unknown

const isScalar = (v: Json): boolean => typeof v !== 'object' || v === null || (Array.isArray(v) && v.length === 0)

const scalar = (v: Json): string =>
  v === undefined ? 'null' : Array.isArray(v) ? '[]' : JSON.stringify(v).replace(/^"([\w./:-]+)"$/, '$1')

const join = (path: string, key: string | number): string =>
  typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`

/** A manifest as YAML reads, with what was filled in marked: a path counts for everything below it. */
export function Manifest({ value, filled }: { readonly value: Json; readonly filled: readonly string[] }) {
  const words = useWords()
  const marks = new Set(filled)
  const line = (depth: number, text: string, path: string, inherited: boolean): ReactNode => (
    <div
      key={`${path}:${text}`}
      className={inherited || marks.has(path) ? 'yaml yaml-filled' : 'yaml'}
      style={{ paddingLeft: `${depth * 14}px` }}
      title={inherited || marks.has(path) ? words.objects.filled : undefined}
    >
      {text}
    </div>
  )
  const walk = (v: Json, depth: number, path: string, inherited: boolean): ReactNode[] => {
    if (Array.isArray(v)) {
      return v.flatMap((item: Json, i) => {
        const at = join(path, i)
        const mark = inherited || marks.has(at)
        if (isScalar(item)) return [line(depth, `- ${scalar(item)}`, at, mark)]
        return [line(depth, '-', at, mark), ...walk(item, depth + 1, at, mark)]
      })
    }
    return Object.entries(v as Readonly<Record<string, Json>>).flatMap(([key, item]) => {
      const at = join(path, key)
      const mark = inherited || marks.has(at)
      if (isScalar(item)) return [line(depth, `${key}: ${scalar(item)}`, at, mark)]
      return [line(depth, `${key}:`, at, mark), ...walk(item, depth + 1, at, mark)]
    })
  }
  return (
    <div className="manifest mono">
      {walk(value, 0, '', false)}
      {filled.length === 0 ? null : <p className="faint">{words.objects.filled}</p>}
    </div>
  )
}
