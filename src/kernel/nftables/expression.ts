import { assertNever } from '../../base/assert-never.ts'
import type { Prng } from '../../base/prng.ts'
import { IPPROTO, ipLength, type Packet } from '../../net/packet.ts'
import type { AddrType } from '../../world/netfilter.ts'
import type { NftExpression, NftSetRef, NftValue } from '../../world/nft.ts'
import { CT, directionOf } from '../conntrack/entry.ts'
import type { MatchInput, MatchPlace } from '../netfilter/hook-state.ts'
import { compileIp6Expression, type Ip6Deps } from './ip6.ts'
import { compileJhash } from './jhash.ts'
import { ip6Of, type Loaded, SetIndex } from './set.ts'

/** What an expression may look at in a packet; an Skb is one. */
export interface NftInput extends MatchInput {
  readonly packetType?: number
}

/** What expressions need of the namespace. */
export interface ExpressionDeps {
  readonly rng: Prng
  /** Virtual ns. */
  now(): number
  addressType(address: number, device: string | undefined): AddrType
  /** nft_fib4_eval(): name of the device that a lookup leads to; undefined where there is nobody to ask. */
  readonly fibDevice?: (skb: NftInput, at: MatchPlace, flags: readonly string[]) => string
  /** Where the packets are IPv6. */
  readonly ip6?: Ip6Deps
  /** The named set of this rule's table; undefined when there is none. */
  set(name: string): SetIndex | undefined
}

/** Loads nothing: the packet has no such field, and the rule ends (NFT_BREAK). */
export const BREAK = -1

export interface Loader {
  /** False when loading changes something (a counter, the random stream). */
  readonly pure: boolean
  load(skb: NftInput, at: MatchPlace): Loaded
}
export interface Unmodelled {
  readonly unmodelled: string
}

const pure = (load: Loader['load']): Loader => ({ pure: true, load })
const unmodelled = (what: string): Unmodelled => ({ unmodelled: what })

/** An expression of one field. */
export function compileExpression(e: NftExpression, deps: ExpressionDeps): Loader | Unmodelled {
  const other = deps.ip6 === undefined ? undefined : compileIp6Expression(e, deps.ip6)
  if (other !== undefined) return other
  switch (e.kind) {
    case 'payload':
      return compilePayload(e.protocol, e.field)
    case 'meta':
      return compileMeta(e.key, deps)
    case 'ct':
      return compileCt(e.key, e.direction)
    case 'fib':
      return compileFib(e, deps)
    case 'numgen':
      return compileNumgen(e, deps)
    case 'jhash':
      return compileJhash(e, deps)
    case 'binary':
      return compileBinary(e, deps)
    case 'constant':
      return compileConstant(e.value)
    case 'map': {
      const found = compileMap(e, deps)
      if ('unmodelled' in found) return found
      return { pure: found.pure, load: (skb, at) => found.load(skb, at)?.[0] ?? BREAK }
    }
    case 'concat':
      return unmodelled('a concatenation where one value is wanted')
    default:
      return assertNever(e)
  }
}

export interface KeyLoader {
  readonly pure: boolean
  readonly width: number
  /** Fills `into`; false at NFT_BREAK. */
  load(skb: NftInput, at: MatchPlace, into: Loaded[]): boolean
}

/** The key of a lookup, a field each part. */
export function compileKey(e: NftExpression, deps: ExpressionDeps): KeyLoader | Unmodelled {
  const loaders: Loader[] = []
  for (const part of e.kind === 'concat' ? e.parts : [e]) {
    const compiled = compileExpression(part, deps)
    if ('unmodelled' in compiled) return compiled
    loaders.push(compiled)
  }
  return {
    pure: loaders.every((l) => l.pure),
    width: loaders.length,
    load(skb, at, into) {
      for (let i = 0; i < loaders.length; i++) {
        const value = (loaders[i] as Loader).load(skb, at)
        if (value === BREAK) return false
        into[i] = value
      }
      return true
    },
  }
}

/** The set that a rule names or holds; undefined for a name that the table does not have. */
export const setIndex = (ref: NftSetRef, width: number, deps: ExpressionDeps): SetIndex | undefined =>
  ref.kind === 'named' ? deps.set(ref.name) : new SetIndex(ref.elements, width)

export const missingSet = (ref: NftSetRef): string => (ref.kind === 'named' ? `@${ref.name}: no such set` : 'a set')

/** A data map: the fields that belong to the key; undefined at NFT_BREAK. */
export function compileMap(
  e: Extract<NftExpression, { kind: 'map' }>,
  deps: ExpressionDeps,
): { readonly pure: boolean; load(skb: NftInput, at: MatchPlace): readonly Loaded[] | undefined } | Unmodelled {
  const key = compileKey(e.key, deps)
  if ('unmodelled' in key) return key
  const index = setIndex(e.map, key.width, deps)
  if (index === undefined) return unmodelled(missingSet(e.map))
  const scratch: Loaded[] = []
  return {
    pure: key.pure,
    load(skb, at) {
      if (!key.load(skb, at, scratch)) return undefined
      return index.find(scratch, deps.now())?.data?.map(plainValue)
    },
  }
}

const plainValue = (v: NftValue): Loaded =>
  v.kind === 'number' ? v.value : v.kind === 'text' ? (v.ip6 === undefined ? v.text : (ip6Of(v) ?? BREAK)) : BREAK

function compileConstant(value: NftValue): Loader | Unmodelled {
  const plain = plainValue(value)
  return plain === BREAK ? unmodelled('a range where one value is wanted') : pure(() => plain)
}

// --- payload ---------------------------------------------------------------------------------------------------------

/** What no two bytes hold: a field whose bytes the engine does not keep. */
const UNKNOWN_BYTES = 0x10000

/** The first four bytes of the transport header. */
function thPort(p: Packet, source: boolean): number {
  if (p.fragmentOffset !== 0) return BREAK
  if (p.protocol === IPPROTO.TCP || p.protocol === IPPROTO.UDP) return source ? p.sport : p.dport
  if (p.protocol === IPPROTO.ICMP) return source ? (p.icmpType << 8) | p.icmpCode : UNKNOWN_BYTES
  const b = p.payload
  const at = source ? 0 : 2
  return b.length < 4 ? BREAK : ((b[at] as number) << 8) | (b[at + 1] as number)
}

/** Of a protocol alone: its selectors imply `meta l4proto`. */
const of =
  (protocol: number, load: (p: Packet) => number): ((p: Packet) => number) =>
  (p) =>
    p.protocol === protocol && p.fragmentOffset === 0 ? load(p) : BREAK

const PORTS = { tcp: IPPROTO.TCP, udp: IPPROTO.UDP, sctp: IPPROTO.SCTP, udplite: 136, dccp: 33 } as const

const FIELDS: Readonly<Record<string, (p: Packet) => number>> = {
  'ip saddr': (p) => p.src,
  'ip daddr': (p) => p.dst,
  'ip protocol': (p) => p.protocol,
  'ip ttl': (p) => p.ttl,
  'ip length': (p) => ipLength(p),
  'ip id': (p) => p.ident,
  'ip dscp': (p) => p.tos >>> 2,
  'ip ecn': (p) => p.tos & 3,
  'ip frag-off': (p) => (p.ipFlags << 13) | (p.fragmentOffset >>> 3),
  'ip version': () => 4,
  'ip hdrlength': () => 5,
  'icmp type': of(IPPROTO.ICMP, (p) => p.icmpType),
  'icmp code': of(IPPROTO.ICMP, (p) => p.icmpCode),
  'icmp id': of(IPPROTO.ICMP, (p) => p.icmpRest >>> 16),
  'icmp sequence': of(IPPROTO.ICMP, (p) => p.icmpRest & 0xffff),
  'icmp mtu': of(IPPROTO.ICMP, (p) => p.icmpRest & 0xffff),
  'tcp flags': of(IPPROTO.TCP, (p) => p.tcpFlags),
  'tcp sequence': of(IPPROTO.TCP, (p) => p.seq >>> 0),
  'tcp ackseq': of(IPPROTO.TCP, (p) => p.ack >>> 0),
  'tcp window': of(IPPROTO.TCP, (p) => p.window),
  'tcp doff': of(IPPROTO.TCP, (p) => 5 + p.options.length / 4),
  'udp length': of(IPPROTO.UDP, (p) => 8 + p.payload.length),
}

function compilePayload(protocol: string, field: string): Loader | Unmodelled {
  const known = FIELDS[`${protocol} ${field}`]
  if (known !== undefined) return pure(({ pkt }) => known(pkt))
  if (field === 'sport' || field === 'dport') {
    const source = field === 'sport'
    if (protocol === 'th') return pure(({ pkt }) => thPort(pkt, source))
    const only = Object.hasOwn(PORTS, protocol) ? PORTS[protocol as keyof typeof PORTS] : undefined
    if (only !== undefined) return pure(({ pkt }) => (pkt.protocol === only ? thPort(pkt, source) : BREAK))
  }
  if (protocol === 'ether' && field !== 'type') {
    // The rule implies an Ethernet device to have come in by.
    return pure(({ pkt }, { inDev }) => {
      if (inDev === undefined || inDev.name === 'lo' || pkt.etherType === 0) return BREAK
      return field === 'saddr' ? pkt.ethSrc : pkt.ethDst
    })
  }
  // Of another family: no packet of these hooks has it.
  if (protocol === 'ip6' || protocol === 'icmpv6') return pure(() => BREAK)
  return unmodelled(`${protocol} ${field}`)
}

// --- meta and ct -----------------------------------------------------------------------------------------------------

const NFPROTO_IPV4 = 2

/** nft_meta_get_eval() */
function compileMeta(key: string, { rng }: ExpressionDeps): Loader | Unmodelled {
  switch (key) {
    case 'mark':
      return pure((skb) => skb.mark)
    // Indexes are compared by the names that stand for them.
    case 'iif':
    case 'iifname':
      return pure((_, at) => at.inDev?.name ?? '')
    case 'oif':
    case 'oifname':
      return pure((_, at) => at.outDev?.name ?? '')
    case 'l4proto':
      // NFT_PKTINFO_L4PROTO: a later fragment has it as well.
      return pure(({ pkt }) => pkt.protocol)
    case 'nfproto':
      return pure(() => NFPROTO_IPV4)
    case 'protocol':
      return pure(() => 0x0800)
    case 'length':
      return pure(({ pkt }) => ipLength(pkt))
    case 'pkttype':
      return pure((skb) => skb.packetType ?? 0)
    case 'random':
      return { pure: false, load: () => rng.next() }
    default:
      return unmodelled(`meta ${key}`)
  }
}

/** NF_CT_STATE_BIT() and its neighbours. */
function stateBit(skb: NftInput): number {
  if (skb.ct === undefined) return skb.ctInfo === CT.UNTRACKED ? 64 : 1
  switch (skb.ctInfo) {
    case CT.ESTABLISHED:
    case CT.ESTABLISHED_REPLY:
      return 2
    case CT.RELATED:
    case CT.RELATED_REPLY:
      return 4
    default:
      return 8
  }
}

type Entry = NonNullable<NftInput['ct']>
const ofEntry = (load: (ct: Entry, skb: NftInput) => number): Loader =>
  pure((skb) => (skb.ct === undefined ? BREAK : load(skb.ct, skb)))

/** nft_ct_get_eval(): without an entry only the state is known. */
function compileCt(key: string, direction: 'original' | 'reply' | undefined): Loader | Unmodelled {
  const tuple = (ct: Entry) => (direction === 'reply' ? ct.reply : ct.original)
  switch (key) {
    case 'state':
      return pure(stateBit)
    case 'direction':
      return ofEntry((_, skb) => directionOf(skb.ctInfo))
    case 'status':
      return ofEntry((ct) => ct.status >>> 0)
    case 'mark':
      return ofEntry((ct) => ct.mark)
    case 'l3proto':
      return ofEntry(() => NFPROTO_IPV4)
    case 'protocol':
      return ofEntry((ct) => ct.protocol)
    case 'zone':
      return ofEntry(() => 0)
    case 'ip saddr':
      return ofEntry((ct) => tuple(ct).src)
    case 'ip daddr':
      return ofEntry((ct) => tuple(ct).dst)
    case 'proto-src':
      return ofEntry((ct) => tuple(ct).sport)
    case 'proto-dst':
      return ofEntry((ct) => tuple(ct).dport)
    default:
      return unmodelled(`ct ${key}`)
  }
}

// --- fib, numgen, arithmetic -----------------------------------------------------------------------------------------

/** rtm_type numbers (include/uapi/linux/rtnetlink.h). */
const RTN: Readonly<Record<AddrType, number>> = {
  ...{ UNSPEC: 0, UNICAST: 1, LOCAL: 2, BROADCAST: 3, ANYCAST: 4, MULTICAST: 5, BLACKHOLE: 6, UNREACHABLE: 7 },
  ...{ PROHIBIT: 8, THROW: 9, NAT: 10, XRESOLVE: 11 },
}

function compileFib(e: Extract<NftExpression, { kind: 'fib' }>, deps: ExpressionDeps): Loader | Unmodelled {
  const source = e.flags.includes('saddr')
  if (e.result === 'type') {
    // nft_fib4_eval_type()
    const on = e.flags.includes('iif') ? 'inDev' : e.flags.includes('oif') ? 'outDev' : undefined
    return pure(({ pkt }, at) => {
      const device = on === undefined ? undefined : at[on]?.name
      return RTN[deps.addressType(source ? pkt.src : pkt.dst, device)]
    })
  }
  const lookup = deps.fibDevice
  return lookup === undefined ? unmodelled('fib') : pure((skb, at) => lookup(skb, at, e.flags))
}

function compileNumgen(e: Extract<NftExpression, { kind: 'numgen' }>, { rng }: ExpressionDeps): Loader {
  const { modulus, offset } = e
  // nft_ng_random_gen(): reciprocal_scale() of a random word.
  if (e.mode === 'random') return { pure: false, load: () => Math.floor((rng.next() * modulus) / 0x1_0000_0000) + offset }
  // nft_ng_inc_gen()
  let counter = modulus - 1
  return {
    pure: false,
    load: () => {
      counter = counter + 1 < modulus ? counter + 1 : 0
      return counter + offset
    },
  }
}

function compileBinary(e: Extract<NftExpression, { kind: 'binary' }>, deps: ExpressionDeps): Loader | Unmodelled {
  const left = compileExpression(e.left, deps)
  const right = compileExpression(e.right, deps)
  if ('unmodelled' in left) return left
  if ('unmodelled' in right) return right
  return {
    pure: left.pure && right.pure,
    load(skb, at) {
      const a = left.load(skb, at)
      const b = right.load(skb, at)
      if (typeof a !== 'number' || typeof b !== 'number' || a === BREAK || b === BREAK) return BREAK
      switch (e.operator) {
        case '&':
          return (a & b) >>> 0
        case '|':
          return (a | b) >>> 0
        case '^':
          return (a ^ b) >>> 0
        case '<<':
          return (a << b) >>> 0
        case '>>':
          return a >>> b
      }
    },
  }
}
