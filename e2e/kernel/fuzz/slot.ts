import { type ChildProcess, spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { frameLines } from '../../../src/lab/compare/frames.ts'
import type { ComparableRun } from '../../../src/lab/compare/runs.ts'
import type { DriverPlan } from '../../../src/lab/fuzz/plan.ts'
import type { JourneyEnd } from '../../../src/lab/fuzz/play.ts'

export type KernelResult =
  | { readonly kind: 'ran'; readonly run: ComparableRun; readonly journeys: readonly JourneyEnd[]; readonly seconds: number }
  | { readonly kind: 'failed'; readonly message: string }

interface DriverResult {
  readonly error?: string
  readonly journeys: readonly JourneyEnd[]
  readonly tables: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly frames: Readonly<Record<string, readonly string[]>>
  readonly seconds: number
}

const DRIVER = join(dirname(fileURLToPath(import.meta.url)), 'driver.py')

/** One driver process: runs one plan at a time. */
export class Slot {
  #child: ChildProcess | undefined
  #waiting: ((line: string | undefined) => void) | undefined

  /** `ports`: the source ports that the plan pins. */
  async run(plan: DriverPlan, ports: readonly number[], versions: readonly string[]): Promise<KernelResult> {
    const line = await this.#ask(JSON.stringify(plan))
    if (line === undefined) return { kind: 'failed', message: 'the driver ended' }
    const result = JSON.parse(line) as DriverResult
    if (result.error !== undefined) return { kind: 'failed', message: result.error }
    const seen = Object.entries(result.frames).map(
      ([device, list]) => [device, list.map((b) => ({ bytes: new Uint8Array(Buffer.from(b, 'base64')) }))] as const,
    )
    const tables = Object.entries(result.tables).map(([ns, sections]) => [ns, new Map(Object.entries(sections))] as const)
    return {
      kind: 'ran',
      run: {
        ports,
        frames: frameLines(new Map(seen)),
        walks: new Map(),
        tables: new Map(tables),
        exits: result.journeys.map((j) => j.exit),
        versions,
      },
      journeys: result.journeys,
      seconds: result.seconds,
    }
  }

  close(): void {
    this.#child?.stdin?.end()
    this.#child?.kill()
    this.#child = undefined
  }

  #ask(line: string): Promise<string | undefined> {
    const child = this.#child ?? this.#start()
    return new Promise((resolve) => {
      this.#waiting = resolve
      child.stdin?.write(`${line}\n`)
    })
  }

  #start(): ChildProcess {
    const child = spawn('python3', [DRIVER], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child = child
    if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => this.#answer(line))
    child.on('exit', () => {
      this.#child = undefined
      this.#answer(undefined)
    })
    return child
  }

  #answer(line: string | undefined): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(line)
  }
}
