import { formatIpv4, ipv4, type Mac } from '../../net/address.ts'
import { STEP } from '../../trace/columns.ts'
import { NEIGH_REASONS, type NeighReason, NUD_STATES } from '../../trace/step.ts'
import type { StepAt } from '../../trace/trace.ts'
import { neighbourId } from '../../world/ids.ts'
import type { NeighbourRecord, NudState } from '../../world/records.ts'
import { CELL_FIELDS } from '../../world/world.ts'
import type { NetDevice } from '../device.ts'
import type { SkBuff } from '../skb.ts'
import type { Timer } from '../types.ts'

const CONFIRMED = CELL_FIELDS.indexOf('confirmed')
const UPDATED = CELL_FIELDS.indexOf('updated')
const USED = CELL_FIELDS.indexOf('used')
const STATE = new Map<NudState, number>(NUD_STATES.map((s, i) => [s, i]))
const REASON = new Map<NeighReason, number>(NEIGH_REASONS.map((r, i) => [r, i]))

export const stateCode = (s: NudState): number => STATE.get(s) ?? 0

/** struct neighbour: the record, and what only the running kernel needs. */
export interface Neighbour {
  record: NeighbourRecord
  readonly ref: number
  readonly dev: NetDevice
  confirmed: number
  used: number
  updated: number
  /** False until its first state, with which it appears in the world. */
  known: boolean
  timer: Timer | undefined
  /** hh.hh_len is set: the host itself has sent through the entry, so its link-layer header is kept (neigh_hh_init). */
  headerCached: boolean
  /** arp_queue. */
  readonly queue: SkBuff[]
}

/** One device's share of the ARP table (net/core/neighbour.c). */
export class NeighbourTable {
  readonly #dev: NetDevice
  readonly #entries = new Map<number, Neighbour>()

  constructor(dev: NetDevice) {
    this.#dev = dev
  }

  load(record: NeighbourRecord): void {
    const { rec, now } = this.#dev.ns.kernel
    this.#entries.set(record.address, {
      record,
      ref: rec.ref(record.id),
      dev: this.#dev,
      confirmed: now,
      used: now,
      updated: now,
      known: true,
      timer: undefined,
      headerCached: false,
      queue: [],
    })
  }

  get(address: number): Neighbour | undefined {
    return this.#entries.get(address)
  }

  /** neigh_carrier_down(): all but the permanent entries go, and what waits for them. Part of the step last written. */
  carrierDown(): readonly SkBuff[] {
    const { rec } = this.#dev.ns.kernel
    const waiting: SkBuff[] = []
    for (const [address, n] of this.#entries) {
      if (n.record.state === 'PERMANENT') continue
      n.timer?.cancel()
      waiting.push(...n.queue.splice(0))
      this.#entries.delete(address)
      if (n.known) rec.change({ id: n.record.id, from: n.record, to: undefined })
    }
    return waiting
  }

  /** __neigh_create(): an entry in state NONE; the caller gives it its first state at once. */
  create(address: number): Neighbour {
    const dev = this.#dev
    const { rec, now } = dev.ns.kernel
    const record: NeighbourRecord = {
      kind: 'neighbour',
      id: neighbourId(dev.ns.name, dev.name, formatIpv4(address)),
      netns: dev.record.netns,
      device: dev.record.id,
      address: ipv4(address),
      state: 'NONE',
      probes: 0,
      queued: 0,
      origin: { component: 'kernel' },
    }
    const ref = rec.ref(record.id)
    const n: Neighbour = {
      record,
      ref,
      dev,
      confirmed: now,
      used: now,
      updated: now,
      known: false,
      timer: undefined,
      headerCached: false,
      queue: [],
    }
    this.#entries.set(address, n)
    return n
  }
}

/** Changes an entry and writes the row and the delta for it. `mac` undefined keeps the address. */
export function setState(
  n: Neighbour,
  at: StepAt,
  change: { state: NudState; reason: NeighReason; mac?: Mac | undefined; probes?: number; forget?: boolean },
): void {
  const { rec, now } = n.dev.ns.kernel
  const from = n.record
  const { mac: known, ...rest } = from
  const mac = change.forget ? undefined : (change.mac ?? known)
  const to: NeighbourRecord = {
    ...rest,
    ...(mac === undefined ? {} : { mac }),
    state: change.state,
    probes: change.probes ?? from.probes,
    queued: n.queue.length,
  }
  rec.step(STEP.neighState, at, n.ref, stateCode(from.state), stateCode(to.state), REASON.get(change.reason) ?? 0)
  rec.change({ id: from.id, from: n.known ? from : undefined, to })
  n.known = true
  n.record = to
  n.updated = now
  rec.cell(n.ref, UPDATED, now)
}

/** The queue's length as part of the step last written. */
export function noteQueued(n: Neighbour): void {
  const from = n.record
  if (from.queued === n.queue.length) return
  const to = { ...from, queued: n.queue.length }
  n.dev.ns.kernel.rec.change({ id: from.id, from, to })
  n.record = to
}

export function noteConfirmed(n: Neighbour): void {
  const { rec, now } = n.dev.ns.kernel
  n.confirmed = now
  rec.cell(n.ref, CONFIRMED, now)
}

export function noteUsed(n: Neighbour): void {
  const { rec, now } = n.dev.ns.kernel
  if (n.used === now) return
  n.used = now
  rec.cell(n.ref, USED, now)
}
