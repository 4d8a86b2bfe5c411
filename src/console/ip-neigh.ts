import { printIpNeigh } from '../linux/ip-neigh.ts'
import { isNudState, NUD_NAMES } from '../linux/names.ts'
import { parseIpv4 } from '../net/address.ts'
import type { NudState } from '../world/records.ts'
import { type CommandResult, failed, printed } from './command.ts'
import { deviceNamed, garbage, type IpCall, incomplete, isResult, showWords } from './ip-words.ts'

export function ipNeigh({ view, netns, flags, words }: IpCall): CommandResult {
  const rest = showWords('neigh', words)
  if (isResult(rest)) return rest
  let device: string | undefined
  let address: number | undefined
  let states: Set<NudState> | undefined
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] as string
    if (word === 'dev') {
      device = rest[++i]
      if (device === undefined) return incomplete()
      if (deviceNamed(view, netns, device) === undefined) return failed(`Cannot find device "${device}"\n`)
    } else if (word === 'nud') {
      const state = (rest[++i] ?? '').toUpperCase()
      if (state !== 'ALL' && !isNudState(state))
        return failed(`Error: argument "${rest[i] ?? ''}" is wrong: nud state is bad\n`, 255)
      states ??= new Set()
      for (const s of state === 'ALL' ? NUD_NAMES : [state]) if (isNudState(s) && s !== 'NONE') states.add(s)
    } else if (word === 'unused' || word === 'proxy') return printed('')
    else {
      const parsed = parseIpv4(word === 'to' ? (rest[++i] ?? '') : word)
      if (!parsed.ok) return failed(`Error: any valid prefix is expected rather than "${word}".\n`, 1)
      if (address !== undefined) return garbage(word)
      address = parsed.value
    }
  }
  if (flags.family === 'inet6') return printed('')
  return printed(
    printIpNeigh(view, netns, {
      statistics: flags.statistics,
      ...(device === undefined ? {} : { device }),
      ...(address === undefined ? {} : { address }),
      ...(states === undefined ? {} : { states }),
    }),
  )
}
