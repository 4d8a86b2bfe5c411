import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { netnsId, type RecordId } from '../../world/ids.ts'
import type { WorldRecord } from '../../world/records.ts'
import { viewOf } from '../../world/world.ts'
import { formatTextError } from '../text.ts'
import { type ParseOptions, parseIptablesSave } from './parse.ts'
import { printIptablesSave, toRecords } from './save.ts'

const origin = { component: 'import' } as const

function roundTrip(text: string, options: ParseOptions = {}, counters = false): string {
  const parsed = parseIptablesSave(text, options)
  if (!parsed.ok) throw new Error(formatTextError(parsed.error))
  const world = new Map<RecordId, WorldRecord>(toRecords('node1', parsed.value, origin).map((r) => [r.id, r]))
  return printIptablesSave(viewOf(world), netnsId('node1'), { header: false, counters })
}

const withoutComments = (text: string): string =>
  text
    .split('\n')
    .filter((l) => !l.startsWith('#') && l !== '')
    .map((l) => `${l.trimEnd()}\n`)
    .join('')

const DUMPS = join(import.meta.dirname, '../../../../shared/dumps')
const files = existsSync(DUMPS) ? (readdirSync(DUMPS, { recursive: true, encoding: 'utf8' }) as string[]).sort() : []

describe('iptables-save of published nodes', () => {
  for (const file of files.filter((f) => /\/ip(tables)[-a-z]*save\.txt$/.test(f))) {
    it(`prints ${file} back`, () => {
      const text = readFileSync(join(DUMPS, file), 'utf8')
      expect(roundTrip(text)).toBe(withoutComments(text))
    })
  }
  for (const file of files.filter((f) => /iptables-t-([a-z]+)-S\.txt$/.test(f))) {
    it(`prints the rules of ${file} back`, () => {
      const text = readFileSync(join(DUMPS, file), 'utf8')
      // Some files of that name hold `iptables -L` text.
      if (text.startsWith('Chain ')) return
      const table = /-t-([a-z]+)-S/.exec(file)?.[1] as 'filter' | 'nat' | 'raw'
      const rules = (t: string) => t.split('\n').filter((l) => l.startsWith('-A'))
      expect(rules(roundTrip(text, { table }))).toEqual(rules(text))
    })
  }
})
