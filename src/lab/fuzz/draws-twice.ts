import { STEP } from '../../trace/columns.ts'
import type { TraceReader } from '../../trace/reader.ts'
import type { WorldRecord } from '../../world/records.ts'

const drawsAtRandom = (r: WorldRecord | undefined): boolean =>
  r?.kind === 'rule' && r.spec.matches.some((m) => m.kind === 'statistic' && m.mode === 'random')

/**
 * Whether packets of one flow come to a rule that draws at random more than once (the first was dropped later on, and left no
 * connection) and fare differently. A lab gives such a rule the source ports that it took in the engine: of one flow it then
 * takes all packets or none.
 */
export function drawsTwice(reader: TraceReader): boolean {
  const { events: e, initial, refs } = reader.trace
  const netnses = new Set([...initial.values()].flatMap((r) => (r.kind === 'rule' && drawsAtRandom(r) ? [r.netns] : [])))
  if (netnses.size === 0) return false
  /** Of each flow in a base chain: the rules that took its packets, walk by walk. */
  const walks = new Map<string, Set<string>[]>()
  const open = new Map<number, Set<string>>()
  for (let s = 0; s < e.length; s++) {
    const packet = e.packet[s] ?? -1
    if (e.kind[s] === STEP.chain) {
      const ref = refs[e.a[s] ?? -1] ?? ''
      const chain = reader.versions.near(ref, s)
      if (chain?.kind !== 'chain' || chain.hook === undefined || !netnses.has(chain.netns)) continue
      const p = reader.packetAt(packet, s)
      const key = `${ref} ${p.protocol} ${p.src} ${p.sport} ${p.dst} ${p.dport}`
      const walk = new Set<string>()
      open.set(packet, walk)
      const known = walks.get(key)
      if (known === undefined) walks.set(key, [walk])
      else known.push(walk)
    } else if (e.kind[s] === STEP.rule) {
      const ref = refs[e.a[s] ?? -1] ?? ''
      if (drawsAtRandom(reader.versions.near(ref, s))) open.get(packet)?.add(ref)
    }
  }
  return [...walks.values()].some((list) => new Set(list.map((w) => [...w].join(' '))).size > 1)
}
