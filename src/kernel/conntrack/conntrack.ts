import { IPPROTO, type Packet } from '../../net/packet.ts'
import { isQuoting } from '../../net/quoted.ts'
import { STEP } from '../../trace/columns.ts'
import { CT_CHANGES } from '../../trace/step.ts'
import type { StepAt } from '../../trace/trace.ts'
import { conntrackId } from '../../world/ids.ts'
import { CELL_FIELDS } from '../../world/world.ts'
import { type Namespace, NF_ACCEPT, NF_DROP, type Skb } from '../types.ts'
import { trackGeneric, trackIcmp, trackUdp } from './datagram.ts'
import { ConntrackEntry, CT, directionOf, IPS, IPS_NAT_DONE_MASK, IS_REPLY, type TupleHash } from './entry.ts'
import { conntrackRecord } from './record.ts'
import { linuxRelease, MATCHING_CLASH, REPLY_ONLY_CLASH, SAME_ORIGIN } from './release.ts'
import { type ConntrackSettings, conntrackSettings } from './sysctls.ts'
import { ConntrackTable } from './table.ts'
import { trackTcp } from './tcp.ts'
import { TCP_CT_STATES, TCP_STATE } from './tcp-states.ts'
import { TcpTrack } from './tcp-track.ts'
import { TRACK, type Tracked } from './track.ts'
import { FlowTuple, invertTuple, tupleOfPacket, tupleOfQuoted } from './tuple.ts'

const EXPIRES = CELL_FIELDS.indexOf('expires')
const CHANGE = {
  new: CT_CHANGES.indexOf('new'),
  update: CT_CHANGES.indexOf('update'),
  confirm: CT_CHANGES.indexOf('confirm'),
  destroy: CT_CHANGES.indexOf('destroy'),
  clash: CT_CHANGES.indexOf('clash'),
} as const
/** -NF_REPEAT */
const REPEAT = -1
/** Protocols whose racing first packets may share one entry (nf_conntrack_l4proto.allow_clash). */
const allowsClash = (protocol: number): boolean => protocol === IPPROTO.UDP
/** 1 s: what the loser of a resolved clash lives (nf_ct_resolve_clash_harder). */
const CLASH_TIMEOUT = 1e9

/** nf_conntrack_core.c for one namespace. Zone 0 only; no helpers, expectations, templates or events. */
export class Conntrack {
  readonly table = new ConntrackTable()
  readonly settings: ConntrackSettings
  readonly #ns: Namespace
  readonly #release: number
  readonly #tuple = new FlowTuple()
  readonly #inverse = new FlowTuple()
  readonly #texts: number[] = []

  constructor(ns: Namespace) {
    this.#ns = ns
    this.settings = conntrackSettings(ns)
    this.#release = linuxRelease(ns)
  }

  /**
   * nf_conntrack_in(), at PREROUTING and OUTPUT: attaches the packet to its entry, making one when it starts a flow, and
   * sets skb.ctInfo. A packet that fits no connection goes on as INVALID; one that needs an entry when there is no room for
   * it gets NF_DROP. Writes ct.lookup and what changed.
   */
  track(skb: Skb): number {
    // A looped-back packet keeps what OUTPUT found; NOTRACK wants none.
    if (skb.ct !== undefined || skb.ctInfo === CT.UNTRACKED) return NF_ACCEPT
    const attached = skb.ctInfo === CT.RELATED
    skb.ctInfo = CT.INVALID
    const answer = this.#find(skb)
    // What attach() left in _nfct stays there when nothing better is found.
    if (attached && skb.ct === undefined) skb.ctInfo = CT.RELATED
    return answer
  }

  #find(skb: Skb): number {
    if (isQuoting(skb.pkt)) {
      this.#relateError(skb)
      return NF_ACCEPT
    }
    // -NF_REPEAT happens once: the entry that caused it is gone the second time.
    let answer = this.#resolve(skb)
    if (answer === REPEAT) answer = this.#resolve(skb)
    return answer === NF_DROP ? NF_DROP : NF_ACCEPT
  }

  /** nf_conntrack_confirm(), last at INPUT and POSTROUTING: the packet got through, so the entry is hashed and starts to age. */
  confirm(skb: Skb): number {
    const entry = skb.ct
    // Replies and errors ride on an entry that is, or will be, confirmed by its own first packet.
    if (entry === undefined || entry.confirmed || directionOf(skb.ctInfo) !== 0) return NF_ACCEPT
    if ((entry.status & IPS.DYING) !== 0) return NF_DROP
    const clash = this.find(entry.original, skb) ?? this.find(entry.reply, skb)
    if (clash !== undefined) return this.#resolveClash(skb, entry, clash.entry)
    this.#insert(skb, entry, false)
    return NF_ACCEPT
  }

  /** nf_conntrack_find_get(): an entry whose time is over is removed on the way. */
  find(t: FlowTuple, at: StepAt): TupleHash | undefined {
    const node = this.table.find(t)
    if (node === undefined) return undefined
    if (node.entry.timeout > this.#ns.kernel.now) return node
    this.destroy(node.entry, at)
    return this.table.find(t)
  }

  /**
   * nf_conntrack_tuple_taken(): would this reply tuple make `entry` collide with another? One with the same original tuple
   * does not count, since Linux 5.0: both are of one flow, and the clash is resolved when they are confirmed.
   */
  taken(reply: FlowTuple, entry: ConntrackEntry, at: StepAt): boolean {
    const node = this.find(reply, at)
    if (node === undefined || node.entry === entry) return false
    return this.#release < SAME_ORIGIN || !node.entry.original.equals(entry.original)
  }

  /**
   * nf_ct_attach(): an error or reset that answers `offending` belongs to its connection, in the other direction. One about an
   * untracked packet is RELATED to no connection: NOTRACK finds something there already and leaves it, and so it is tracked.
   */
  attach(skb: Skb, offending: Skb): void {
    if (offending.ct === undefined) {
      if (offending.ctInfo === CT.UNTRACKED) skb.ctInfo = CT.RELATED
      return
    }
    skb.ct = offending.ct
    skb.ctInfo = directionOf(offending.ctInfo) === 0 ? CT.RELATED_REPLY : CT.RELATED
  }

  /** nf_conntrack_tcp_set_closing(): nf_send_reset ends the connection that it resets, if anybody has confirmed it yet. */
  setClosing(skb: Skb): void {
    const { ct } = skb
    if (ct?.tcp === undefined || !ct.confirmed || ct.tcp.state === TCP_STATE.CLOSE) return
    const { kernel } = this.#ns
    ct.tcp.state = TCP_STATE.CLOSE
    ct.timeout = kernel.now + (this.settings.tcp[TCP_STATE.CLOSE] as number)
    if (ct.record === undefined) return
    this.changed(ct, skb)
    kernel.rec.cell(ct.ref, EXPIRES, ct.timeout)
  }

  /** nf_conntrack_put() by a packet that ends here: an entry that was never confirmed goes with its first packet. */
  release(skb: Skb): void {
    const entry = skb.ct
    if (entry?.record === undefined || entry.confirmed || directionOf(skb.ctInfo) !== 0) return
    this.table.removeBySource(entry)
    this.#step(skb, entry, CHANGE.destroy)
    this.#ns.kernel.rec.change({ id: entry.id, from: entry.record, to: undefined })
    entry.record = undefined
    // Not dying: a clone of the packet (flooding) may still carry it, and confirms it if it gets through.
    entry.released = true
  }

  /** nf_ct_kill(), and expiry. Writes ct.change destroy. */
  destroy(entry: ConntrackEntry, at: StepAt): void {
    entry.status |= IPS.DYING
    this.table.remove(entry)
    const record = entry.record
    if (record === undefined) return
    this.#step(at, entry, CHANGE.destroy)
    this.#ns.kernel.rec.change({ id: entry.id, from: record, to: undefined })
    entry.record = undefined
  }

  /** Writes ct.change update with the record as the entry now stands. */
  changed(entry: ConntrackEntry, at: StepAt): void {
    if (entry.record === undefined) return
    this.#step(at, entry, CHANGE.update)
    this.writeRecord(entry)
  }

  /** Brings the world's record up to date as part of the step last written. */
  writeRecord(entry: ConntrackEntry): void {
    // Destroyed while a packet still carries it: nothing to show any more.
    if (entry.released || (entry.status & IPS.DYING) !== 0) return
    const to = conntrackRecord(entry, this.#ns.record.id)
    this.#ns.kernel.rec.change({ id: entry.id, from: entry.record, to })
    entry.record = to
  }

  /** resolve_normal_ct() and the protocol's tracker. NF_ACCEPT, NF_DROP, or REPEAT: look up again. */
  #resolve(skb: Skb): number {
    const { kernel } = this.#ns
    const p = skb.pkt
    const node = tupleOfPacket(p, this.#tuple) ? this.find(this.#tuple, skb) : undefined
    if (node === undefined) return this.#start(skb)
    const entry = node.entry
    const info = node.direction === 1 ? CT.ESTABLISHED_REPLY : (entry.status & IPS.SEEN_REPLY) !== 0 ? CT.ESTABLISHED : CT.NEW
    const stateBefore = entry.tcp === undefined ? 0 : entry.tcp.state
    const statusBefore = entry.status
    const timeoutBefore = entry.timeout
    const tracked = this.#packet(entry, p, node.direction)
    if (tracked === TRACK.REPEAT) {
      this.destroy(entry, skb)
      return REPEAT
    }
    const valid = tracked !== TRACK.INVALID
    kernel.rec.step(STEP.ctLookup, skb, entry.ref, valid ? info : CT.INVALID)
    if (entry.timeout !== timeoutBefore && entry.confirmed) kernel.rec.cell(entry.ref, EXPIRES, entry.timeout)
    if (!valid) return NF_ACCEPT
    skb.ct = entry
    skb.ctInfo = info
    if (tracked === TRACK.KILL) this.destroy(entry, skb)
    if (info === CT.ESTABLISHED_REPLY) entry.status |= IPS.SEEN_REPLY
    const stateNow = entry.tcp === undefined ? 0 : entry.tcp.state
    if (stateNow !== stateBefore || entry.status !== statusBefore) this.changed(entry, skb)
    return NF_ACCEPT
  }

  /** init_conntrack(): a packet without an entry. What cannot start a flow leaves nothing behind. */
  #start(skb: Skb): number {
    const { kernel } = this.#ns
    const p = skb.pkt
    const known = tupleOfPacket(p, this.#tuple) && invertTuple(this.#tuple, this.#inverse)
    const entry = known ? this.#allocate(p.protocol) : undefined
    if (entry === undefined || this.#packet(entry, p, 0) === TRACK.INVALID) {
      kernel.rec.step(STEP.ctLookup, skb, -1, CT.INVALID)
      return NF_ACCEPT
    }
    kernel.rec.step(STEP.ctLookup, skb, -1, CT.NEW)
    if (this.settings.max !== undefined && this.table.entries.size >= this.settings.max && !this.#earlyDrop(skb)) return NF_DROP
    const named = this.#name(entry)
    skb.ct = named
    skb.ctInfo = CT.NEW
    this.#step(skb, named, CHANGE.new)
    this.writeRecord(named)
    return NF_ACCEPT
  }

  /**
   * early_drop(): the table is full, and an entry that is not ASSURED makes room. Linux looks at a few buckets from a random
   * one on; here it is the oldest such entry, so a table that is full of others may still find one where Linux does not.
   */
  #earlyDrop(at: StepAt): boolean {
    for (const entry of this.table.entries) {
      if ((entry.status & IPS.ASSURED) !== 0) continue
      this.destroy(entry, at)
      return true
    }
    return false
  }

  #allocate(protocol: number): ConntrackEntry {
    const entry = new ConntrackEntry(protocol, protocol === IPPROTO.TCP ? new TcpTrack() : undefined)
    entry.original.copy(this.#tuple)
    entry.reply.copy(this.#inverse)
    return entry
  }

  #name(entry: ConntrackEntry): ConntrackEntry {
    const id = conntrackId(this.#ns.name, this.#ns.nextId('ct'))
    entry.name(id, this.#ns.kernel.rec.ref(id))
    return entry
  }

  /** nf_conntrack_handle_packet() */
  #packet(entry: ConntrackEntry, p: Packet, direction: number): Tracked {
    const now = this.#ns.kernel.now
    if (entry.protocol === IPPROTO.TCP) return trackTcp(entry, p, direction, now, this.settings)
    if (entry.protocol === IPPROTO.UDP) return trackUdp(entry, now, this.settings)
    if (entry.protocol === IPPROTO.ICMP) return trackIcmp(entry, now, this.settings)
    return trackGeneric(entry, now, this.settings)
  }

  /** nf_conntrack_inet_error(): an ICMP error is RELATED to the connection that it quotes, when it is sent to that one's end. */
  #relateError(skb: Skb): void {
    const rec = this.#ns.kernel.rec
    const quoted = tupleOfQuoted(skb.pkt.payload, this.#tuple) && invertTuple(this.#tuple, this.#inverse)
    const node = quoted ? this.find(this.#inverse, skb) : undefined
    if (node === undefined || node.dst !== skb.pkt.dst) {
      rec.step(STEP.ctLookup, skb, node === undefined ? -1 : node.entry.ref, CT.INVALID)
      return
    }
    skb.ct = node.entry
    skb.ctInfo = CT.RELATED + (node.direction === 1 ? IS_REPLY : 0)
    rec.step(STEP.ctLookup, skb, node.entry.ref, skb.ctInfo)
  }

  #insert(skb: Skb, entry: ConntrackEntry, replyOnly: boolean): void {
    const { kernel } = this.#ns
    // The timeout counts from now, not from when the packet came in.
    entry.timeout += kernel.now
    entry.status |= IPS.CONFIRMED
    entry.released = false
    this.table.insert(entry, replyOnly)
    this.#step(skb, entry, CHANGE.confirm)
    this.writeRecord(entry)
    kernel.rec.cell(entry.ref, EXPIRES, entry.timeout)
  }

  /** nf_ct_resolve_clash(): another first packet of the same flow was confirmed in between. */
  #resolveClash(skb: Skb, loser: ConntrackEntry, winner: ConntrackEntry): number {
    this.#step(skb, loser, CHANGE.clash)
    if (!allowsClash(loser.protocol) || (winner.status & IPS.DYING) !== 0) return NF_DROP
    const same = winner.original.equals(loser.original) && winner.reply.equals(loser.reply)
    if ((same && this.#release >= MATCHING_CLASH) || (winner.status & IPS_NAT_DONE_MASK) === 0) {
      this.destroy(loser, skb)
      skb.ct = winner
      return NF_ACCEPT
    }
    if (this.#release < REPLY_ONLY_CLASH) return NF_DROP
    // Only the reply direction is free: enough for the answers to find their way.
    if (this.find(loser.reply, skb) !== undefined) return NF_DROP
    loser.status |= IPS.NAT_CLASH
    loser.timeout = CLASH_TIMEOUT
    this.#insert(skb, loser, true)
    return NF_ACCEPT
  }

  #step(at: StepAt, entry: ConntrackEntry, change: number): void {
    this.#ns.kernel.rec.step(STEP.ctChange, at, entry.ref, change, this.#stateText(entry))
  }

  #stateText(entry: ConntrackEntry): number {
    if (entry.tcp === undefined) return -1
    const state = entry.tcp.state
    let text = this.#texts[state]
    if (text === undefined) this.#texts[state] = text = this.#ns.kernel.rec.text(TCP_CT_STATES[state] ?? 'NONE')
    return text
  }
}
