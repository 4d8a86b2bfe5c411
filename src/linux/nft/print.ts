import { assertNever } from '../../base/assert-never.ts'
import type { NftElement, NftExpression, NftRight, NftSetRef, NftStatement, NftType, NftVerdict } from '../../world/nft.ts'
import { printFlags, printTime, printValue } from './datatypes.ts'
import { sortedElements } from './ruleset.ts'
import { isUnqualified, typeOf } from './selectors.ts'

// Rules as `nft list` prints them (nftables 1.0).

export const printVerdict = (v: NftVerdict): string => (v.kind === 'jump' || v.kind === 'goto' ? `${v.kind} ${v.chain}` : v.kind)

export function printExpression(e: NftExpression): string {
  switch (e.kind) {
    case 'payload':
      return `${e.protocol} ${e.field}`
    case 'meta':
      return isUnqualified(e.key) ? e.key : `meta ${e.key}`
    case 'ct':
      return `ct ${e.direction === undefined ? '' : `${e.direction} `}${e.key}`
    case 'fib':
      return `fib ${e.flags.join(' . ')} ${e.result}`
    case 'numgen':
      return `numgen ${e.mode} mod ${e.modulus}${e.offset === 0 ? '' : ` offset ${e.offset}`}`
    case 'jhash': {
      const seed = e.seed === undefined ? '' : ` seed 0x${e.seed.toString(16)}`
      return `jhash ${printExpression(e.key)} mod ${e.modulus}${seed}${e.offset === 0 ? '' : ` offset ${e.offset}`}`
    }
    case 'concat':
      return e.parts.map(printExpression).join(' . ')
    case 'binary':
      return `${operand(e.left, e.operator)} ${e.operator} ${operand(e.right, e.operator)}`
    case 'constant':
      return printValue(e.value, e.type)
    case 'map':
      return `${printExpression(e.key)} map ${printSetRef(e.map, typeOf(e.key), e.type)}`
    default:
      return assertNever(e)
  }
}

const PRECEDENCE = { '|': 0, '^': 1, '&': 2, '<<': 3, '>>': 3 } as const

/** An operand that binds less tightly stands in brackets. */
function operand(e: NftExpression, of: keyof typeof PRECEDENCE): string {
  const text = printExpression(e)
  return e.kind === 'binary' && PRECEDENCE[e.operator] < PRECEDENCE[of] ? `(${text})` : text
}

function printSetRef(ref: NftSetRef, key: readonly NftType[], data?: readonly NftType[]): string {
  if (ref.kind === 'named') return `@${ref.name}`
  const elements = sortedElements(ref.elements, key)
  return elements.length === 0 ? '{ }' : `{ ${elements.map((e) => printElement(e, { key, ...(data && { data }) })).join(', ')} }`
}

/** One element as a listing has it. `now` in nanoseconds, for what is left of its time. */
export function printElement(
  e: NftElement,
  of: { readonly key: readonly NftType[]; readonly data?: readonly NftType[]; readonly now?: number },
): string {
  const fields = e.key[0]?.kind === 'any' ? ['*'] : e.key.map((v, i) => printValue(v, of.key[i] ?? 'integer'))
  const timeout = e.timeout === undefined ? '' : ` timeout ${printTime(e.timeout)}`
  const expires = e.expires === undefined ? '' : ` expires ${printTime(Math.max(0, e.expires - (of.now ?? 0)))}`
  const comment = e.comment === undefined ? '' : ` comment "${e.comment}"`
  const data =
    e.verdict !== undefined
      ? ` : ${printVerdict(e.verdict)}`
      : e.data === undefined
        ? ''
        : ` : ${e.data.map((v, i) => printValue(v, of.data?.[i] ?? 'integer')).join(' . ')}`
  const stateful = e.stateful === undefined ? '' : ` ${e.stateful}`
  return `${fields.join(' . ')}${stateful}${timeout}${expires}${comment}${data}`
}

function printRight(right: NftRight, types: readonly NftType[]): string {
  const [type = 'integer'] = types
  switch (right.kind) {
    case 'constant':
      return right.fields.map((v, i) => printValue(v, types[i] ?? 'integer')).join(' . ')
    case 'flags':
      return printFlags(right.value, type)
    case 'masked':
      return `${printFlags(right.value, type)} / ${printFlags(right.mask, type)}`
    case 'set':
      return printSetRef(right.set, types)
    case 'existence':
      return right.exists ? 'exists' : 'missing'
    default:
      return assertNever(right)
  }
}

const natFlags = (flags: readonly string[]) => (flags.length === 0 ? '' : ` ${flags.join(',')}`)

export function printStatement(s: NftStatement): string {
  switch (s.kind) {
    case 'match': {
      const relation = s.relation === 'implicit' ? '' : ` ${s.relation}`
      return `${printExpression(s.left)}${relation} ${printRight(s.right, typeOf(s.left))}`
    }
    case 'vmap':
      return `${printExpression(s.key)} vmap ${printSetRef(s.map, typeOf(s.key))}`
    case 'verdict':
      return printVerdict(s.verdict)
    case 'counter':
      return `counter packets ${s.packets} bytes ${s.bytes}`
    case 'mangle':
      return `${printExpression(s.target)} set ${printExpression(s.value)}`
    case 'nat': {
      const family = s.family === undefined ? '' : ` ${s.family}`
      // A map to address and port is always listed with the family.
      const of = s.both && s.family === undefined ? ' ip' : family
      const port = s.port === undefined ? '' : `:${printExpression(s.port)}`
      const plain = s.address === undefined ? '' : printExpression(s.address)
      const bracket = s.port !== undefined && s.address?.kind === 'constant' && s.address.type === 'ipv6_addr'
      const address = bracket ? `[${plain}]` : plain
      return `${s.operation}${of} to ${address}${port}${natFlags(s.flags)}`
    }
    case 'masquerade':
    case 'redirect':
      return `${s.kind}${s.port === undefined ? '' : ` to :${printExpression(s.port)}`}${natFlags(s.flags)}`
    case 'reject':
      if (s.with.kind === 'default') return 'reject'
      return s.with.kind === 'tcp-reset' ? 'reject with tcp reset' : `reject with ${s.with.kind} ${s.with.code}`
    case 'log':
      return ['log', ...(s.prefix === '' ? [] : [`prefix "${s.prefix}"`]), ...s.options].join(' ')
    case 'limit': {
      const burst = s.burst === 5 ? '' : ` burst ${s.burst} packets`
      return `limit rate ${s.over ? 'over ' : ''}${s.rate}/${s.unit}${burst}`
    }
    case 'notrack':
      return 'notrack'
    case 'dynset':
      return `${s.operation} @${s.set} { ${printExpression(s.key)}${s.timeout === undefined ? '' : ` timeout ${printTime(s.timeout)}`} }`
    case 'passive':
    case 'unknown':
      return s.text
    default:
      return assertNever(s)
  }
}

/** A rule without its handle. */
export const printRule = (statements: readonly NftStatement[], comment?: string): string =>
  [...statements.map(printStatement), ...(comment === undefined ? [] : [`comment "${comment}"`])].join(' ')
