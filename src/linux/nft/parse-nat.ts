import type { NftExpression, NftFamily, NftNatFlag, NftStatement, NftType } from '../../world/nft.ts'
import { parseExpression, parseOperand, parseSetRef } from './parse-expression.ts'
import type { NftReader } from './reader.ts'
import { typeOf } from './selectors.ts'

// Values that a statement writes, into a field or as a new address and port, and the maps that they may come of.

/** The types of a named map's data, where it is known: `dnat to ip saddr map @m` depends on it. */
export type DataTypes = (map: string) => readonly NftType[] | undefined

/** What is written into a field or handed to NAT: an expression, or a map of one. */
export function parseValueExpression(r: NftReader, types: readonly NftType[], dataOf: DataTypes): NftExpression {
  const e = parseExpression(r, types[0] ?? 'integer')
  return r.accept('map') ? parseMapOf(r, e, types, dataOf) : e
}

/** `wanted` is the data's type where the map does not say. */
export function parseMapOf(r: NftReader, key: NftExpression, wanted: readonly NftType[], dataOf: DataTypes): NftExpression {
  const named = r.is('@') ? dataOf(r.peek(1).text) : undefined
  const type = named ?? wanted
  return { kind: 'map', key, map: parseSetRef(r, { key: typeOf(key), data: type }), type }
}

export function parseNat(r: NftReader, operation: 'dnat' | 'snat', of: NftFamily, dataOf: DataTypes): NftStatement {
  r.take()
  const family = r.is('ip') || r.is('ip6') ? (r.take().text as 'ip' | 'ip6') : undefined
  let both = false
  if (r.is('addr') && r.is('.', 1) && r.is('port', 2)) {
    for (let i = 0; i < 3; i++) r.take()
    both = true
  }
  r.accept('to')
  const types = (family ?? of) === 'ip6' ? ['ipv6_addr'] : ['ipv4_addr']
  let address: NftExpression | undefined
  if (!r.is(':')) {
    // An IPv6 address with a port stands in brackets.
    const bracket = r.accept('[')
    address = parseValueExpression(r, both ? [...types, 'inet_service'] : types, dataOf)
    if (bracket) r.expect(']')
    // A map to address and port needs no saying so where its type is known.
    if (address.kind === 'map' && address.type.length === 2) both = true
  }
  const port = parsePort(r)
  return {
    kind: 'nat',
    operation,
    ...(family === undefined ? {} : { family }),
    ...(address === undefined ? {} : { address }),
    ...(port === undefined ? {} : { port }),
    ...(both ? { both: true as const } : {}),
    flags: parseFlags(r),
  }
}

export const parsePort = (r: NftReader): NftExpression | undefined =>
  r.accept(':') ? parseOperand(r, 'inet_service') : undefined

const NAT_FLAGS: readonly NftNatFlag[] = ['random', 'fully-random', 'persistent']

export function parseFlags(r: NftReader): NftNatFlag[] {
  const given = new Set<string>()
  while (NAT_FLAGS.some((f) => r.is(f))) {
    given.add(r.take().text)
    if (!r.accept(',')) break
  }
  return NAT_FLAGS.filter((f) => given.has(f))
}
