import type { NftExpression, NftFamily, NftSetRef, NftStatement, NftValue } from '../../world/nft.ts'
import { isBitmask } from './datatypes.ts'
import { typeOf } from './selectors.ts'

/**
 * A statement as the kernel hands it back: a set of one value is a comparison, `&` and `==` of TCP flags one selector; a reset
 * is for TCP alone, and the rule says so.
 */
export function normalized(s: NftStatement, family: NftFamily, before: readonly NftStatement[]): NftStatement | NftStatement[] {
  if (s.kind === 'reject') {
    if (s.with.kind === 'tcp-reset' && !before.some(tellsProtocol)) return [TCP_ONLY, s]
    const own = family === 'ip' ? 'icmp' : family === 'ip6' ? 'icmpv6' : undefined
    const plain = s.with.kind === 'icmpx' || s.with.kind === own
    return plain && s.with.code === 'port-unreachable' ? { kind: 'reject', with: { kind: 'default' } } : s
  }
  if (s.kind === 'mangle' && s.target.kind === 'meta' && s.target.key === 'nftrace') {
    return { kind: 'passive', text: `meta nftrace set ${constantText(s.value)}` }
  }
  if (s.kind !== 'match') return s
  const { left, relation, right } = s
  if (left.kind !== 'concat' && right.kind === 'set' && (relation === 'implicit' || relation === '==' || relation === '!=')) {
    const only = onlyKey(right.set)
    if (only !== undefined && !isBitmask(typeOf(left)[0] ?? '')) {
      return { ...s, relation: relation === '==' ? 'implicit' : relation, right: { kind: 'constant', fields: only } }
    }
  }
  if (relation === '==' && left.kind !== 'binary' && !isBitmask(typeOf(left)[0] ?? '')) return { ...s, relation: 'implicit' }
  if (left.kind === 'binary' && left.operator === '&' && typeOf(left)[0] === 'tcp_flag' && right.kind === 'constant') {
    const mask = left.right.kind === 'constant' ? left.right.value : undefined
    const [value] = right.fields
    if (mask?.kind === 'number' && value?.kind === 'number' && (relation === '==' || relation === '!=')) {
      return {
        kind: 'match',
        left: left.left,
        relation: relation === '==' ? 'implicit' : '!=',
        right: { kind: 'masked', value: value.value, mask: mask.value },
      }
    }
  }
  return s
}

const TCP_ONLY: NftStatement = {
  kind: 'match',
  left: { kind: 'meta', key: 'l4proto' },
  relation: 'implicit',
  right: { kind: 'constant', fields: [{ kind: 'number', value: 6 }] },
}

const tellsProtocol = (s: NftStatement): boolean =>
  (s.kind === 'match' || s.kind === 'vmap') && selectsProtocol(s.kind === 'match' ? s.left : s.key)

function selectsProtocol(e: NftExpression): boolean {
  if (e.kind === 'payload') return e.protocol === 'tcp' || (e.protocol === 'ip' && e.field === 'protocol')
  if (e.kind === 'meta') return e.key === 'l4proto'
  if (e.kind === 'concat') return e.parts.some(selectsProtocol)
  return e.kind === 'binary' && selectsProtocol(e.left)
}

const constantText = (e: NftExpression): string => (e.kind === 'constant' && e.value.kind === 'number' ? `${e.value.value}` : '1')

function onlyKey(set: NftSetRef): readonly NftValue[] | undefined {
  const [only, more] = set.kind === 'anonymous' ? set.elements : []
  if (only === undefined || more !== undefined || only.comment !== undefined) return undefined
  return only.key.length === 1 && only.key[0]?.kind !== 'any' ? only.key : undefined
}
