import type { NftReject, NftStatement } from '../../world/nft.ts'
import { symbolValue } from './datatypes.ts'
import { parseExpression, time } from './parse-expression.ts'
import type { NftReader } from './reader.ts'

// Statements that begin with a word of their own and compare nothing: counter, reject, log, limit, and what writes into a set.

export function parseCounter(r: NftReader): NftStatement {
  const start = r.peek().start
  r.take()
  if (r.accept('name')) {
    r.name('a counter')
    return { kind: 'passive', text: r.source.slice(start, r.consumed) }
  }
  if (!r.accept('packets')) return { kind: 'counter', packets: 0, bytes: 0 }
  const packets = r.number('packets')
  r.expect('bytes')
  return { kind: 'counter', packets, bytes: r.number('bytes') }
}

export function parseReject(r: NftReader): NftStatement {
  r.take()
  if (!r.accept('with')) return { kind: 'reject', with: { kind: 'default' } }
  if (r.accept('tcp')) {
    r.expect('reset')
    return { kind: 'reject', with: { kind: 'tcp-reset' } }
  }
  const kind = r.word('icmp, icmpx, icmpv6 or tcp reset')
  if (kind !== 'icmp' && kind !== 'icmpx' && kind !== 'icmpv6') throw r.unreadable('icmp, icmpx, icmpv6 or tcp reset')
  r.accept('type')
  const code = r.word('a code')
  const known = kind === 'icmpv6' ? true : symbolValue(kind === 'icmp' ? 'icmp_code' : 'icmpx_code', code) !== undefined
  if (!known) throw r.unreadable('a code')
  const reject: NftReject = { kind, code }
  return { kind: 'reject', with: reject }
}

const LOG_OPTIONS = new Set(['group', 'snaplen', 'queue-threshold', 'level', 'flags'])

export function parseLog(r: NftReader): NftStatement {
  r.take()
  let prefix = ''
  const options: string[] = []
  for (;;) {
    const { text } = r.peek()
    if (r.accept('prefix')) prefix = r.string()
    else if (LOG_OPTIONS.has(text)) {
      r.take()
      let value = r.word(`the ${text}`)
      if (text === 'flags' && (value === 'tcp' || value === 'ip')) {
        value += ` ${r.word('a flag')}`
        while (r.accept(',')) value += `,${r.word('a flag')}`
      }
      // Of the default level nft says nothing.
      if (text !== 'level' || value !== 'warn') options.push(`${text} ${value}`)
    } else return { kind: 'log', prefix, options }
  }
}

const LIMIT_UNITS = ['second', 'minute', 'hour', 'day', 'week'] as const

export function parseLimit(r: NftReader): NftStatement {
  r.take()
  r.expect('rate')
  const over = r.accept('over')
  if (r.accept('until')) void over
  const m = /^(\d+)\/(\w+)$/.exec(r.peek().text)
  const unit = LIMIT_UNITS.find((u) => u === m?.[2])
  if (m === null || unit === undefined) throw r.unreadable('packets per second, minute, hour, day or week')
  r.take()
  let burst = 5
  if (r.accept('burst')) {
    burst = r.number('packets')
    r.expect('packets')
  }
  return { kind: 'limit', over, rate: Number(m[1]), unit, burst }
}

export function parseDynset(r: NftReader, operation: 'add' | 'update' | 'delete'): NftStatement {
  r.take()
  r.expect('@')
  const set = r.name('a set')
  r.expect('{')
  const key = parseExpression(r)
  const timeout = r.accept('timeout') ? time(r) : undefined
  r.expect('}')
  return { kind: 'dynset', operation, set, key, ...(timeout === undefined ? {} : { timeout }) }
}
