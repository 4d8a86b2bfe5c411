import type { NftChainType, NftHook } from '../../world/nft.ts'
import type { NftReader } from './reader.ts'
import type { NftBase } from './ruleset.ts'

// Where a base chain hangs: `type nat hook prerouting priority dstnat - 5;`

const HOOKS: readonly NftHook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress', 'egress']
const TYPES: readonly NftChainType[] = ['filter', 'nat', 'route']

/** std_prio_lookup(): what a priority may be called, and where. */
export const PRIORITIES: readonly (readonly [name: string, value: number, hooks?: readonly NftHook[]])[] = [
  ['raw', -300],
  ['mangle', -150],
  ['dstnat', -100, ['prerouting']],
  ['filter', 0],
  ['security', 50],
  ['srcnat', 100, ['postrouting']],
]

export function baseOf(r: NftReader): NftBase {
  r.take()
  const type = TYPES.find((t) => t === r.peek().text)
  if (type === undefined) throw r.unreadable('filter, nat or route')
  r.take()
  r.expect('hook')
  const hook = HOOKS.find((h) => h === r.peek().text)
  if (hook === undefined) throw r.unreadable('a hook')
  r.take()
  const device = r.accept('device') || r.accept('devices') ? deviceOf(r) : undefined
  r.expect('priority')
  const named = PRIORITIES.find(([name]) => name === r.peek().text)
  let priority: number
  if (named !== undefined) {
    r.take()
    priority = named[1]
    if (r.is('+') || r.is('-')) priority += r.take().text === '-' ? -r.number('a number') : r.number('a number')
  } else {
    const word = r.word('a priority')
    priority = Number(word === '-' ? -r.number('a number') : word)
    if (!Number.isInteger(priority)) throw r.unreadable('a priority')
  }
  return { type, hook, priority, policy: 'accept', ...(device === undefined ? {} : { device }) }
}

function deviceOf(r: NftReader): string {
  if (r.accept('=')) void 0
  if (!r.accept('{')) return r.name('a device')
  const names: string[] = []
  while (!r.accept('}')) {
    names.push(r.name('a device'))
    r.accept(',')
  }
  return names.join(',')
}
