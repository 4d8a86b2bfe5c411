import type { Prng } from '../../base/prng.ts'
import { IPPROTO } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { HOOK, NAT_BINDINGS } from '../../trace/step.ts'
import type { Conntrack } from '../conntrack/conntrack.ts'
import { type ConntrackEntry, CT, directionOf, IPS } from '../conntrack/entry.ts'
import { TCP_STATE } from '../conntrack/tcp-states.ts'
import { before } from '../conntrack/tcp-window.ts'
import { FlowTuple, invertTuple } from '../conntrack/tuple.ts'
import { type Namespace, NF_ACCEPT, NF_DROP, type Skb } from '../types.ts'
import type { HookState } from './hook-state.ts'
import { translateError } from './nat-error.ts'
import { mangle } from './nat-packet.ts'
import {
  anyRandom,
  chooseAddress,
  hasPorts,
  MANIP_DST,
  MANIP_SRC,
  nullRange,
  portInRange,
  type Range,
  sourceInRange,
} from './nat-range.ts'

const BINDING = {
  rule: NAT_BINDINGS.indexOf('rule'),
  null: NAT_BINDINGS.indexOf('null'),
  existing: NAT_BINDINGS.indexOf('existing'),
  error: NAT_BINDINGS.indexOf('icmp-error'),
} as const

/** HOOK2MANIP: the destination changes where packets come in, the source where they leave. */
const manipOf = (hook: number): number => (hook === HOOK.POSTROUTING || hook === HOOK.INPUT ? MANIP_SRC : MANIP_DST)

/** NF_NAT_MAX_ATTEMPTS and NF_NAT_HARDER_THRESH */
const MAX_ATTEMPTS = 128
const HARDER_THRESHOLD = MAX_ATTEMPTS / 4

/** nf_nat_core.c for one namespace: bindings are made on a flow's first packet and applied by tuple to every one after. */
export class Nat {
  readonly #ns: Namespace
  readonly #conntrack: Conntrack
  readonly #rng: Prng
  readonly #current = new FlowTuple()
  readonly #wanted = new FlowTuple()
  readonly #reply = new FlowTuple()

  readonly #drop: (skb: Skb, decidedBy: number) => void

  /** `drop` ends a packet that the NAT core itself refuses, naming the entry. */
  constructor(ns: Namespace, conntrack: Conntrack, drop: (skb: Skb, decidedBy: number) => void) {
    this.#drop = drop
    this.#ns = ns
    this.#conntrack = conntrack
    this.#rng = ns.kernel.rng
  }

  /**
   * nf_nat_ipv4_fn() and nf_nat_inet_fn(): `consult` walks the nat table's chain, and is called only for a flow that has no
   * binding of this kind yet. At NF_DROP the packet's end is written.
   */
  hook(skb: Skb, at: HookState, consult: ((skb: Skb, at: HookState) => number) | undefined): number {
    const entry = skb.ct
    if (entry === undefined) return NF_ACCEPT
    const related = skb.ctInfo === CT.RELATED || skb.ctInfo === CT.RELATED_REPLY
    if (related && skb.pkt.protocol === IPPROTO.ICMP) return this.#error(at.hook, skb, entry)
    const manip = manipOf(at.hook)
    let bound = false
    if ((related || skb.ctInfo === CT.NEW) && !initialized(entry, manip)) {
      if (consult !== undefined) {
        const verdict = consult(skb, at)
        if (verdict !== NF_ACCEPT) return verdict
      }
      if (!initialized(entry, manip)) {
        const address = manip === MANIP_SRC ? entry.reply.dst : entry.reply.src
        this.#setup(skb, entry, { range: nullRange(address), manip, binding: BINDING.null })
      }
      bound = true
    } else if (this.#deviceChanged(skb, at, entry)) {
      // The address that MASQUERADE chose belongs to another device now: the flow has to start again.
      this.#conntrack.destroy(entry, skb)
      this.#drop(skb, entry.ref)
      return NF_DROP
    }
    return this.#apply(skb, entry, manip, bound)
  }

  /** nf_nat_initialized(): the packet's flow has a binding of the kind that this hook makes. */
  isBound(skb: Skb, hook: number): boolean {
    return skb.ct !== undefined && initialized(skb.ct, manipOf(hook))
  }

  /** nf_nat_setup_info() for a rule's target. */
  bind(skb: Skb, entry: ConntrackEntry, range: Range, manip: number): number {
    return this.#setup(skb, entry, { range, manip, binding: BINDING.rule })
  }

  #setup(skb: Skb, entry: ConntrackEntry, b: { range: Range; manip: number; binding: number }): number {
    if (entry.confirmed) return NF_ACCEPT
    if (initialized(entry, b.manip)) return NF_DROP
    // The reply's inverse is the tuple as bindings before this one left it.
    invertTuple(entry.reply, this.#current)
    this.#uniqueTuple(skb, entry, b.range, b.manip)
    const changed = !this.#wanted.equals(this.#current)
    if (changed) {
      invertTuple(this.#wanted, entry.reply)
      entry.status |= b.manip === MANIP_SRC ? IPS.SRC_NAT : IPS.DST_NAT
    }
    if (b.manip === MANIP_SRC) this.#conntrack.table.addBySource(entry)
    entry.status |= b.manip === MANIP_SRC ? IPS.SRC_NAT_DONE : IPS.DST_NAT_DONE
    this.#ns.kernel.rec.step(STEP.nat, skb, entry.ref, b.manip, b.binding)
    if (changed) this.#conntrack.writeRecord(entry)
    return NF_ACCEPT
  }

  /** nf_nat_packet(). `bound` when this hook has just made the binding, and said so. */
  #apply(skb: Skb, entry: ConntrackEntry, manip: number, bound: boolean): number {
    const direction = directionOf(skb.ctInfo)
    if ((entry.status & statusBit(manip, direction)) === 0) return NF_ACCEPT
    const { rec } = this.#ns.kernel
    if (!bound) rec.step(STEP.nat, skb, entry.ref, manip, BINDING.existing)
    invertTuple(entry.tuple(1 - direction), this.#wanted)
    mangle(rec, skb, this.#wanted, manip)
    return NF_ACCEPT
  }

  /** nf_nat_icmp_reply_translation() */
  #error(hook: number, skb: Skb, entry: ConntrackEntry): number {
    const manip = manipOf(hook)
    const direction = directionOf(skb.ctInfo)
    const answer = translateError(this.#ns.kernel.rec, skb, entry, {
      manip,
      direction,
      translates: (entry.status & statusBit(manip, direction)) !== 0,
      announce: () => this.#ns.kernel.rec.step(STEP.nat, skb, entry.ref, manip, BINDING.error),
    })
    if (answer) return NF_ACCEPT
    this.#drop(skb, entry.ref)
    return NF_DROP
  }

  /** nf_nat_oif_changed() */
  #deviceChanged(skb: Skb, { hook, outDev }: HookState, entry: ConntrackEntry): boolean {
    const chosen = entry.masqueradeIfindex
    if (chosen === 0 || hook !== HOOK.POSTROUTING || outDev === undefined || directionOf(skb.ctInfo) !== 0) return false
    return chosen !== outDev.ifindex
  }

  /** get_unique_tuple(): from #current and the range to #wanted, so that its reply collides with no other flow. */
  #uniqueTuple(skb: Skb, entry: ConntrackEntry, range: Range, manip: number): void {
    const wanted = this.#wanted
    if (manip === MANIP_SRC && !anyRandom(range)) {
      if (sourceInRange(this.#current, range)) {
        wanted.copy(this.#current)
        if (!this.#used(skb, entry)) return
      } else if (this.#sameSource(range) && !this.#used(skb, entry)) return
    }
    wanted.copy(this.#current)
    chooseAddress(wanted, manip, range)
    if (!anyRandom(range)) {
      if (range.ports) {
        const single = range.minPort === range.maxPort
        if (portInRange(wanted, manip, range) && (single || !this.#used(skb, entry))) return
      } else if (!this.#used(skb, entry)) return
    }
    this.#uniquePort(skb, entry, range, manip)
  }

  /** find_appropriate_src(): another flow from the same source has a mapping that fits the range: use it again. */
  #sameSource(range: Range): boolean {
    const { src, sport, dst, dport, protocol } = this.#current
    for (let e = this.#conntrack.table.bySource(src, sport, protocol); e !== undefined; e = e.nextBySource) {
      const o = e.original
      if (o.src !== src || o.sport !== sport || o.protocol !== protocol) continue
      invertTuple(e.reply, this.#wanted)
      this.#wanted.dst = dst
      this.#wanted.dport = dport
      if (sourceInRange(this.#wanted, range)) return true
    }
    return false
  }

  /** nf_nat_l4proto_unique_tuple(): looks for a free port (for ICMP: id) in the range, or in the class of the original. */
  #uniquePort(skb: Skb, entry: ConntrackEntry, range: Range, manip: number): void {
    const t = this.#wanted
    const icmp = t.protocol === IPPROTO.ICMP
    if (!icmp && !hasPorts(t.protocol)) return
    const source = icmp || manip === MANIP_SRC
    let min = range.minPort
    let size = range.maxPort - range.minPort + 1
    if (!range.ports) {
      if (icmp) {
        min = 0
        size = 65536
      } else {
        // A destination port is never changed without being asked to.
        if (manip === MANIP_DST) return
        // Privileged ports stay privileged; below 512 is for credential passing.
        const low = t.sport < 512
        min = low ? 1 : t.sport < 1024 ? 600 : 1024
        size = (low ? 511 : t.sport < 1024 ? 1023 : 65535) - min + 1
      }
    }
    let offset = anyRandom(range) || manip !== MANIP_DST ? this.#random16() : 0
    for (let attempts = Math.min(size, MAX_ATTEMPTS); ; attempts >>>= 1, offset = this.#random16()) {
      for (let i = 0; i < attempts; i++, offset++) {
        const port = min + (offset % size)
        if (source) t.sport = port
        else t.dport = port
        if (!this.#usedHarder(skb, entry, attempts - i)) return
      }
      // Out of luck: the last one tried is used, and the clash shows when the entry is confirmed.
      if (attempts >= size || attempts < 16) return
    }
  }

  /** nf_nat_used_tuple() of #wanted */
  #used(skb: Skb, entry: ConntrackEntry): boolean {
    invertTuple(this.#wanted, this.#reply)
    return this.#conntrack.taken(this.#reply, entry, skb)
  }

  /** nf_nat_used_tuple_harder(): in its last attempts a new TCP flow may take the port of one in TIME_WAIT. */
  #usedHarder(skb: Skb, entry: ConntrackEntry, attemptsLeft: number): boolean {
    const fresh = entry.tcp?.state === TCP_STATE.SYN_SENT
    if (attemptsLeft > HARDER_THRESHOLD || !fresh) return this.#used(skb, entry)
    invertTuple(this.#wanted, this.#reply)
    const node = this.#conntrack.find(this.#reply, skb)
    if (node === undefined) return false
    const old = node.entry
    if (node.direction === 0 || old === entry || old.tcp?.state !== TCP_STATE.TIME_WAIT) return true
    // nf_seq_has_advanced()
    if (!before(old.tcp.seen[0].end, entry.tcp.seen[0].end)) return true
    this.#conntrack.destroy(old, skb)
    return false
  }

  #random16(): number {
    return this.#rng.next() >>> 16
  }
}

/** nf_nat_initialized() */
const initialized = (entry: ConntrackEntry, manip: number): boolean =>
  (entry.status & (manip === MANIP_SRC ? IPS.SRC_NAT_DONE : IPS.DST_NAT_DONE)) !== 0

/** A reply undoes on its way in what the original had done on its way out. */
const statusBit = (manip: number, direction: number): number =>
  (manip === MANIP_SRC) === (direction === 0) ? IPS.SRC_NAT : IPS.DST_NAT
