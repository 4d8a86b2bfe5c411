import { frameLines } from '../../../src/lab/compare/frames.ts'
import type { Line } from '../../../src/lab/compare/in-order.ts'
import { type LogEvent, logWalks } from '../../../src/lab/compare/log-walks.ts'
import type { ComparableRun } from '../../../src/lab/compare/runs.ts'
import { parseWalks } from '../../../src/lab/compare/walks.ts'
import type { DriverPlan } from '../../../src/lab/fuzz/plan.ts'
import type { JourneyEnd } from '../../../src/lab/fuzz/play.ts'
import { DriverProcess } from './driver-process.ts'

export type KernelResult =
  | {
      readonly kind: 'ran'
      readonly run: ComparableRun
      readonly journeys: readonly JourneyEnd[]
      readonly seconds: number
      /** Whether it says, of some namespace, which rules acted on each packet. */
      readonly traced: boolean
    }
  /** `small`: what happened was more than a capture had room for. */
  | { readonly kind: 'failed'; readonly message: string; readonly small: boolean }

interface DriverResult {
  readonly error?: string
  readonly small?: boolean
  readonly journeys: readonly JourneyEnd[]
  readonly tables: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly frames: Readonly<Record<string, readonly string[]>>
  /** By namespace. */
  readonly traces: Readonly<Record<string, DriverTrace>>
  readonly seconds: number
}

/** What a namespace's rules did: of iptables-legacy, packets in base64; or of iptables-nft. */
type DriverTrace =
  | { readonly events: readonly (Omit<LogEvent, 'packet'> & { readonly packet: string })[] }
  | { readonly text: string; readonly ruleset: string }

const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'))

/** One driver process: runs one plan at a time. */
export class Slot {
  readonly #driver = new DriverProcess()

  /** `ports`: the source ports that the plan pins. */
  async run(plan: DriverPlan, ports: readonly number[], versions: readonly string[]): Promise<KernelResult> {
    const line = await this.#driver.ask(JSON.stringify(plan))
    if (line === undefined) return { kind: 'failed', message: 'the driver ended, or took too long', small: false }
    const result = JSON.parse(line) as DriverResult
    if (result.error !== undefined) return { kind: 'failed', message: result.error, small: result.small === true }
    const seen = Object.entries(result.frames).map(([device, list]) => [device, list.map((b) => ({ bytes: bytes(b) }))] as const)
    const tables = Object.entries(result.tables).map(([ns, sections]) => [ns, new Map(Object.entries(sections))] as const)
    const traces = Object.entries(result.traces)
    const walks = traces.map(([ns, trace]) => [ns, walksOf(trace, result.tables[ns]?.['iptables-save'] ?? '')] as const)
    return {
      kind: 'ran',
      run: {
        ports,
        frames: frameLines(new Map(seen)),
        walks: new Map(walks),
        tables: new Map(tables),
        exits: result.journeys.map((j) => j.exit),
        versions,
      },
      journeys: result.journeys,
      seconds: result.seconds,
      traced: traces.length > 0,
    }
  }

  close(): void {
    this.#driver.close()
  }
}

function walksOf(trace: DriverTrace, saved: string): Line[] {
  if ('text' in trace) return parseWalks(trace.text, trace.ruleset)
  const events = trace.events.map((e) => ({ ...e, packet: bytes(e.packet) }))
  return logWalks(events, saved)
}
