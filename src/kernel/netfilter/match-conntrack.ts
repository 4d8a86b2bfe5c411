import type { CtStateName, Match } from '../../world/netfilter.ts'
import { CT, directionOf, IPS } from '../conntrack/entry.ts'
import { fitsAddress, fitsPort } from './fits.ts'
import type { MatchInput } from './hook-state.ts'

type ConntrackMatch = Extract<Match, { kind: 'conntrack' }>
type StateMatch = Extract<Match, { kind: 'state' }>

const STATE_BIT: Readonly<Record<CtStateName, number>> = {
  INVALID: 1,
  ESTABLISHED: 2,
  RELATED: 4,
  NEW: 8,
  UNTRACKED: 16,
  SNAT: 32,
  DNAT: 64,
}
const STATUS_BIT = {
  NONE: 0,
  EXPECTED: IPS.EXPECTED,
  SEEN_REPLY: IPS.SEEN_REPLY,
  ASSURED: IPS.ASSURED,
  CONFIRMED: IPS.CONFIRMED,
} as const

const maskOf = (states: readonly CtStateName[]): number => states.reduce((mask, s) => mask | STATE_BIT[s], 0)

/** XT_CONNTRACK_STATE_BIT of the packet. */
function stateBit(skb: MatchInput): number {
  if (skb.ct === undefined) return skb.ctInfo === CT.UNTRACKED ? STATE_BIT.UNTRACKED : STATE_BIT.INVALID
  switch (skb.ctInfo) {
    case CT.NEW:
      return STATE_BIT.NEW
    case CT.ESTABLISHED:
    case CT.ESTABLISHED_REPLY:
      return STATE_BIT.ESTABLISHED
    case CT.RELATED:
    case CT.RELATED_REPLY:
      return STATE_BIT.RELATED
    default:
      return STATE_BIT.INVALID
  }
}

/** state_mt() */
export function compileState(match: StateMatch): (skb: MatchInput) => boolean {
  const mask = maskOf(match.states)
  return (skb) => ((mask & stateBit(skb)) !== 0) !== match.invert
}

/** conntrack_mt(): without an entry only the state decides, and a match that does not ask for it fails. */
export function compileConntrack(match: ConntrackMatch): (skb: MatchInput) => boolean {
  const stateMask = match.states === undefined ? undefined : maskOf(match.states)
  const statusMask = match.status?.reduce((mask, s) => mask | STATUS_BIT[s], 0)
  const { origSrc, origDst, replSrc, replDst, origDstPort, protocol, direction } = match
  return (skb) => {
    const ct = skb.ct
    if (stateMask !== undefined) {
      let bits = stateBit(skb)
      if (ct !== undefined && (ct.status & IPS.SRC_NAT) !== 0) bits |= STATE_BIT.SNAT
      if (ct !== undefined && (ct.status & IPS.DST_NAT) !== 0) bits |= STATE_BIT.DNAT
      if (((stateMask & bits) !== 0) === (match.statesInvert === true)) return false
    }
    if (ct === undefined) return stateMask !== undefined
    if (direction !== undefined && (direction === 'ORIGINAL') !== (directionOf(skb.ctInfo) === 0)) return false
    if (origSrc !== undefined && !fitsAddress(origSrc, ct.original.src)) return false
    if (origDst !== undefined && !fitsAddress(origDst, ct.original.dst)) return false
    if (replSrc !== undefined && !fitsAddress(replSrc, ct.reply.src)) return false
    if (replDst !== undefined && !fitsAddress(replDst, ct.reply.dst)) return false
    if (protocol !== undefined && (ct.protocol === protocol.number) === protocol.invert) return false
    if (origDstPort !== undefined && !fitsPort(origDstPort, ct.original.dport)) return false
    return statusMask === undefined || ((statusMask & ct.status) !== 0) !== (match.statusInvert === true)
  }
}
