import { parseNft } from '../../linux/nft/parse.ts'
import { printRule } from '../../linux/nft/print.ts'
import { elementKey, type NftChain, type NftRule, type NftSet } from '../../linux/nft/ruleset.ts'
import { formatTextError } from '../../linux/text.ts'
import type { Difference } from './difference.ts'

export interface NftComparison {
  readonly rules: number
  /** Elements of sets and maps. */
  readonly entries: number
  readonly differences: readonly Difference[]
}

/**
 * Tables of nftables of one namespace, `nft list table` text on both sides: every chain with its rules and their counters,
 * every set with its elements. What chance decides is another rule in a lab (../nft.ts), and is passed over; so is how much time
 * elements have left.
 */
export function compareNft(netns: string, engine: string, kernel: string): NftComparison {
  const ours = parseNft(engine)
  const theirs = parseNft(kernel)
  if (!ours.ok || !theirs.ok) {
    const error = !ours.ok ? ours.error : !theirs.ok ? theirs.error : undefined
    const text = error === undefined ? '' : formatTextError(error)
    return { rules: 0, entries: 0, differences: [{ what: 'nft', where: netns, engine: text, kernel: undefined }] }
  }
  const differences: Difference[] = []
  let rules = 0
  let entries = 0
  for (const [name, table] of theirs.value.tables) {
    const mine = ours.value.tables.get(name)
    for (const chain of table.chains.values()) {
      rules += chain.rules.length
      differences.push(...compareChain(`${netns} ${name} ${chain.name}`, mine?.chains.get(chain.name), chain))
    }
    for (const set of table.sets.values()) {
      entries += set.elements.size
      differences.push(...compareSet(`${netns} ${name} ${set.name}`, mine?.sets.get(set.name), set))
    }
    for (const chain of mine?.chains.values() ?? []) {
      if (!table.chains.has(chain.name))
        differences.push({ what: 'nft', where: `${netns} ${name} ${chain.name}`, engine: 'a chain', kernel: undefined })
    }
  }
  return { rules, entries, differences }
}

const drawn = (r: NftRule | undefined): boolean =>
  r?.statements.some((s) => s.kind === 'vmap' && s.key.kind === 'numgen' && s.key.mode === 'random') === true

function compareChain(where: string, ours: NftChain | undefined, theirs: NftChain): Difference[] {
  if (ours === undefined) return [{ what: 'nft', where, engine: undefined, kernel: 'a chain' }]
  const out: Difference[] = []
  const compare = (at: string, engine: string | undefined, kernel: string | undefined) => {
    if (engine !== kernel) out.push({ what: 'nft', where: `${where} ${at}`.trimEnd(), engine, kernel })
  }
  compare('', JSON.stringify(ours.base), JSON.stringify(theirs.base))
  for (let i = 0; i < Math.max(ours.rules.length, theirs.rules.length); i++) {
    const [mine, other] = [ours.rules[i], theirs.rules[i]]
    if (drawn(mine)) continue
    const text = (r: NftRule | undefined) => (r === undefined ? undefined : printRule(r.statements, r.comment))
    compare(String(i + 1), text(mine), text(other))
  }
  return out
}

function compareSet(where: string, ours: NftSet | undefined, theirs: NftSet): Difference[] {
  const texts = (s: NftSet | undefined) =>
    new Map([...(s?.elements.values() ?? [])].map((e) => [elementKey(e), JSON.stringify([e.verdict, e.data, e.comment])]))
  const mine = texts(ours)
  const other = texts(theirs)
  return [...new Set([...mine.keys(), ...other.keys()])].flatMap((key): Difference[] => {
    const [engine, kernel] = [mine.get(key), other.get(key)]
    if (engine === kernel) return []
    const say = (value: string | undefined) => (value === undefined ? undefined : `${key} ${value}`)
    return [{ what: 'nft set', where, engine: say(engine), kernel: say(kernel) }]
  })
}
