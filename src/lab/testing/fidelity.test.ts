import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FIDELITY } from '../../library/fidelity.ts'
import { normalisations } from '../compare/normalisations.ts'
import { fidelity, fidelityMarkdown, withFidelity } from './fidelity.ts'
import { type FuzzRun, withFuzzRun } from './recordings.ts'

describe('what is said about the comparison with a real kernel', () => {
  it('agrees with the recordings that are there (npm run kernel -- --summary writes it anew)', { timeout: 60_000 }, () => {
    expect(FIDELITY).toEqual(fidelity())
  })

  it('is what the README says (npm run kernel -- --summary writes it anew)', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
    expect(withFidelity(readme, FIDELITY)).toBe(readme)
  })

  it('fills the block of the README that is marked, and nothing else', () => {
    const readme = 'before\n<!-- fidelity:begin -->\nwhat was said before\n<!-- fidelity:end -->\nafter\n'
    const written = withFidelity(readme, FIDELITY)
    expect(written.startsWith('before\n<!-- fidelity:begin -->\nCompared with Linux ')).toBe(true)
    expect(written.endsWith('\n<!-- fidelity:end -->\nafter\n')).toBe(true)
    expect(written).not.toContain('what was said before')
    expect(withFidelity(written, FIDELITY)).toBe(written)
    expect(withFidelity('no block\n', FIDELITY)).toBe('no block\n')
  })

  it('says what is modelled by what the runs used, and what is levelled by the list that the comparison rests on', () => {
    const text = fidelityMarkdown(FIDELITY)
    expect(text).toMatch(/^- devices: .*`veth` \d+.*`vxlan` \d+/m)
    expect(text).toMatch(/^- targets: .*`MASQUERADE` \d+/m)
    expect(FIDELITY.levelled.map((n) => n.name)).toEqual(normalisations().map((n) => n.name))
    for (const { title, reason } of normalisations()) expect(text).toContain(`- ${title.en}: ${reason.en}.`)
  })

  it('counts the differences of the random networks too', () => {
    const fuzz = { ...FIDELITY.fuzz, cases: 1200, different: 1 }
    const totals = { ...FIDELITY.totals, differences: 0 }
    expect(fidelityMarkdown({ ...FIDELITY, totals, fuzz })).toContain('1,200 random networks; **1 difference**.')
  })

  it('says of random networks how many are neither alike nor different, and of how many rules were compared in order', () => {
    const fuzz = { ...FIDELITY.fuzz, cases: 760, undetermined: 1, unsteady: 3, refused: 2, walks: 5200, traced: 570 }
    const text = fidelityMarkdown({ ...FIDELITY, fuzz })
    expect(text).toContain('Of 570 random networks 5,200 walks through a chain are among it.')
    expect(text).toContain(
      'in 3 the kernel differed from itself from run to run, 1 met what the engine does not model, 2 could not',
    )
  })

  it('keeps what was found out about a case as long as it is not alike', () => {
    const figures = { alike: 9, different: 1, undetermined: 0, frames: 0, rules: 0, hits: 0, entries: 0 }
    const found = [
      { seed: 3, what: 'open' },
      { seed: 7, what: 'the clock' },
    ]
    const seeds = { different: [3], unsteady: [], undetermined: [], broken: [], unbuilt: [], refused: [] }
    const [kept] = withFuzzRun([{ kernel: 'Linux 6.18', seed: 1, cases: 10, ...figures, found }], {
      ...{ kernel: 'Linux 6.18', seed: 1, cases: 10, ...figures, seeds },
    })
    expect(kept?.found).toEqual([{ seed: 3, what: 'open' }])
  })

  it('counts a random network once, however often it ran', () => {
    const run = (seed: number, cases: number, alike: number): FuzzRun => ({
      kernel: 'Linux 6.18.44',
      ...{ seed, cases, alike, different: 0, undetermined: 0, frames: 0, rules: 0, hits: 0, entries: 0 },
    })
    const kept = [run(1, 100, 99), run(200, 100, 100)]
    expect(withFuzzRun(kept, run(1, 150, 150)).map((r) => `${r.seed}+${r.alike}`)).toEqual(['1+150', '200+100'])
    expect(withFuzzRun(kept, run(101, 99, 98)).map((r) => r.seed)).toEqual([1, 101, 200])
  })
})
