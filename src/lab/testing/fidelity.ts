import type { ExercisedBy, Fidelity, FidelityFigures, FuzzFidelity, ScenarioFidelity } from '../../library/fidelity.ts'
import { LIBRARY } from '../../library/index.ts'
import { TraceReader } from '../../trace/reader.ts'
import { UNDETERMINED } from '../../trace/step.ts'
import { EXERCISED, type ExercisedCounts, type ExercisedKind, ExercisedTally, exercised } from '../compare/exercised.ts'
import { normalisations } from '../compare/normalisations.ts'
import { compareRuns } from '../compare/runs.ts'
import { type FuzzRun, fuzzRuns, recordedIds, recording } from './recordings.ts'
import { SCENARIO_IDS, scenarioRun } from './scenarios.ts'

/** What the recordings that are there say, compared with the engine as it is now. */
export function fidelity(): Fidelity {
  const kernels: Record<string, number> = {}
  const tools: Record<string, string> = {}
  const scenarios: Record<string, ScenarioFidelity> = {}
  const totals = { scenarios: 0, frames: 0, rules: 0, hits: 0, walks: 0, entries: 0, differences: 0 }
  const recorded = new Set(recordedIds())
  const used = new ExercisedTally()
  for (const id of SCENARIO_IDS.filter((s) => recorded.has(s))) {
    const real = recording(id)
    const [kernel = '', ...programs] = real.versions
    const scenario = scenarioRun(id)
    const c = compareRuns(scenario.engine, real)
    if (c.differences.length === 0) used.add(exercised(new TraceReader(scenario.trace)))
    const figures: FidelityFigures = {
      frames: c.frames,
      rules: c.rules,
      hits: c.hits,
      walks: c.walks,
      entries: c.entries,
      differences: c.differences.length,
    }
    const name = release(kernel)
    kernels[name] = (kernels[name] ?? 0) + 1
    for (const p of programs) tools[/^\w+/.exec(p)?.[0] ?? p] = p
    scenarios[id] = { kernel: name, builtIn: LIBRARY.some((e) => e.id === id), ...figures }
    totals.scenarios++
    for (const key of FIGURES) totals[key] += figures[key]
  }
  return {
    kernels,
    tools,
    totals,
    scenarios,
    fuzz: fuzzTotals(fuzzRuns()),
    exercised: bothCounts(used.counts(), fuzzCounts(fuzzRuns())),
    levelled: normalisations().map(({ name, of, title, reason }) => ({ name, of, title, reason })),
  }
}

function fuzzCounts(runs: readonly FuzzRun[]): ExercisedCounts {
  const tally = new ExercisedTally()
  for (const r of runs) if (r.exercised !== undefined) tally.addCounts(r.exercised)
  return tally.counts()
}

/** Scenarios, then random networks. */
function bothCounts(scenarios: ExercisedCounts, fuzz: ExercisedCounts): Fidelity['exercised'] {
  const of = (kind: ExercisedKind) => {
    const names = [...new Set([...Object.keys(scenarios[kind]), ...Object.keys(fuzz[kind])])].toSorted()
    return Object.fromEntries(names.map((n) => [n, { scenarios: scenarios[kind][n] ?? 0, networks: fuzz[kind][n] ?? 0 }]))
  }
  const out = {} as Record<ExercisedKind, Record<string, ExercisedBy>>
  for (const kind of EXERCISED) out[kind] = of(kind)
  return out
}

const FIGURES = ['frames', 'rules', 'hits', 'walks', 'entries', 'differences'] as const

/** `Linux 6.18.44` of `Linux 6.18.44-amd64`: what follows is the builder's. */
const release = (kernel: string): string => /^Linux [\d.]*\d/.exec(kernel)?.[0] ?? kernel

function fuzzTotals(runs: readonly FuzzRun[]): FuzzFidelity {
  const sum = (key: 'cases' | 'alike' | 'different' | 'undetermined' | 'frames' | 'rules' | 'hits' | 'entries') =>
    runs.reduce((n, r) => n + r[key], 0)
  const some = <K extends 'unsteady' | 'refused' | 'walks' | 'traced'>(key: K): { readonly [P in K]?: number } => {
    const n = runs.reduce((m, r) => m + (r[key] ?? 0), 0)
    return n === 0 ? {} : ({ [key]: n } as { readonly [P in K]?: number })
  }
  return {
    kernel: [...new Set(runs.map((r) => release(r.kernel)))].join(', '),
    cases: sum('cases'),
    alike: sum('alike'),
    different: sum('different'),
    undetermined: sum('undetermined'),
    ...some('unsteady'),
    ...some('refused'),
    ...some('walks'),
    ...some('traced'),
    frames: sum('frames'),
    rules: sum('rules'),
    hits: sum('hits'),
    entries: sum('entries'),
  }
}

/** The file's text, laid out as the formatter would. */
export const printFidelity = (f: Fidelity): string => `${JSON.stringify(f, undefined, 2)}\n`

const BEGIN = '<!-- fidelity:begin -->'
const END = '<!-- fidelity:end -->'

/** A README with its marked block written anew; the same text when it has none. */
export function withFidelity(readme: string, f: Fidelity): string {
  const from = readme.indexOf(BEGIN)
  const to = readme.indexOf(END, from)
  if (from < 0 || to < 0) return readme
  return `${readme.slice(0, from + BEGIN.length)}\n${fidelityMarkdown(f)}${readme.slice(to)}`
}

const number = (n: number): string => n.toLocaleString('en-US')

const namesOf = (names: Fidelity['exercised'][ExercisedKind]): string =>
  Object.entries(names)
    .map(([name, by]) => `\`${name}\` ${number(by.scenarios + by.networks)}`)
    .join(', ')

/** What the count of random networks alone does not say; nothing where there is nothing. */
function fuzzMarkdown({ walks = 0, traced = 0, unsteady = 0, refused = 0, undetermined }: FuzzFidelity): string[] {
  const apart = [
    unsteady === 0 ? '' : `in ${number(unsteady)} the kernel differed from itself from run to run`,
    undetermined === 0 ? '' : `${number(undetermined)} met what the engine does not model`,
    refused === 0 ? '' : `${number(refused)} could not be put to a kernel as they were`,
  ].filter((s) => s !== '')
  const compared = traced === 0 ? '' : `Of ${number(traced)} random networks ${number(walks)} walks through a chain are among it.`
  const left = apart.length === 0 ? '' : `Of the random networks ${apart.join(', ')}: they are neither alike nor different.`
  const text = [compared, left].filter((s) => s !== '').join(' ')
  return text === '' || walks + unsteady + refused === 0 ? [] : [text, '']
}

/** The README's section: what was compared, in one sentence and one table, what that has used, and what is left out and why. */
export function fidelityMarkdown(f: Fidelity): string {
  const t = f.totals
  const fuzz = f.fuzz.cases === 0 ? '' : `, ${number(f.fuzz.cases)} random networks`
  const differences = t.differences + f.fuzz.different
  const rows = Object.entries(f.scenarios)
    .filter(([, s]) => s.builtIn)
    .map(([id, s]) => `| ${[id, s.frames, s.hits, s.walks, s.entries, s.differences].join(' | ')} |`)
  const others = Object.values(f.scenarios).filter((s) => !s.builtIn)
  const sum = (key: keyof FidelityFigures) => others.reduce((n, s) => n + s[key], 0)
  if (others.length > 0)
    rows.push(
      `| ${[`${others.length} test cases`, ...(['frames', 'hits', 'walks', 'entries', 'differences'] as const).map(sum)].join(' | ')} |`,
    )
  return [
    `Compared with ${Object.keys(f.kernels).join(' and ')}: ${number(t.scenarios)} scenarios, ${number(t.frames)} frames, ` +
      `${number(t.hits)} rules hit (of ${number(t.rules)}), ${number(t.walks)} walks through a chain, ${number(t.entries)} table entries${fuzz}; ` +
      `**${number(differences)} ${differences === 1 ? 'difference' : 'differences'}**.`,
    '',
    ...fuzzMarkdown(f.fuzz),
    '| scenario | frames | rules hit | walks | table entries | differences |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
    '',
    '**Modelled**: what the runs that agree have used, each with the number of scenarios and random networks.',
    '',
    ...EXERCISED.map((kind) => `- ${kind}: ${namesOf(f.exercised[kind])}`),
    '',
    '**Levelled** by the comparison, because no two runs have it alike or the engine does it another way:',
    '',
    ...f.levelled.map((n) => `- ${n.title.en}: ${n.reason.en}.`),
    '',
    `**Undetermined**, never guessed, at: ${UNDETERMINED.join(', ')} (each a kind of thing that the engine knows it does not model).`,
    '',
  ].join('\n')
}
