import { type CommandResult, failed, printed } from './command.ts'

// What people put behind a pipe. Each reads the lines before it.

type Filter = (input: string, args: readonly string[]) => CommandResult

const linesOf = (input: string): string[] => (input === '' ? [] : input.replace(/\n$/, '').split('\n'))
const joined = (lines: readonly string[]): string => lines.map((l) => `${l}\n`).join('')

function grep(input: string, args: readonly string[]): CommandResult {
  const flags = new Set<string>()
  const patterns: string[] = []
  const context = { before: 0, after: 0 }
  for (let i = 0; i < args.length; i++) {
    const a = args[i] as string
    if (a === '-e') patterns.push(args[++i] ?? '')
    else if (/^-[ABC]\d*$/.test(a)) {
      const n = Number(a.slice(2) || args[++i] || 0)
      if (a[1] !== 'A') context.before = n
      if (a[1] !== 'B') context.after = n
    } else if (/^-[a-zA-Z]+$/.test(a)) for (const f of a.slice(1)) flags.add(f)
    else if (a.startsWith('--color')) continue
    else patterns.push(a)
  }
  const unknown = [...flags].find((f) => !'EFGPvincowqh'.includes(f))
  if (unknown !== undefined)
    return failed(`grep: invalid option -- '${unknown}'\nUsage: grep [OPTION]... PATTERNS [FILE]...\n`, 2)
  if (patterns.length === 0) return failed('Usage: grep [OPTION]... PATTERNS [FILE]...\n', 2)
  const source = patterns.map((p) => toRegExp(p, flags)).join('|')
  let re: RegExp
  try {
    re = new RegExp(flags.has('w') ? `(?<!\\w)(?:${source})(?!\\w)` : source, flags.has('i') ? 'gi' : 'g')
  } catch {
    return failed(`grep: Invalid regular expression\n`, 2)
  }
  const lines = linesOf(input)
  const hit = lines.map((l) => {
    re.lastIndex = 0
    return re.test(l) !== flags.has('v')
  })
  const count = hit.filter(Boolean).length
  const exitCode = count > 0 ? 0 : 1
  if (flags.has('q')) return { stdout: '', stderr: '', exitCode }
  if (flags.has('c')) return { stdout: `${count}\n`, stderr: '', exitCode }
  if (flags.has('o') && !flags.has('v')) return { stdout: joined(lines.flatMap((l) => l.match(re) ?? [])), stderr: '', exitCode }
  const shown = lines.flatMap((l, i) => {
    const near = hit.slice(Math.max(0, i - context.after), i + context.before + 1).some(Boolean)
    return near ? [flags.has('n') ? `${i + 1}${hit[i] ? ':' : '-'}${l}` : l] : []
  })
  return { stdout: joined(shown), stderr: '', exitCode }
}

/** Basic regular expressions take + ? | ( ) { } literally, and as operators after a backslash. */
function toRegExp(pattern: string, flags: ReadonlySet<string>): string {
  if (flags.has('F')) return pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  if (flags.has('E') || flags.has('P')) return pattern
  return pattern.replace(
    /\\([+?|(){}])|([+?|(){}])/g,
    (_, escaped: string | undefined, bare: string | undefined) => escaped ?? `\\${bare}`,
  )
}

/** -n N, -N; the last ones for tail. */
function lineCount(args: readonly string[]): number {
  const at = args.indexOf('-n')
  const n = Number(at >= 0 ? args[at + 1] : (args.find((a) => /^-n?\d+$/.test(a)) ?? '-10').replace(/^-n?/, ''))
  return Number.isInteger(n) && n >= 0 ? n : 10
}

const wc: Filter = (input, args) => {
  const counts = { l: linesOf(input).length, w: input.split(/\s+/).filter((w) => w !== '').length, c: input.length }
  const chosen = (['l', 'w', 'c'] as const).filter((k) => args.includes(`-${k}`))
  const shown = chosen.length === 0 ? (['l', 'w', 'c'] as const) : chosen
  return printed(`${shown.map((k) => (shown.length === 1 ? String(counts[k]) : String(counts[k]).padStart(7))).join(' ')}\n`)
}

const sort: Filter = (input, args) => {
  const has = (f: string) => args.some((a) => /^-[a-z]+$/.test(a) && a.includes(f))
  const lines = linesOf(input).sort(
    (a, b) => (has('n') ? (Number.parseFloat(a) || 0) - (Number.parseFloat(b) || 0) : 0) || (a < b ? -1 : a > b ? 1 : 0),
  )
  if (has('r')) lines.reverse()
  return printed(joined(has('u') ? [...new Set(lines)] : lines))
}

const uniq: Filter = (input, args) => {
  const runs: { line: string; count: number }[] = []
  for (const line of linesOf(input)) {
    const last = runs[runs.length - 1]
    if (last?.line === line) last.count++
    else runs.push({ line, count: 1 })
  }
  return printed(joined(runs.map((r) => (args.includes('-c') ? `${String(r.count).padStart(7)} ${r.line}` : r.line))))
}

export const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ['grep', grep],
  ['egrep', (input, args) => grep(input, ['-E', ...args])],
  ['fgrep', (input, args) => grep(input, ['-F', ...args])],
  ['head', (input, args) => printed(joined(linesOf(input).slice(0, lineCount(args))))],
  [
    'tail',
    (input, args) => {
      const n = lineCount(args)
      return printed(joined(n === 0 ? [] : linesOf(input).slice(-n)))
    },
  ],
  ['wc', wc],
  ['sort', sort],
  ['uniq', uniq],
  ['cat', (input) => printed(input)],
  ['less', (input) => printed(input)],
  ['more', (input) => printed(input)],
])
