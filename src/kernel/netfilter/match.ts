import { assertNever } from '../../base/assert-never.ts'
import type { Prng } from '../../base/prng.ts'
import { IPPROTO, type Packet } from '../../net/packet.ts'
import type { AddrType, Match, PortRange } from '../../world/netfilter.ts'
import { LimitBucket, NthCounter } from './counters.ts'
import { fitsInterface, fitsPort } from './fits.ts'
import type { MatchInput, MatchPlace } from './hook-state.ts'
import type { SetTest } from './ipset.ts'
import { compileConntrack, compileState } from './match-conntrack.ts'
import { matchRecent, type RecentLists } from './recent.ts'

/** What a match needs of the namespace. */
export interface MatchDeps {
  readonly rng: Prng
  /** Virtual ns. */
  now(): number
  /** inet_addr_type(), or with a device's name inet_dev_addr_type(). */
  addressType(address: number, device: string | undefined): AddrType
  readonly recent: RecentLists
  /** Undefined when there is no such set, or it is not modelled. */
  set(name: string): SetTest | undefined
}

export interface Matcher {
  /** False when evaluating it changes something (a counter, a list, the random stream). */
  readonly pure: boolean
  test(skb: MatchInput, at: MatchPlace): boolean
}

/** A match that is parsed but not modelled, or cannot be (its set is missing). */
interface Unmodelled {
  readonly unmodelled: string
}

const pure = (test: Matcher['test']): Matcher => ({ pure: true, test })

/** Source and destination port as the first four bytes of the layer 4 header hold them. */
function ports(p: Packet): { readonly sport: number; readonly dport: number } {
  if (p.protocol === IPPROTO.TCP || p.protocol === IPPROTO.UDP) return p
  const b = p.payload
  if (b.length < 4) return { sport: -1, dport: -1 }
  return { sport: ((b[0] as number) << 8) | (b[1] as number), dport: ((b[2] as number) << 8) | (b[3] as number) }
}

/** tcp_find_option(): is the option present in the header? */
function hasTcpOption(options: Uint8Array, number: number): boolean {
  for (let i = 0; i < options.length; ) {
    const kind = options[i] as number
    if (kind === number) return true
    i += kind < 2 ? 1 : options[i + 1] || 1
  }
  return false
}

const inRanges = (ranges: readonly PortRange[], port: number): boolean => ranges.some((r) => port >= r.from && port <= r.to)

const asWritten = (name: string, words: readonly string[]): string => ['-m', name, ...words].join(' ')

/**
 * One match of a rule as a function. The order of evaluation within a match and what an absent value means follow the
 * module's own *_mt() in net/netfilter and net/ipv4/netfilter.
 */
export function compileMatch(match: Match, deps: MatchDeps): Matcher | Unmodelled {
  switch (match.kind) {
    case 'tcp':
    case 'udp':
    case 'sctp':
      return compilePorts(match)
    case 'icmp':
      return pure(({ pkt }) => {
        if (pkt.fragmentOffset !== 0 || pkt.protocol !== IPPROTO.ICMP) return false
        const fits =
          match.type === 255 || (pkt.icmpType === match.type && (match.code === undefined || pkt.icmpCode === match.code))
        return fits !== match.invert
      })
    case 'multiport':
      return pure(({ pkt }) => {
        if (pkt.fragmentOffset !== 0) return false
        const { sport, dport } = ports(pkt)
        const fits =
          (match.which !== 'dports' && inRanges(match.ranges, sport)) ||
          (match.which !== 'sports' && inRanges(match.ranges, dport))
        return fits !== match.invert
      })
    case 'comment':
      return pure(() => true)
    case 'mark':
      return pure((skb) => ((skb.mark & match.mask) >>> 0 === match.value) !== match.invert)
    case 'connmark':
      return pure((skb) => skb.ct !== undefined && ((skb.ct.mark & match.mask) >>> 0 === match.value) !== match.invert)
    case 'conntrack':
      return pure(compileConntrack(match))
    case 'state':
      return pure(compileState(match))
    case 'addrtype':
      return compileAddrtype(match, deps)
    case 'statistic': {
      if (match.mode === 'random') {
        const { rng } = deps
        // get_random_u32() & 0x7fffffff, of 2^31.
        return { pure: false, test: () => rng.next() >>> 1 < match.probability !== match.invert }
      }
      const counter = new NthCounter(match)
      return { pure: false, test: () => counter.tick() !== match.invert }
    }
    case 'set': {
      const ignored = ['--update-counters', '--update-subcounters', '! --update-counters', '! --update-subcounters']
      const test = match.options.every((o) => ignored.includes(o)) ? deps.set(match.set) : undefined
      if (test === undefined) return { unmodelled: `-m set --match-set ${match.set} ${match.directions.join(',')}` }
      return pure(({ pkt }) => test(pkt, match.directions) !== match.invert)
    }
    case 'physdev':
      return pure((skb) => matchPhysdev(match, skb))
    case 'recent': {
      const list = deps.recent.list(match)
      return {
        pure: false,
        test: ({ pkt, socket }, at) => {
          const address = ((match.side === 'source' ? pkt.src : pkt.dst) & match.mask) >>> 0
          // The TTL as it was before forwarding took one off.
          const ttl = pkt.ttl + (at.outDev !== undefined && socket === undefined ? 1 : 0)
          return matchRecent(list, match, address, ttl, deps.now())
        },
      }
    }
    case 'mac':
      // Only a frame received on an Ethernet device has a source to compare, negated or not: on lo nothing matches.
      return pure(({ pkt }, { inDev }) => {
        const ethernet = inDev !== undefined && inDev.name !== 'lo' && pkt.etherType !== 0
        return ethernet && (pkt.ethSrc === match.source) !== match.invert
      })
    case 'limit': {
      const bucket = new LimitBucket(match, deps.now())
      return { pure: false, test: () => bucket.take(deps.now()) }
    }
    case 'nfacct':
      // Counts into an object that nothing here reads, and always matches (nfacct_mt).
      return pure(() => true)
    case 'unknown':
      return { unmodelled: asWritten(match.name, match.arguments) }
    default:
      return assertNever(match, 'match')
  }
}

/** tcp_mt(), udp_mt(), sctp_mt(): a later fragment has no ports and never matches, inverted or not. */
function compilePorts(match: Extract<Match, { kind: 'tcp' | 'udp' | 'sctp' }>): Matcher {
  const { sport, dport } = match
  const flags = match.kind === 'tcp' ? match.flags : undefined
  const option = match.kind === 'tcp' ? match.option : undefined
  const protocol = { tcp: IPPROTO.TCP, udp: IPPROTO.UDP, sctp: IPPROTO.SCTP }[match.kind]
  return pure(({ pkt }) => {
    if (pkt.fragmentOffset !== 0 || pkt.protocol !== protocol) return false
    const l4 = ports(pkt)
    if (sport !== undefined && !fitsPort(sport, l4.sport)) return false
    if (dport !== undefined && !fitsPort(dport, l4.dport)) return false
    if (flags !== undefined && ((pkt.tcpFlags & flags.mask) === flags.comp) === flags.invert) return false
    return option === undefined || hasTcpOption(pkt.options, option.number) !== option.invert
  })
}

/** addrtype_mt_v1() */
function compileAddrtype(match: Extract<Match, { kind: 'addrtype' }>, { addressType }: MatchDeps): Matcher {
  return pure(({ pkt }, at) => {
    const device = match.limitIface === 'in' ? at.inDev?.name : match.limitIface === 'out' ? at.outDev?.name : undefined
    if (match.srcTypes !== undefined) {
      const fits = match.srcTypes.includes(addressType(pkt.src, device))
      if (fits === (match.srcInvert === true)) return false
    }
    if (match.dstTypes === undefined) return true
    return match.dstTypes.includes(addressType(pkt.dst, device)) !== (match.dstInvert === true)
  })
}

/** physdev_mt(): without a bridge in play only inverted conditions hold. */
function matchPhysdev(match: Extract<Match, { kind: 'physdev' }>, skb: MatchInput): boolean {
  const { isIn, isOut, isBridged, physIn, physOut } = match
  if (skb.physIn === undefined && skb.physOut === undefined) {
    if (isBridged === true || isIn === true || isOut === true) return false
    return physIn?.invert !== false && physOut?.invert !== false
  }
  const inName = skb.physIn?.name
  const outName = skb.physOut?.name
  if (isBridged !== undefined && isBridged !== (outName !== undefined)) return false
  if (isIn !== undefined && isIn !== (inName !== undefined)) return false
  if (isOut !== undefined && isOut !== (outName !== undefined)) return false
  if (physIn !== undefined && inName !== undefined && !fitsInterface(physIn, inName)) return false
  if (physOut === undefined) return true
  return outName === undefined ? physOut.invert : fitsInterface(physOut, outName)
}
