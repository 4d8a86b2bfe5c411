import { STEP } from '../trace/columns.ts'
import { chainNameAt, targetAt } from '../trace/nft.ts'
import type { TraceReader } from '../trace/reader.ts'
import { HOOKS, type RuleVerdict } from '../trace/step.ts'
import type { TableName } from '../world/netfilter.ts'
import type { WorldView } from '../world/world.ts'
import { cellOf } from './map-cells.ts'

// What the chart of a namespace shows at one step: which cells exist there, where the packet was and is, which chains were
// asked and what they said.

export interface CellState {
  /** seqs of the packet's first and last step in this cell. */
  readonly first: number
  readonly last: number
  /** Rules that were looked at, and how many of them matched. */
  readonly tried: number
  readonly matched: number
  readonly verdict: 'accept' | 'drop' | 'nat' | undefined
}

/** One chain that was walked. */
export interface WalkedChain {
  readonly cell: string
  readonly table: string
  readonly chain: string
  /** How many jumps below the base chain. */
  readonly depth: number
  readonly tried: number
  readonly matched: number
  /** What the last rule that matched, or the policy, said: a target's or verdict's name. */
  readonly outcome: string
  /** What the whole walk came to, when a chain further down decided it; of base chains only. */
  readonly final?: string
  /** seq of the step that said it. */
  readonly seq: number
}

interface MapState {
  /** netns id; undefined before any packet. */
  readonly netns: string | undefined
  readonly here: string | undefined
  readonly cells: ReadonlyMap<string, CellState>
  /** Ids of the cells of tables that have a base chain here; `/conntrack` cells when anything here tracks. */
  readonly registered: ReadonlySet<string>
  readonly chains: readonly WalkedChain[]
}

const NOWHERE: MapState = { netns: undefined, here: undefined, cells: new Map(), registered: new Set(), chains: [] }

/** What of the chart exists in a namespace. */
function registeredCells(view: WorldView, netns: string): Set<string> {
  const cells = new Set<string>()
  let tracking = view.list('conntrack', netns).length > 0
  for (const c of view.list('nft-chain', netns)) {
    if (c.base === undefined) continue
    cells.add(`${c.base.hook.toUpperCase()}/${cellTable(c.base)}`)
    if (c.base.type === 'nat') tracking = true
  }
  for (const c of view.list('chain', netns)) {
    if (c.hook === undefined) continue
    cells.add(`${c.hook}/${c.table}`)
    if (c.table === 'nat') tracking = true
  }
  if (tracking)
    for (const id of [
      'PREROUTING/defrag',
      'PREROUTING/conntrack',
      'OUTPUT/defrag',
      'OUTPUT/conntrack',
      'INPUT/confirm',
      'POSTROUTING/confirm',
    ])
      cells.add(id)
  if (view.list('ipvs-service', netns).length > 0) for (const hook of ['INPUT', 'FORWARD', 'OUTPUT']) cells.add(`${hook}/IPVS`)
  return cells
}

/** The state of the chart for `packet` after step `seq`: its present stay in the namespace where it is. */
export function mapState(reader: TraceReader, view: WorldView, at: { readonly packet: number; readonly seq: number }): MapState {
  if (at.packet < 0) return NOWHERE
  const { events: e } = reader.trace
  const seqs = [...reader.packets.seqsOf(at.packet)].filter((s) => s <= at.seq)
  const last = seqs[seqs.length - 1]
  if (last === undefined) return NOWHERE
  const netns = e.netns[last]
  let begin = seqs.length - 1
  while (begin > 0 && e.netns[seqs[begin - 1] as number] === netns) begin--

  const cells = new Map<string, { first: number; last: number; tried: number; matched: number; verdict: CellState['verdict'] }>()
  const chains: { -readonly [K in keyof WalkedChain]: WalkedChain[K] }[] = []
  let here: string | undefined
  let hook = 'PREROUTING'
  /** The table whose cell of the chart it is, and the table's own name. */
  let table = ''
  let shown = ''
  const stack: string[] = []
  for (const seq of seqs.slice(begin)) {
    const kind = reader.kindOf(seq)
    if (kind === STEP.hook) hook = HOOKS[e.a[seq] as number] ?? hook
    const step = kind === STEP.chain || kind === STEP.rule || kind === STEP.policy ? reader.step(seq) : undefined
    if (step?.kind === 'chain') {
      shown = step.table
      table = tableAt(reader, step.chain, seq) ?? shown
      stack.length = 0
      stack.push(chainNameAt(reader, step.chain, seq))
      chains.push({
        cell: `${hook}/${table}`,
        table: shown,
        chain: chainNameAt(reader, step.chain, seq),
        depth: 0,
        tried: 0,
        matched: 0,
        outcome: '',
        seq,
      })
    }
    const id = cellOf(reader, seq, { hook, table, before: here })
    if (id !== undefined) {
      here = id
      const cell = cells.get(id)
      if (cell === undefined) cells.set(id, { first: seq, last: seq, tried: 0, matched: 0, verdict: undefined })
      else cell.last = seq
    }
    const cell = here === undefined ? undefined : cells.get(here)
    if (step?.kind === 'rule' && cell !== undefined) {
      const rule = reader.versions.near(step.rule, seq)
      const known = rule?.kind === 'rule' || rule?.kind === 'nft-rule' ? rule : undefined
      const chain = known?.chain ?? ''
      const at = stack.lastIndexOf(chain)
      if (at >= 0) stack.length = at + 1
      let walked = chains.findLast((c) => c.cell === here && c.chain === chain)
      if (walked === undefined) {
        walked = { cell: here ?? '', table: shown, chain, depth: stack.length - 1, tried: 0, matched: 0, outcome: '', seq }
        chains.push(walked)
      }
      const target = known === undefined ? undefined : targetAt(reader, known, step, seq)
      walked.tried += step.tried
      walked.matched++
      walked.seq = seq
      walked.outcome =
        target === undefined
          ? step.verdict
          : target.kind === 'jump' || target.kind === 'goto'
            ? `→ ${target.chain}`
            : target.kind === 'none'
              ? ''
              : target.kind.toUpperCase()
      cell.tried += step.tried
      cell.matched++
      if (step.verdict === 'nat') cell.verdict = 'nat'
      else if (step.verdict === 'drop' || step.verdict === 'reject') cell.verdict = 'drop'
      else if (step.verdict === 'accept') cell.verdict = 'accept'
      const base = chains.findLast((c) => c.depth === 0)
      if (base !== undefined && base !== walked && isFinal(step.verdict)) base.final = walked.outcome
      if (target?.kind === 'jump') {
        stack.push(target.chain)
        chains.push({
          cell: here ?? '',
          table: shown,
          chain: target.chain,
          depth: stack.length - 1,
          tried: 0,
          matched: 0,
          outcome: '',
          seq,
        })
      } else if (target?.kind === 'goto') stack.splice(-1, 1, target.chain)
    }
    if (step?.kind === 'policy' && cell !== undefined) {
      const name = chainNameAt(reader, step.chain, seq)
      const walked = chains.findLast((c) => c.cell === here && c.chain === name)
      if (walked !== undefined) {
        walked.tried += step.tried
        // A chain of one's own has no policy: at its end the walk returns to where it was called.
        walked.outcome = step.verdict === 'return' ? '↩' : `policy ${step.verdict.toUpperCase()}`
        walked.seq = seq
      }
      cell.tried += step.tried
      if (step.verdict !== 'return') cell.verdict = step.verdict === 'drop' ? 'drop' : 'accept'
    }
    if ((kind === STEP.drop || kind === STEP.undetermined) && cell !== undefined) cell.verdict = 'drop'
  }
  return { netns: reader.netnsAt(last), here, cells, registered: registeredCells(view, reader.netnsAt(last)), chains }
}

/** Verdicts that end the walk through a table. */
const isFinal = (v: RuleVerdict): boolean =>
  v === 'accept' || v === 'drop' || v === 'reject' || v === 'nat' || v === 'stolen' || v === 'undetermined'

/** Where a base chain of nftables stands in the chart: with the table of iptables that runs nearest to it. */
function cellTable({ type, priority }: { readonly type: string; readonly priority: number }): TableName {
  if (type === 'nat') return 'nat'
  if (type === 'route') return 'mangle'
  if (priority <= -250) return 'raw'
  return priority < -75 ? 'mangle' : priority < 25 ? 'filter' : 'security'
}

function tableAt(reader: TraceReader, id: string, seq: number): TableName | undefined {
  const chain = id.startsWith('nftchain:') ? reader.versions.near(id, seq) : undefined
  return chain?.kind === 'nft-chain' && chain.base !== undefined ? cellTable(chain.base) : undefined
}
