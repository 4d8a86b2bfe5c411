import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { frameLines } from '../../src/lab/compare/frames.ts'
import type { Line } from '../../src/lab/compare/in-order.ts'
import { parsePcap } from '../../src/lab/compare/pcap.ts'
import type { ComparableRun } from '../../src/lab/compare/runs.ts'
import type { SeenFrame } from '../../src/lab/compare/seen.ts'
import { type NetnsTables, parseSections } from '../../src/lab/compare/tables.ts'
import { parseWalks } from '../../src/lab/compare/walks.ts'
import { labNames, netnsesOf } from '../../src/lab/names.ts'
import { type LabOptions, labScript } from '../../src/lab/script.ts'
import type { ScenarioRun } from '../../src/lab/testing/scenarios.ts'

/** Longest that one lab may take, ms. */
const LIMIT = 120_000

export type LiveRun =
  | { readonly kind: 'ran'; readonly run: ComparableRun }
  | { readonly kind: 'failed'; readonly message: string }

export interface LiveOptions {
  /** Leave scripts, captures and tables in the temporary folder. */
  readonly keepFolder?: boolean
  /** iptables-legacy, which cannot say which rules acted on a packet. */
  readonly legacy?: boolean
}

/** Runs a scenario's lab on this machine's kernel and reads what it left. Needs root. */
export function runLive(scenario: ScenarioRun, options: LiveOptions = {}): LiveRun {
  const folder = mkdtempSync(join(tmpdir(), `hopscope-${scenario.id}-`))
  try {
    const script = join(folder, 'lab.sh')
    const { title, trace } = scenario
    const lab: LabOptions = { title, trace, ...(options.legacy === true ? { iptables: 'legacy' } : { traceRules: true }) }
    writeFileSync(script, labScript(scenario.world, scenario.journeys, lab))
    const out = join(folder, 'out')
    const ran = spawnSync('bash', [script, '--out', out], { encoding: 'utf8', timeout: LIMIT, killSignal: 'SIGTERM' })
    if (ran.status !== 0)
      return { kind: 'failed', message: ran.stderr.trim().split('\n').slice(-3).join('\n') || `status ${ran.status}` }
    return { kind: 'ran', run: readLab(scenario, out) }
  } finally {
    if (options.keepFolder !== true) rmSync(folder, { recursive: true, force: true })
  }
}

/** Whether this machine has what the labs need; the reason when it has not. */
export function canRunLive(scenario: ScenarioRun): { readonly able: boolean; readonly why: string } {
  const folder = mkdtempSync(join(tmpdir(), 'hopscope-check-'))
  try {
    const script = join(folder, 'lab.sh')
    writeFileSync(script, labScript(scenario.world, scenario.journeys, {}))
    const ran = spawnSync('bash', [script, '--check'], { encoding: 'utf8', timeout: 20_000 })
    return { able: ran.status === 0, why: ran.stderr.trim() || String(ran.error ?? '') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readLab(scenario: ScenarioRun, out: string): ComparableRun {
  const names = labNames(scenario.world, '')
  const seen = new Map<string, SeenFrame[]>()
  const tables = new Map<string, NetnsTables>()
  const walks = new Map<string, readonly Line[]>()
  for (const { name } of netnsesOf(scenario.world)) {
    const short = names.short(name)
    const sections = parseSections(readFileSync(join(out, 'tables', `${short}.txt`), 'utf8'))
    const traced = join(out, 'trace', `${short}.txt`)
    if (existsSync(traced)) walks.set(name, parseWalks(readFileSync(traced, 'utf8'), sections.get('nft') ?? ''))
    tables.set(name, new Map([...sections].filter(([section]) => section !== 'nft')))
    for (const file of readdirSync(join(out, 'capture', short)).toSorted()) {
      if (!file.endsWith('.pcap')) continue
      const frames = parsePcap(readFileSync(join(out, 'capture', short, file)))
      if (!frames.ok) throw new Error(`${name}/${file}: ${frames.error.message}`)
      if (frames.value.length > 0) seen.set(`${name}/${file.slice(0, -'.pcap'.length)}`, frames.value)
    }
  }
  return {
    ports: scenario.ports,
    frames: frameLines(seen),
    walks,
    tables,
    versions: readFileSync(join(out, 'versions.txt'), 'utf8').trim().split('\n'),
  }
}
