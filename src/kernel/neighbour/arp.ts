import { IPV4_ANY, isLoopback, isMulticast, MAC_BROADCAST, MAC_ZERO, type Mac, maskOf } from '../../net/address.ts'
import { ARP_OP, ETH_P, Packet } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { PACKET_ORIGINS } from '../../trace/step.ts'
import type { StepAt } from '../../trace/trace.ts'
import type { NudState } from '../../world/records.ts'
import type { NetDevice } from '../device.ts'
import { born, deliver, depart, enterStack, OUT, TO_ARP } from '../path/hop.ts'
import { ROUTE_FORWARD, ROUTE_LOCAL, routeInputQuietly } from '../path/route.ts'
import { devQueueXmit } from '../path/xmit.ts'
import { SkBuff } from '../skb.ts'
import { PACKET_HOST } from '../types.ts'
import { cancelTimer, flushQueue } from './output.ts'
import { type Neighbour, noteConfirmed, setState } from './table.ts'

// net/ipv4/arp.c

const BY_ARP = PACKET_ORIGINS.indexOf('arp')
const BY_SOCKET = PACKET_ORIGINS.indexOf('socket')
const [REPLY, UPDATE, IGNORE, PROXY] = [0, 1, 2, 3]
/** LOCKTIME: an entry younger than this is not overridden by another address. */
const LOCKTIME = 1_000_000_000

/** arp_solicit(): asks who has the entry's address; a probe of a known neighbour is unicast. neigh_probe() shows it what came to wait last. */
export function arpSolicit(n: Neighbour, at: StepAt): void {
  const { dev } = n
  const skb = n.queue.at(-1)
  const { fib } = dev.ns
  const own = skb !== undefined && announces(dev, skb.pkt.src, n.record.address) ? skb.pkt.src : 0
  const source = own !== 0 ? own : fib.selectSource(dev, n.record.address, 'link')
  const probe = n.record.state === 'PROBE' ? n.record.mac : undefined
  send(dev, at, {
    op: ARP_OP.REQUEST,
    ethDst: probe ?? MAC_BROADCAST,
    spa: source,
    tha: MAC_ZERO,
    tpa: n.record.address,
    parent: skb?.packet ?? -1,
  })
}

/** arp_announce: 0 the waiting packet's source if it is one of ours, 1 only if it is in the target's subnet too, 2 never. */
function announces(dev: NetDevice, source: number, target: number): boolean {
  if (dev.conf.arpAnnounce === 2 || dev.ns.fib.addressType(source) !== 'LOCAL') return false
  // inet_addr_onlink()
  return dev.conf.arpAnnounce !== 1 || dev.addresses.some((a) => inSubnet(a, target) && inSubnet(a, source))
}

const inSubnet = (a: NetDevice['addresses'][number], address: number): boolean =>
  ((a.address ^ address) & maskOf(a.prefixLength)) === 0

export interface ArpFrame {
  readonly op: number
  readonly ethDst: number
  readonly spa: number
  readonly tha: number
  readonly tpa: number
  readonly parent: number
  /** Of a process that writes frames itself: recorder ref. */
  readonly process?: number
}

/** arp_create(), arp_xmit(); packet_sendmsg() for a process's own. */
export function send(dev: NetDevice, at: StepAt, frame: ArpFrame): void {
  const p = new Packet()
  p.etherType = ETH_P.ARP
  p.ethSrc = dev.mac
  p.ethDst = frame.ethDst
  p.arpOp = frame.op
  p.arpSha = dev.mac
  p.arpSpa = frame.spa
  p.arpTha = frame.tha
  p.arpTpa = frame.tpa
  const skb = new SkBuff(p, dev.ns)
  skb.cause = at.cause
  born(skb, frame.process === undefined ? BY_ARP : BY_SOCKET, frame.parent, frame.process ?? -1)
  enterStack(skb, dev.ns, OUT)
  depart(skb, dev.ref)
  devQueueXmit(skb, dev)
}

/** arp_rcv(), arp_process(). */
export function arpRcv(skb: SkBuff, dev: NetDevice): void {
  const { pkt } = skb
  const { ns } = dev
  const { rec } = ns.kernel
  if (dev.arpTaps !== undefined) for (const tap of dev.arpTaps) tap(skb)
  const note = (answer: number) => {
    rec.step(STEP.arpProcess, skb, pkt.arpOp, pkt.arpTpa | 0, answer)
  }
  if (isMulticast(pkt.arpTpa) || (isLoopback(pkt.arpTpa) && !dev.conf.routeLocalnet)) {
    note(IGNORE)
    deliver(skb, TO_ARP)
    return
  }
  const request = pkt.arpOp === ARP_OP.REQUEST
  // RFC 2131: a host without an address asks whether it may have this one.
  if (pkt.arpSpa === IPV4_ANY) {
    const taken = request && ns.fib.addressType(pkt.arpTpa) === 'LOCAL' && answersFor(dev, pkt.arpSpa, pkt.arpTpa)
    note(taken ? REPLY : IGNORE)
    const cause = deliver(skb, TO_ARP)
    if (taken) answer(skb, dev, cause)
    return
  }
  // The question is routed like a packet from the asker would be, reverse path filter included.
  const route = request ? routeInputQuietly(dev, pkt.arpSpa, pkt.arpTpa) : undefined
  if (route?.result === ROUTE_LOCAL) {
    const answers = answersFor(dev, pkt.arpSpa, pkt.arpTpa)
    note(answers ? REPLY : IGNORE)
    if (answers) learnSender(skb, dev)
    const cause = deliver(skb, TO_ARP)
    if (answers) answer(skb, dev, cause)
    return
  }
  // arp_fwd_proxy(): proxy_arp answers for what this host would forward elsewhere.
  if (route?.result === ROUTE_FORWARD && dev.conf.proxyArp && route.device !== dev) {
    note(PROXY)
    learnSender(skb, dev)
    const cause = deliver(skb, TO_ARP)
    answer(skb, dev, cause)
    return
  }
  const known = dev.neighbours.get(pkt.arpSpa)
  note(known === undefined ? IGNORE : UPDATE)
  if (known === undefined) {
    deliver(skb, TO_ARP)
    return
  }
  // Broadcast replies and requests do not assert that the neighbour hears us.
  const state: NudState = !request && skb.packetType === PACKET_HOST ? 'REACHABLE' : 'STALE'
  const override = known.updated + LOCKTIME < ns.kernel.now
  neighUpdate(known, skb, { mac: pkt.arpSha as Mac, state, override })
  const cause = deliver(skb, TO_ARP)
  flushQueueIfValid(known, cause)
}

/** arp_ignore() and inet_confirm_addr(). */
function answersFor(dev: NetDevice, sender: number, target: number): boolean {
  switch (dev.conf.arpIgnore) {
    case 1:
      return confirms(dev.addresses, 0, target, ['global', 'site', 'link', 'host'])
    case 2:
      return confirms(dev.addresses, sender, target, ['global', 'site', 'link', 'host'])
    case 3: {
      const all = [...dev.ns.devices.values()]
      return all.some((d) => confirms(d.addresses, 0, target, ['global', 'site', 'link']))
    }
    case 8:
      return false
    default:
      return true
  }
}

/** confirm_addr_indev(): the target is one of these addresses, and one of their subnets holds it and the sender (0: any). */
function confirms(addresses: NetDevice['addresses'], sender: number, target: number, scopes: readonly string[]): boolean {
  const has = addresses.some((a) => a.address === target && scopes.includes(a.scope))
  return has && addresses.some((a) => inSubnet(a, target) && (sender === 0 || inSubnet(a, sender)))
}

function answer(skb: SkBuff, dev: NetDevice, cause: number): void {
  const { pkt } = skb
  send(
    dev,
    { packet: -1, cause, netns: dev.ns.ref, device: -1 },
    { op: ARP_OP.REPLY, ethDst: pkt.arpSha, spa: pkt.arpTpa, tha: pkt.arpSha, tpa: pkt.arpSpa, parent: skb.packet },
  )
}

/** neigh_event_ns(): whoever asks us has told us its own address. */
function learnSender(skb: SkBuff, dev: NetDevice): void {
  const { pkt } = skb
  const n = dev.neighbours.get(pkt.arpSpa) ?? dev.neighbours.create(pkt.arpSpa)
  neighUpdate(n, skb, { mac: pkt.arpSha as Mac, state: 'STALE', override: true })
  flushQueueIfValid(n, skb.cause)
}

/** __neigh_update(). */
function neighUpdate(n: Neighbour, at: SkBuff, news: { mac: Mac; state: NudState; override: boolean }): void {
  const old = n.record
  if (old.state === 'PERMANENT' || old.state === 'NOARP') return
  const valid = old.mac !== undefined
  if (valid && news.mac !== old.mac && !news.override) return
  // What is known already is not made less certain by hearing the same address again.
  const state = valid && news.mac === old.mac && news.state === 'STALE' ? old.state : news.state
  if (state === 'REACHABLE') noteConfirmed(n)
  if (state === old.state && news.mac === old.mac) return
  if (state !== 'DELAY' && state !== 'PROBE') cancelTimer(n)
  setState(n, at, {
    state,
    mac: news.mac,
    probes: 0,
    reason: at.pkt.arpOp === ARP_OP.REQUEST ? 'request-seen' : 'reply',
  })
}

function flushQueueIfValid(n: Neighbour, cause: number): void {
  if (n.record.mac !== undefined && n.record.state !== 'FAILED') flushQueue(n, cause)
}
