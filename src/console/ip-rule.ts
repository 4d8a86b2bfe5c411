import { printIpRule } from '../linux/ip-rule.ts'
import { type CommandResult, failed, printed } from './command.ts'
import { type IpCall, isResult, showWords } from './ip-words.ts'

export function ipRule({ view, netns, flags, words }: IpCall): CommandResult {
  const rest = showWords('rule', words)
  if (isResult(rest)) return rest
  if (flags.family === 'inet6') return printed('')
  let priority: number | undefined
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] as string
    if (!['prio', 'priority', 'pref', 'preference', 'order'].includes(word))
      return failed(`Error: argument "${word}" is wrong: Failed to parse rule type\n`, 255)
    priority = Number(rest[++i])
    if (!Number.isInteger(priority))
      return failed(`Error: argument "${rest[i] ?? ''}" is wrong: preference value is invalid\n`, 255)
  }
  return printed(printIpRule(view, netns, priority))
}
