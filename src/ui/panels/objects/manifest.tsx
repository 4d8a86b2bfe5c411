import { useMemo } from 'react'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { yamlLines } from './yaml-lines.ts'

/** A manifest as YAML reads, with what was filled in marked. */
export function Manifest({ value, filled }: { readonly value: unknown; readonly filled: readonly string[] }) {
  const words = usePanelWords()
  const lines = useMemo(() => yamlLines(value, filled), [value, filled])
  return (
    <div className="manifest mono">
      {lines.map((line, i) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: a manifest never changes while it is shown
          key={i}
          className={line.filled ? 'yaml yaml-filled' : 'yaml'}
          style={{ paddingLeft: `${line.depth * 14}px` }}
          title={line.filled ? words.objects.filled : undefined}
        >
          {line.text}
        </div>
      ))}
      {filled.length === 0 ? null : <p className="faint">{words.objects.filled}</p>}
    </div>
  )
}
