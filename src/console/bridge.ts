import { printBridgeFdb, printBridgeLink } from '../linux/bridge.ts'
import { type Call, type CommandResult, type ConsoleCommand, failed, NOT_PERMITTED, printed } from './command.ts'

export const bridge: ConsoleCommand = {
  names: ['bridge'],
  usage: 'bridge [-s] [-d] fdb [show [br BRIDGE] [dev PORT]] | link [show [dev PORT]]',
  run(call) {
    const flags = new Set<string>()
    let i = 0
    for (; call.args[i]?.startsWith('-'); i++) {
      const a = call.args[i] as string
      const known = ['-statistics', '-details', '-color', '-timestamp', '-oneline'].find(
        (o) => o.startsWith(a.replace(/^--/, '-')) && a.length > 1,
      )
      if (known === undefined) return failed(`Option "${a}" is unknown, try "bridge help".\n`, 255)
      flags.add(known)
    }
    const [object, ...rest] = call.args.slice(i)
    if (object === undefined) return failed('Usage: bridge [ OPTIONS ] OBJECT { COMMAND | help }\n', 255)
    if ('fdb'.startsWith(object)) return fdb(call, rest, flags.has('-statistics'))
    if ('link'.startsWith(object)) return link(call, rest, flags.has('-details'))
    if (['mdb', 'vlan', 'vni', 'monitor', 'mst'].some((o) => o.startsWith(object))) return printed('')
    return failed(`Object "${object}" is unknown, try "bridge help".\n`, 255)
  },
}

const SHOW = ['show', 'lst', 'list']
const WRITES = ['add', 'append', 'delete', 'replace', 'set', 'flush']

/** Leaves the words after `show`; a result when the command is another. */
function afterShow(what: string, words: readonly string[]): readonly string[] | CommandResult {
  const [command, ...rest] = words
  if (command === undefined) return []
  if (SHOW.some((s) => s.startsWith(command))) return rest
  if (WRITES.some((w) => w.startsWith(command))) return NOT_PERMITTED
  return failed(`Command "${command}" is unknown, try "bridge ${what} help".\n`, 255)
}

function fdb({ view, netns }: Call, words: readonly string[], statistics: boolean): CommandResult {
  const rest = afterShow('fdb', words)
  if (!Array.isArray(rest)) return rest as CommandResult
  let bridgeName: string | undefined
  let device: string | undefined
  for (let i = 0; i < rest.length; i++) {
    const a = rest[i] as string
    if (a === 'br') bridgeName = rest[++i] ?? ''
    else if (a === 'brport' || a === 'dev') device = rest[++i] ?? ''
    else if (a === 'dynamic' || a === 'static') continue
    else device = a
  }
  for (const name of [bridgeName, device]) {
    if (name !== undefined && !view.list('device', netns).some((d) => d.name === name)) {
      return failed(name === bridgeName ? `Cannot find bridge device "${name}"\n` : `Cannot find device "${name}"\n`)
    }
  }
  return printed(
    printBridgeFdb(view, netns, {
      statistics,
      ...(bridgeName === undefined ? {} : { bridge: bridgeName }),
      ...(device === undefined ? {} : { device }),
    }),
  )
}

function link({ view, netns }: Call, words: readonly string[], details: boolean): CommandResult {
  const rest = afterShow('link', words)
  if (!Array.isArray(rest)) return rest as CommandResult
  const device = rest[0] === 'dev' ? rest[1] : rest[0]
  if (device !== undefined && !view.list('device', netns).some((d) => d.name === device))
    return failed(`Cannot find device "${device}"\n`)
  return printed(printBridgeLink(view, netns, { details, ...(device === undefined ? {} : { device }) }))
}
