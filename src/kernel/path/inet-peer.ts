import { JIFFY, wheelLateness } from '../timer-wheel.ts'

// net/ipv4/inetpeer.c: what a namespace remembers of an address that it sends errors and redirects to. Both limits draw on
// one purse: an error of ip_error() pays twice.

export interface InetPeer {
  /** rate_tokens, ns. */
  tokens: number
  /** rate_last, ns. */
  at: number
  /** n_redirects */
  redirects: number
}

/** The part of a namespace that this takes. */
interface Remembering {
  readonly peers: Map<number, InetPeer>
  /** `now`, ns. */
  readonly kernel: { readonly now: number }
}

const S = 1_000_000_000
/** XRLIM_BURST_FACTOR */
const BURST = 6
/** ip_rt_error_cost and ip_rt_error_burst, HZ and 5 * HZ. */
const ERROR_COST = S
const ERROR_BURST = 5 * S
/** ip_rt_redirect_load, HZ / 50; ip_rt_redirect_silence is that << 10. */
const REDIRECT_LOAD = S / 50
const REDIRECT_SILENCE = REDIRECT_LOAD * 2 ** 10
/** ip_rt_redirect_number */
const REDIRECT_NUMBER = 9

/** inet_getpeer(): a new one looks as if it had been left in peace for a minute. */
function peerOf(ns: Remembering, address: number): InetPeer {
  let peer = ns.peers.get(address)
  if (peer === undefined) {
    peer = { tokens: 0, at: ns.kernel.now - 60 * S, redirects: 0 }
    ns.peers.set(address, peer)
  }
  return peer
}

/**
 * What has come into a purse since it was looked at last, ns. Both limits count jiffies. What is sent again comes when a timer of
 * the wheel goes off, which is late there and not here: three SYN ACKs a second apart are more than a second apart in life.
 */
function earned(peer: InetPeer, now: number): number {
  const passed = (Math.floor(now / JIFFY) - Math.floor(peer.at / JIFFY)) * JIFFY
  return passed <= 0 ? 0 : passed + wheelLateness(passed)
}

/** inet_peer_xrlim_allow(): a token each `timeout` ns, six at most. */
export function xrlimAllow(ns: Remembering, address: number, timeout: number): boolean {
  const peer = peerOf(ns, address)
  const { now } = ns.kernel
  const more = earned(peer, now)
  if (more > 0) peer.tokens = Math.min(peer.tokens + more, BURST * timeout)
  peer.at = now
  if (peer.tokens < timeout) return false
  peer.tokens -= timeout
  return true
}

/** ip_error(): whether a packet from `address` that has no way is answered at all. */
export function routeErrorAllow(ns: Remembering, address: number): boolean {
  const peer = peerOf(ns, address)
  const { now } = ns.kernel
  peer.tokens = Math.min(peer.tokens + earned(peer, now), ERROR_BURST)
  peer.at = now
  if (peer.tokens < ERROR_COST) return false
  peer.tokens -= ERROR_COST
  return true
}

/** ip_rt_send_redirect(): each time twice as long after the one before, and after nine no more until it was quiet. */
export function redirectAllow(ns: Remembering, address: number): boolean {
  const peer = peerOf(ns, address)
  const { now } = ns.kernel
  if (now > peer.at + REDIRECT_SILENCE) {
    peer.tokens = 0
    peer.redirects = 0
  }
  if (peer.redirects >= REDIRECT_NUMBER) {
    peer.at = now
    return false
  }
  if (peer.redirects !== 0 && now <= peer.at + REDIRECT_LOAD * 2 ** peer.redirects) return false
  peer.at = now
  peer.redirects++
  return true
}
