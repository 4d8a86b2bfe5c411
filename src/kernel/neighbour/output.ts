import { IPV4_BROADCAST, isMulticast, MAC_BROADCAST, macOf } from '../../net/address.ts'
import { FIELD, ipLength } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import type { StepAt } from '../../trace/trace.ts'
import type { NetDevice } from '../device.ts'
import { depart, drop, enterStack, noteRewriteMac, OUT } from '../path/hop.ts'
import { icmpSend } from '../path/icmp.ts'
import { devQueueXmit } from '../path/xmit.ts'
import type { SkBuff } from '../skb.ts'
import { truesize } from '../sockets/send-buffer.ts'
import { wheelLateness } from '../timer-wheel.ts'
import { arpSolicit } from './arp.ts'
import { type Neighbour, noteConfirmed, noteQueued, noteUsed, setState, stateCode } from './table.ts'

const MS = 1_000_000
const S = 1_000_000_000

/** ip_finish_output2(): the next hop gets a link-layer address, or the packet waits for one. */
export function neighOutput(skb: SkBuff, dev: NetDevice): void {
  if (dev.record.link.kind === 'loopback' || dev.record.link.kind === 'dummy' || dev.record.link.kind === 'unknown') {
    depart(skb, dev.ref)
    devQueueXmit(skb, dev)
    return
  }
  const nexthop = skb.gateway !== 0 ? skb.gateway : skb.pkt.dst
  const group = groupMac(dev, nexthop)
  if (group !== undefined) {
    transmit(skb, dev, group)
    return
  }
  resolve(skb, dev, nexthop)
}

/** neigh_resolve_output(), __neigh_event_send(). */
function resolve(skb: SkBuff, dev: NetDevice, nexthop: number): void {
  const { rec } = dev.ns.kernel
  const known = dev.neighbours.get(nexthop)
  rec.step(STEP.neighLookup, skb, known?.ref ?? -1, stateCode(known?.record.state ?? 'NONE'), nexthop | 0)
  const n = known ?? dev.neighbours.create(nexthop)
  switch (n.record.state) {
    case 'REACHABLE':
      // The reachable timer is kept lazily: nothing happens to an entry that nobody looks at.
      if (n.confirmed + reachableTime(dev) <= dev.ns.kernel.now) {
        setState(n, skb, { state: 'STALE', reason: 'reachable-expired' })
        delayStale(n, skb)
      }
      break
    case 'STALE':
      delayStale(n, skb)
      break
    case 'PERMANENT':
    case 'NOARP':
    case 'DELAY':
    case 'PROBE':
      break
    case 'NONE':
    case 'FAILED':
      park(n, skb)
      setState(n, skb, { state: 'INCOMPLETE', reason: 'solicit', probes: 1, forget: true })
      wait(n, skb)
      solicit(n, skb)
      return
    case 'INCOMPLETE':
      park(n, skb)
      wait(n, skb)
      return
  }
  if (skb.confirm && n.confirmed !== dev.ns.kernel.now) noteConfirmed(n)
  noteUsed(n)
  n.headerCached = true
  transmit(skb, dev, n.record.mac ?? 0)
}

/** neigh_event_send() without a packet: an address that is not known is asked for, and nobody waits. */
export function neighEventSend(dev: NetDevice, address: number, at: StepAt): void {
  const n = dev.neighbours.get(address) ?? dev.neighbours.create(address)
  if (n.record.state !== 'NONE' && n.record.state !== 'FAILED') return
  setState(n, at, { state: 'INCOMPLETE', reason: 'solicit', probes: 1, forget: true })
  solicit(n, at)
}

/** A packet in arp_queue still counts against what its socket may have on the way. */
function park(n: Neighbour, skb: SkBuff): void {
  n.queue.push(skb)
  skb.socket?.charge?.(truesize(ipLength(skb.pkt)))
}

const uncharge = (skb: SkBuff): void => skb.socket?.charge?.(-truesize(ipLength(skb.pkt)))

function wait(n: Neighbour, skb: SkBuff): void {
  skb.cause = n.dev.ns.kernel.rec.step(STEP.wait, skb, n.ref)
  noteQueued(n)
}

/** ip_eth_mc_map() and the broadcast addresses: no neighbour is asked for these. */
function groupMac(dev: NetDevice, address: number): number | undefined {
  if (address === IPV4_BROADCAST || dev.ns.fib.addressType(address, dev) === 'BROADCAST') return MAC_BROADCAST
  return isMulticast(address) ? macOf(0x0100, 0x5e000000 | (address & 0x7fffff)) : undefined
}

/** The link-layer header goes on (dev_hard_header), and the packet leaves the stack. */
function transmit(skb: SkBuff, dev: NetDevice, mac: number): void {
  const { pkt } = skb
  if (pkt.ethSrc !== dev.mac) {
    noteRewriteMac(skb, FIELD.ETH_SRC, pkt.ethSrc, dev.mac)
    pkt.ethSrc = dev.mac
  }
  if (pkt.ethDst !== mac) {
    noteRewriteMac(skb, FIELD.ETH_DST, pkt.ethDst, mac)
    pkt.ethDst = mac
  }
  depart(skb, dev.ref)
  devQueueXmit(skb, dev)
}

/** br_nf_pre_routing_finish_bridge(): the bridge asks its own neighbour table where the new destination lives. */
export function neighBridgeDnat(skb: SkBuff, bridge: NetDevice, goOn: () => void): void {
  const { rec } = bridge.ns.kernel
  const nexthop = skb.dst?.gateway || skb.pkt.dst
  const n = bridge.neighbours.get(nexthop)
  const connected =
    n !== undefined && (n.record.state === 'REACHABLE' || n.record.state === 'PERMANENT' || n.record.state === 'NOARP')
  // The fast way copies a kept header; an entry that was only learned has none, and takes the slow way once.
  if (n?.headerCached && connected) {
    rec.step(STEP.neighLookup, skb, n.ref, stateCode(n.record.state), nexthop | 0)
    noteRewriteMac(skb, FIELD.ETH_DST, skb.pkt.ethDst, n.record.mac ?? 0)
    skb.pkt.ethDst = n.record.mac ?? 0
    goOn()
    return
  }
  if (skb.nfBridge !== undefined) skb.nfBridge.bridgedDnat = true
  resolve(skb, bridge, nexthop)
}

/** A stale entry is used at once and checked in delay_first_probe_time, unless something confirms it first. */
function delayStale(n: Neighbour, at: StepAt): void {
  setState(n, at, { state: 'DELAY', reason: 'used-stale', probes: 0 })
  n.timer?.cancel()
  // Late, as every timer: so much of the beginning does not count as a confirmation any more when it goes off.
  const delay = delayFirstProbe(n)
  n.timer = n.dev.ns.kernel.schedule(delay + wheelLateness(delay), () => delayExpired(n))
}

const delayFirstProbe = (n: Neighbour): number => n.dev.ns.sysctl('net.ipv4.neigh.default.delay_first_probe_time') * S

function delayExpired(n: Neighbour): void {
  if (n.record.state !== 'DELAY') return
  const at = timerRow(n, 'neigh_timer_handler')
  if (n.confirmed + delayFirstProbe(n) > n.dev.ns.kernel.now) {
    setState(n, at, { state: 'REACHABLE', reason: 'confirmed', probes: 0 })
    return
  }
  setState(n, at, { state: 'PROBE', reason: 'delay-expired', probes: 1 })
  solicit(n, at)
}

/** Sends one solicit and sets the timer for the next. */
function solicit(n: Neighbour, at: StepAt): void {
  const { ns } = n.dev
  arpSolicit(n, at)
  n.timer?.cancel()
  n.timer = ns.kernel.schedule(ns.sysctl('net.ipv4.neigh.default.retrans_time_ms') * MS, () => unanswered(n))
}

/** neigh_timer_handler() in INCOMPLETE or PROBE: once more, or give up (neigh_invalidate). */
function unanswered(n: Neighbour): void {
  const { state } = n.record
  if (state !== 'INCOMPLETE' && state !== 'PROBE') return
  const { ns } = n.dev
  const at = timerRow(n, 'neigh_timer_handler')
  const most = ns.sysctl(state === 'PROBE' ? 'net.ipv4.neigh.default.ucast_solicit' : 'net.ipv4.neigh.default.mcast_solicit')
  if (n.record.probes < most) {
    setState(n, at, { state, reason: 'probe', probes: n.record.probes + 1 })
    solicit(n, at)
    return
  }
  const waiting = n.queue.splice(0)
  // The address is known no longer: neigh_fill_info() shows it of valid entries only.
  setState(n, at, { state: 'FAILED', reason: 'timeout', forget: true })
  invalidate(n, waiting, at.cause)
}

/**
 * neigh_invalidate(), arp_error_report(): each waiting packet's sender is told that the host is unreachable, then the packet is gone.
 * Where such an error itself has to go to this neighbour, it is asked for anew: the senders of the packets that are left hear
 * nothing, and the error goes with them.
 */
function invalidate(n: Neighbour, waiting: SkBuff[], cause: number): void {
  const { ns } = n.dev
  const gone = (skb: SkBuff, reason: 'SKB_DROP_REASON_NEIGH_FAILED' | 'SKB_DROP_REASON_QUEUE_PURGE') => {
    drop(skb, reason, n.ref)
    uncharge(skb)
  }
  while (n.record.state === 'FAILED') {
    const skb = waiting.shift()
    if (skb === undefined) return
    skb.cause = cause
    enterStack(skb, ns, OUT)
    icmpSend(ns, skb, 3, 1)
    gone(skb, 'SKB_DROP_REASON_NEIGH_FAILED')
  }
  for (const skb of [...waiting, ...n.queue.splice(0)]) {
    skb.cause = cause
    enterStack(skb, ns, OUT)
    gone(skb, 'SKB_DROP_REASON_QUEUE_PURGE')
  }
  noteQueued(n)
}

/** Entry confirmed: everything that waited goes out, in order (neigh_update's arp_queue loop). */
export function flushQueue(n: Neighbour, cause: number): void {
  const waiting = n.queue.splice(0)
  if (waiting.length > 0) noteQueued(n)
  for (const skb of waiting) {
    skb.cause = cause
    enterStack(skb, n.dev.ns, OUT)
    noteUsed(n)
    n.headerCached = true
    transmit(skb, n.dev, n.record.mac ?? 0)
    uncharge(skb)
  }
}

export function cancelTimer(n: Neighbour): void {
  n.timer?.cancel()
  n.timer = undefined
}

function timerRow(n: Neighbour, what: string): StepAt {
  const { rec } = n.dev.ns.kernel
  const at: StepAt = { packet: -1, cause: rec.last, netns: n.dev.ns.ref, device: n.dev.ref }
  at.cause = rec.step(STEP.timer, at, rec.text(what), n.ref)
  return at
}

/** neigh_rand_reach_time() would be random between half and one and a half of this. */
const reachableTime = (dev: NetDevice): number => dev.ns.sysctl('net.ipv4.neigh.default.base_reachable_time_ms') * MS
