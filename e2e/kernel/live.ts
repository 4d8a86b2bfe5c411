import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { labWorld } from '../../src/lab/changes.ts'
import { engineFrames } from '../../src/lab/compare/engine-frames.ts'
import { frameLines } from '../../src/lab/compare/frames.ts'
import type { Line } from '../../src/lab/compare/in-order.ts'
import { parsePcap } from '../../src/lab/compare/pcap.ts'
import { natPorts, resolverPorts } from '../../src/lab/compare/ports.ts'
import type { ComparableRun } from '../../src/lab/compare/runs.ts'
import type { SeenFrame } from '../../src/lab/compare/seen.ts'
import { type NetnsTables, parseSections } from '../../src/lab/compare/tables.ts'
import { parseWalks } from '../../src/lab/compare/walks.ts'
import { labNames, netnsesOf } from '../../src/lab/names.ts'
import { type LabOptions, labScript } from '../../src/lab/script.ts'
import type { ScenarioRun } from '../../src/lab/testing/scenarios.ts'
import { TraceReader } from '../../src/trace/reader.ts'

/** Longest that one lab may take, ms. */
const LIMIT = 120_000
const QEMU_SECONDS = 480
const QEMU_PATIENCE = 60

export type LiveRun =
  /** `cut`: part of the rule trace is missing. */
  | { readonly kind: 'ran'; readonly run: ComparableRun; readonly cut: boolean }
  /** The machine's fault, not the scenario's: it lacks something, or is too slow. */
  | { readonly kind: 'unable'; readonly why: string }
  | { readonly kind: 'failed'; readonly message: string }

export interface LiveOptions {
  /** Leave scripts, captures and tables in the temporary folder. */
  readonly keepFolder?: boolean
  /** iptables-legacy, which cannot say which rules acted on a packet. */
  readonly legacy?: boolean
  /** Path of a `qemu-run` (see `qemuRun`): the lab runs in a stock Debian kernel in QEMU, not on this machine's. */
  readonly qemu?: string
}

const ATTEMPTS = 5

/**
 * Runs a scenario's lab, again while NAT draws a port with another number of digits than the engine's (every later length
 * would differ), or the machine was too busy to read all of the rule trace.
 */
export function runLive(scenario: ScenarioRun, options: LiveOptions = {}): LiveRun {
  const digits = (run: ComparableRun) => run.ports.map((p) => String(p).length).join()
  let last = runOnce(scenario, options)
  for (let n = 1; n < ATTEMPTS; n++) {
    if (last.kind !== 'ran' || (!last.cut && digits(last.run) === digits(scenario.engine))) return last
    last = runOnce(scenario, options)
  }
  if (last.kind === 'ran' && last.cut) return { kind: 'unable', why: 'too busy to read the rule trace, which was cut each time' }
  return last
}

/** Runs a scenario's lab on this machine's kernel and reads what it left. Needs root. */
function runOnce(scenario: ScenarioRun, options: LiveOptions): LiveRun {
  const folder = mkdtempSync(join(tmpdir(), `hopscope-${scenario.id}-`))
  try {
    const script = join(folder, 'lab.sh')
    const { title, trace, changes } = scenario
    const lab: LabOptions = {
      title,
      trace,
      changes,
      ...(options.qemu === undefined ? {} : { patience: QEMU_PATIENCE, emulated: true }),
      ...(options.legacy === true || options.qemu !== undefined ? { iptables: 'legacy' } : { traceRules: true }),
    }
    writeFileSync(script, labScript(scenario.world, scenario.journeys, lab))
    const out = join(folder, 'out')
    const ran = options.qemu === undefined ? onThisKernel(script, out) : inQemu(options.qemu, folder)
    if (ran.signal !== null || ran.error !== undefined)
      return { kind: 'unable', why: `the lab was stopped: ${ran.error?.message ?? ran.signal}` }
    if (ran.status !== 0) return refusal(ran.stderr, ran.status)
    const traces = join(out, 'trace')
    const cut = existsSync(traces) && readdirSync(traces).some((f) => f.endsWith('.lost'))
    return { kind: 'ran', run: readLab(scenario, out), cut }
  } finally {
    if (options.keepFolder !== true) rmSync(folder, { recursive: true, force: true })
  }
}

/** qemu-run's own statuses: the machine failed, or took too long. */
const QEMU_STATUS: ReadonlyMap<number | null, string> = new Map([
  [124, 'QEMU took longer than it may'],
  [125, 'QEMU failed'],
])

/** What iproute2, iptables and nft say where the kernel has no such thing, and the script where the machine is too slow. */
const LACKS =
  /this machine lacks|missing kernel module|Unknown device type|Operation not supported|Protocol not supported|\(No such file or directory\)|Operation not permitted/
const SLOW = /links of \S+ do not come up|nothing listens on|no capture:/

function refusal(stderr: string, status: number | null): LiveRun {
  const message = stderr.trim().split('\n').slice(-3).join('\n') || `status ${status}`
  const qemu = QEMU_STATUS.get(status)
  if (qemu !== undefined) return { kind: 'unable', why: `${qemu}: ${message}` }
  return LACKS.test(stderr) || SLOW.test(stderr) ? { kind: 'unable', why: message } : { kind: 'failed', message }
}

const onThisKernel = (script: string, out: string) =>
  spawnSync('bash', [script, '--out', out], { encoding: 'utf8', timeout: LIMIT, killSignal: 'SIGTERM' })

/** Emulated, so slower: every process takes some 30 ms to start. */
function inQemu(program: string, folder: string) {
  const guest = join(folder, 'guest.sh')
  writeFileSync(guest, 'modprobe br_netfilter\nexec bash "$SCRIPT_DIR/lab.sh" --out "$OUT/out"\n')
  return spawnSync(program, ['-q', '-t', String(QEMU_SECONDS), '-a', 'ipv6.disable=1', guest, folder], {
    encoding: 'utf8',
    timeout: (QEMU_SECONDS + 120) * 1000,
  })
}

/** The `qemu-run` to use: HOPSCOPE_QEMU_RUN, else the one beside the checkout; undefined when there is none. */
export function qemuRun(): string | undefined {
  const candidates = [process.env.HOPSCOPE_QEMU_RUN, join(import.meta.dirname, '../../../shared/lab/qemu-run')]
  return candidates.find((c) => c !== undefined && existsSync(c))
}

/** Whether this machine has what the labs need; the reason when it has not. */
export function canRunLive(scenario: ScenarioRun, options: LiveOptions = {}): { readonly able: boolean; readonly why: string } {
  const folder = mkdtempSync(join(tmpdir(), 'hopscope-check-'))
  try {
    const script = join(folder, 'lab.sh')
    writeFileSync(
      script,
      labScript(scenario.world, scenario.journeys, {
        changes: scenario.changes,
        ...(options.legacy === true ? { iptables: 'legacy' as const } : { traceRules: true }),
      }),
    )
    const ran = spawnSync('bash', [script, '--check'], { encoding: 'utf8', timeout: 20_000 })
    return { able: ran.status === 0, why: ran.stderr.trim().replace(/^lab: /, '') || String(ran.error ?? '') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readLab(scenario: ScenarioRun, out: string): ComparableRun {
  const world = labWorld(scenario.world, scenario.changes)
  const names = labNames(world, '')
  const drawn = [...natPorts(scenario.engine.tables), ...resolverPorts(engineFrames(new TraceReader(scenario.trace)))]
  const pinned = scenario.engine.ports.length - drawn.length
  const seen = new Map<string, SeenFrame[]>()
  const tables = new Map<string, NetnsTables>()
  const walks = new Map<string, readonly Line[]>()
  for (const { name } of netnsesOf(world)) {
    const short = names.short(name)
    const left = join(out, 'tables', `${short}.txt`)
    // A pod that went on the way leaves its captures and no tables.
    if (existsSync(left)) {
      const sections = parseSections(readFileSync(left, 'utf8'))
      const traced = join(out, 'trace', `${short}.txt`)
      if (existsSync(traced)) walks.set(name, parseWalks(readFileSync(traced, 'utf8'), sections.get('nft') ?? ''))
      tables.set(name, new Map([...sections].filter(([section]) => section !== 'nft')))
    }
    for (const file of readdirSync(join(out, 'capture', short)).toSorted()) {
      if (!file.endsWith('.pcap')) continue
      const frames = parsePcap(readFileSync(join(out, 'capture', short, file)))
      if (!frames.ok) throw new Error(`${name}/${file}: ${frames.error.message}`)
      if (frames.value.length > 0) seen.set(`${name}/${file.slice(0, -'.pcap'.length)}`, frames.value)
    }
  }
  return {
    // The script gave the journeys the engine's own.
    ports: [...scenario.engine.ports.slice(0, pinned), ...natPorts(tables), ...resolverPorts(seen)],
    exits: scenario.journeys.map((_, i) =>
      Number(/\d+/.exec(readFileSync(join(out, 'journeys', `${i + 1}.status`), 'utf8'))?.[0] ?? -1),
    ),
    frames: frameLines(seen),
    walks,
    tables,
    versions: readFileSync(join(out, 'versions.txt'), 'utf8').trim().split('\n'),
  }
}
