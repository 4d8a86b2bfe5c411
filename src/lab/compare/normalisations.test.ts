import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { levelled, normalisations } from './normalisations.ts'

const LAB = new URL('../', import.meta.url)

/** Every source of the lab but tests and the list itself. */
function sources(): string {
  return readdirSync(LAB, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts') && !f.endsWith('normalisations.ts'))
    .map((f) => readFileSync(new URL(f, LAB), 'utf8'))
    .join('\n')
}

describe('what the comparison levels', () => {
  it('is all in the list, and nothing is in the list that no comparison rests on', () => {
    const text = sources()
    const idle = normalisations().filter(
      ({ name }) => !new RegExp(`(?:standIn|rests|levelled)\\([^;]*?'${name}'`, 's').test(text),
    )
    expect(idle.map((n) => n.name)).toEqual([])
  })

  it('says why in both languages', () => {
    for (const { title, reason } of normalisations()) {
      expect(title.zh).toMatch(/[\u4e00-\u9fff]|^[\x20-\x7e]+$/)
      expect(reason.zh).toMatch(/[\u4e00-\u9fff]/)
      expect(reason.en.length).toBeGreaterThan(20)
    }
  })

  it('takes from a forwarding database what is no entry of it, and leaves what is', () => {
    const lines = [
      '33:33:00:00:00:01 dev eth0 self permanent',
      '0a:00:00:00:00:02 dev flannel.1 dst 192.168.1.12 self permanent',
      '0a:58:0a:f4:01:01 dev cbr0 vlan 1 master cbr0 permanent',
      '0a:58:0a:f4:01:01 dev cbr0 master cbr0 permanent',
    ]
    expect(levelled(lines, 'address-filters', 'vlan-twins')).toEqual([lines[1], lines[3]])
  })
})
