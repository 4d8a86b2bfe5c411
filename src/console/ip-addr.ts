import { printIpAddr } from '../linux/ip-addr.ts'
import { printIpLink } from '../linux/ip-link.ts'
import { deviceName } from '../linux/names.ts'
import type { DeviceRecord } from '../world/records.ts'
import { type CommandResult, failed, printed } from './command.ts'
import { deviceNamed, garbage, type IpCall, incomplete, isResult, showWords } from './ip-words.ts'

const KINDS = ['bridge', 'veth', 'dummy', 'vxlan', 'vlan', 'macvlan', 'ipvlan', 'tun', 'bond', 'ipip', 'gre', 'wireguard']

export function ipAddr(call: IpCall): CommandResult {
  const select = selector('address', call)
  if ('exitCode' in select) return select
  const { flags, view, netns } = call
  if (flags.family === 'inet6') return printed('')
  if (flags.family === 'link') return printed(printIpLink(view, netns, { ...flags, select: select.test }))
  return printed(printIpAddr(view, netns, { ...flags, ipv4Only: flags.family === 'inet', select: select.test }))
}

export function ipLink(call: IpCall): CommandResult {
  const select = selector('link', call)
  if ('exitCode' in select) return select
  return printed(printIpLink(call.view, call.netns, { ...call.flags, select: select.test }))
}

type Test = (d: DeviceRecord) => boolean

/** `[dev] NAME`, `up`, `type KIND`, `master BRIDGE`, `nomaster`. */
function selector(object: string, { view, netns, words }: IpCall): { readonly test: Test } | CommandResult {
  const rest = showWords(object, words)
  if (isResult(rest)) return rest
  const tests: Test[] = []
  let named = false
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] as string
    if (word === 'up') tests.push((d) => d.up)
    else if (word === 'nomaster') tests.push((d) => d.master === undefined)
    else if (word === 'type') {
      const kind = rest[++i]
      if (kind === undefined) return incomplete()
      if (!KINDS.includes(kind)) return failed('Error: Unknown device type.\n', 2)
      tests.push((d) => (d.link.kind === 'unknown' ? d.link.type === kind : d.link.kind === kind))
    } else if (word === 'master') {
      const name = rest[++i]
      if (deviceNamed(view, netns, name) === undefined) return failed(`Device "${name ?? ''}" does not exist.\n`)
      tests.push((d) => deviceName(view, d.master?.bridge) === name)
    } else if (['scope', 'label', 'to', 'group', 'vrf'].includes(word)) i++
    else {
      const name = word === 'dev' ? rest[++i] : word
      if (name === undefined) return incomplete()
      if (named) return garbage(name)
      if (deviceNamed(view, netns, name) === undefined) return failed(`Device "${name}" does not exist.\n`)
      named = true
      tests.push((d) => d.name === name)
    }
  }
  return { test: (d) => tests.every((t) => t(d)) }
}
