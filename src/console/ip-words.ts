import type { DeviceRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { type CommandResult, failed, NOT_PERMITTED } from './command.ts'

export interface IpFlags {
  readonly details: boolean
  readonly brief: boolean
  readonly oneline: boolean
  readonly statistics: boolean
  readonly family: 'any' | 'inet' | 'inet6' | 'link'
}

/** What one object of `ip` is called with: the words after its name. */
export interface IpCall {
  readonly view: WorldView
  readonly netns: string
  readonly flags: IpFlags
  readonly words: readonly string[]
}

export const SHOW = ['show', 'lst', 'list']
const WRITES = [
  'add',
  'change',
  'replace',
  'prepend',
  'append',
  'test',
  'delete',
  'del',
  'flush',
  'set',
  'save',
  'restore',
  'property',
]

/** matches(): a word may be any beginning of a command. */
export const begins = (word: string, names: readonly string[]): boolean => names.some((n) => n.startsWith(word))

/** The words after `show`, which may be left out; a result for any other command. */
export function showWords(object: string, words: readonly string[]): readonly string[] | CommandResult {
  const [command, ...rest] = words
  if (command === undefined) return []
  if (begins(command, SHOW)) return rest
  if (begins(command, WRITES)) return NOT_PERMITTED
  return failed(`Command "${command}" is unknown, try "ip ${object} help".\n`, 255)
}

export const isResult = (v: readonly string[] | CommandResult): v is CommandResult => 'exitCode' in v

export const deviceNamed = (view: WorldView, netns: string, name: string | undefined): DeviceRecord | undefined =>
  view.list('device', netns).find((d) => d.name === name)

/** A word that no option explains. */
export const garbage = (word: string): CommandResult =>
  failed(`Error: either "dev" is duplicate, or "${word}" is a garbage.\n`, 255)

export const incomplete = (): CommandResult => failed('Command line is not complete. Try option "help"\n', 255)

export const prefixExpected = (word: string): CommandResult =>
  failed(`Error: any valid prefix is expected rather than "${word}".\n`)
