import { err, ok, type Result } from '../../base/result.ts'

/** A command line that cannot be run, in a sentence for the person who typed it. */
export interface CommandError {
  readonly kind: 'command'
  readonly message: string
  /** What the shell or the program itself would exit with. */
  readonly exitCode: number
}
/** Bad usage is status 2 for most programs. */
export const commandError = (message: string, exitCode = 2) => err<CommandError>({ kind: 'command', message, exitCode })

/** One option of a program. `name` is what the program's code calls it. */
export interface OptionSpec {
  readonly name: string
  readonly short?: string
  readonly long?: string
  readonly value?: boolean
}

export interface ParsedOptions {
  has(name: string): boolean
  /** The last value given. */
  value(name: string): string | undefined
  values(name: string): readonly string[]
  readonly operands: readonly string[]
}

/** getopt_long(3): `-sv`, `-c4`, `-c 4`, `--max-time 5`, `--max-time=5`; options and operands may mix, `--` ends the options. */
export function parseOptions(
  program: string,
  argv: readonly string[],
  specs: readonly OptionSpec[],
): Result<ParsedOptions, CommandError> {
  const found: { name: string; value: string }[] = []
  const operands: string[] = []
  const words = argv.slice(1)
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    if (word === '--') {
      operands.push(...words.slice(i))
      break
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word)
      continue
    }
    const read = word.startsWith('--')
      ? readLong(program, word, words[i + 1], specs)
      : readShort(program, word, words[i + 1], specs)
    if (!read.ok) return read
    found.push(...read.value.options)
    if (read.value.tookNext) i++
  }
  const values = (name: string) => found.filter((f) => f.name === name).map((f) => f.value)
  return ok({
    has: (name) => found.some((f) => f.name === name),
    value: (name) => values(name).at(-1),
    values,
    operands,
  })
}

interface Read {
  readonly options: { name: string; value: string }[]
  readonly tookNext: boolean
}

function readLong(
  program: string,
  word: string,
  next: string | undefined,
  specs: readonly OptionSpec[],
): Result<Read, CommandError> {
  const equals = word.indexOf('=')
  const long = equals < 0 ? word.slice(2) : word.slice(2, equals)
  const spec = specs.find((s) => s.long === long)
  if (spec === undefined) return unknownOption(program, `--${long}`, specs)
  if (spec.value !== true) return ok({ options: [{ name: spec.name, value: '' }], tookNext: false })
  if (equals >= 0) return ok({ options: [{ name: spec.name, value: word.slice(equals + 1) }], tookNext: false })
  if (next === undefined) return commandError(`${program}: option --${long} needs a value`)
  return ok({ options: [{ name: spec.name, value: next }], tookNext: true })
}

function readShort(
  program: string,
  word: string,
  next: string | undefined,
  specs: readonly OptionSpec[],
): Result<Read, CommandError> {
  const options: { name: string; value: string }[] = []
  for (let i = 1; i < word.length; i++) {
    const letter = word.charAt(i)
    const spec = specs.find((s) => s.short === letter)
    if (spec === undefined) return unknownOption(program, `-${letter}`, specs)
    if (spec.value !== true) {
      options.push({ name: spec.name, value: '' })
      continue
    }
    const rest = word.slice(i + 1)
    if (rest === '' && next === undefined) return commandError(`${program}: option -${letter} needs a value`)
    options.push({ name: spec.name, value: rest === '' ? (next ?? '') : rest })
    return ok({ options, tookNext: rest === '' })
  }
  return ok({ options, tookNext: false })
}

function unknownOption(program: string, option: string, specs: readonly OptionSpec[]) {
  const known = specs.map((s) => (s.short === undefined ? `--${s.long}` : `-${s.short}`)).join(' ')
  return commandError(`${program}: unknown option ${option}; this ${program} knows ${known}`)
}

/** A decimal number in [min, max], fractions allowed when `fraction`. */
export function numberOption(
  program: string,
  options: ParsedOptions,
  want: { name: string; flag: string; min: number; max: number; fraction?: boolean },
): Result<number | undefined, CommandError> {
  const text = options.value(want.name)
  if (text === undefined) return ok(undefined)
  const shape = want.fraction === true ? /^\d*\.?\d+$/ : /^\d+$/
  const n = Number(text)
  if (!shape.test(text) || n < want.min || n > want.max) {
    const kind = want.fraction === true ? 'a number' : 'a whole number'
    return commandError(`${program}: ${want.flag} wants ${kind} from ${want.min} to ${want.max}, not "${text}"`)
  }
  return ok(n)
}

export const portNumber = (text: string): number | undefined =>
  /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535 ? Number(text) : undefined
