import { type NftListOptions, printNftChain, printNftRuleset, printNftSet, printNftTable } from '../linux/nft/list.ts'
import type { NftFamily } from '../world/nft.ts'
import { type Call, type CommandResult, type ConsoleCommand, failed, printed } from './command.ts'

const FAMILIES: ReadonlySet<string> = new Set(['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev'] satisfies NftFamily[])
const WRITES = new Set(['add', 'create', 'delete', 'destroy', 'flush', 'insert', 'replace', 'reset', 'rename', 'import'])
const FLAGS: Readonly<Record<string, keyof NftListOptions | 'ignored'>> = {
  ...{ '-a': 'handles', '--handle': 'handles', '-s': 'stateless', '--stateless': 'stateless', '-t': 'terse', '--terse': 'terse' },
  ...{ '-n': 'ignored', '--numeric': 'ignored', '-nn': 'ignored', '-y': 'ignored', '-N': 'ignored' },
}

/** Reading only: nft list. */
export const nft: ConsoleCommand = {
  names: ['nft'],
  usage: 'nft [-a] [-s] [-t] list ruleset|tables|chains|sets|maps|table|chain|set|map [FAMILY] [TABLE] [NAME]',
  run(call) {
    const options: { handles?: boolean; stateless?: boolean; terse?: boolean } = {}
    const words: string[] = []
    for (const a of call.args) {
      if (a === '-v' || a === '--version') return printed('nftables v1.0.6 (Lester Gooch #5)\n')
      if (/^-[ast]{2,}$/.test(a)) for (const c of a.slice(1)) set(options, `-${c}`)
      else if (a.startsWith('-')) {
        if (!set(options, a)) return failed(`nft: unrecognized option '${a}'\n`)
      } else words.push(a)
    }
    const [verb, what = '', ...rest] = words
      .join(' ')
      .replaceAll(';', ' ')
      .split(/\s+/)
      .filter((w) => w !== '')
    if (verb === undefined) return failed('Usage: nft [ options ] [ cmds... ]\n')
    if (WRITES.has(verb)) return failed('Error: Could not process rule: Operation not permitted\n')
    if (verb !== 'list') return failed(syntax(words, verb))
    return list(call, { what, rest, options })
  },
}

function set(options: { handles?: boolean; stateless?: boolean; terse?: boolean }, flag: string): boolean {
  const key = FLAGS[flag]
  if (key === undefined) return false
  if (key === 'handles' || key === 'stateless' || key === 'terse') options[key] = true
  return true
}

/** nft points at the word that it cannot take. */
function syntax(words: readonly string[], at: string): string {
  const line = words.join(' ')
  const from = line.indexOf(at)
  return `Error: syntax error, unexpected string\n${line}\n${' '.repeat(Math.max(0, from))}${'^'.repeat(at.length)}\n`
}

interface Wanted {
  readonly what: string
  readonly rest: readonly string[]
  readonly options: NftListOptions
}

function list({ view, netns }: Call, { what, rest, options }: Wanted): CommandResult {
  const family = FAMILIES.has(rest[0] ?? '') ? rest[0] : undefined
  const [table, name] = family === undefined ? rest : rest.slice(1)
  const tables = view.list('nft-table', netns).filter((t) => family === undefined || t.family === family)
  const of = { ...options, ...(family === undefined ? {} : { family }) }
  const missing = failed(`Error: No such file or directory\nlist ${[what, ...rest].join(' ')}\n`)
  switch (what) {
    case 'ruleset':
      return printed(printNftRuleset(view, netns, of))
    case 'tables':
      return printed(tables.map((t) => `table ${t.family} ${t.name}\n`).join(''))
    case 'chains':
    case 'sets':
    case 'maps':
      return printed(tables.map((t) => frame(t, headers(view, t, what))).join(''))
    case 'table': {
      const found = tables.find((t) => t.name === table && t.family === (family ?? 'ip'))
      return found === undefined ? missing : printed(printNftTable(view, found, options))
    }
    case 'chain': {
      const found = view
        .list('nft-chain', netns)
        .find((c) => c.name === name && c.table === table && c.family === (family ?? 'ip'))
      return found === undefined ? missing : printed(printNftChain(view, found, options))
    }
    case 'set':
    case 'map': {
      const found = view
        .list('nft-set', netns)
        .find(
          (s) =>
            s.name === name && s.table === table && s.family === (family ?? 'ip') && (s.data !== undefined) === (what === 'map'),
        )
      return found === undefined ? missing : printed(printNftSet(view, found, options))
    }
    default:
      return failed(syntax(['list', what, ...rest], what))
  }
}

const frame = (t: { readonly family: string; readonly name: string }, lines: readonly string[]): string =>
  `table ${t.family} ${t.name} {\n${lines.map((l) => `${l}\n`).join('')}}\n`

/** `nft list chains`: names and what base chains are, no rules. Sets without their elements. */
function headers(
  view: Call['view'],
  t: { readonly family: string; readonly name: string; readonly netns: string },
  what: string,
): string[] {
  const isOf = (r: { readonly family: string; readonly table: string }) => r.family === t.family && r.table === t.name
  if (what === 'chains')
    return view
      .list('nft-chain', t.netns)
      .filter(isOf)
      .flatMap((c) =>
        printNftChain(view, { ...c, rules: [] })
          .split('\n')
          .slice(1, -2),
      )
  return view
    .list('nft-set', t.netns)
    .filter((s) => isOf(s) && (s.data !== undefined) === (what === 'maps'))
    .flatMap((s) => printNftSet(view, s, { terse: true }).split('\n').slice(1, -2))
}
