import { macHi, macLo } from '../../net/address.ts'
import { FIELD, type Packet, skbLength } from '../../net/packet.ts'
import { deviceId, netnsId, type RecordId } from '../../world/ids.ts'
import type { NeighbourRecord, NudState, WorldRecord } from '../../world/records.ts'
import { STEP } from '../columns.ts'
import { TraceRecorder } from '../recorder.ts'
import {
  DROP_REASONS,
  type DropReason,
  NEIGH_REASONS,
  type NeighReason,
  NUD_STATES,
  PACKET_ORIGINS,
  type PacketOrigin,
} from '../step.ts'
import type { StepAt } from '../trace.ts'

/** Records by hand, in the engine's own conventions. Every method writes one row and returns its seq. */
export class Tape {
  readonly rec: TraceRecorder
  /** Where the next rows happen; a test moves it. */
  at: StepAt = { packet: -1, cause: -1, netns: -1, device: -1 }

  constructor(world: ReadonlyMap<RecordId, WorldRecord>) {
    this.rec = new TraceRecorder(world)
  }

  step(kind: number, a = 0, b = 0, c = 0, d = 0): number {
    return this.rec.step(kind, this.at, a, b, c, d)
  }
  /** Steps without a packet, in a namespace. */
  outside(netns: string, cause = -1): this {
    this.at = { packet: -1, cause, netns: this.rec.ref(netnsId(netns)), device: -1 }
    return this
  }
  born(netns: string, p: Packet, how: PacketOrigin, cause: number, parent = -1, process = -1): number {
    this.at = { packet: this.rec.packet(p), cause, netns: this.rec.ref(netnsId(netns)), device: -1 }
    return this.step(STEP.born, PACKET_ORIGINS.indexOf(how), parent, process)
  }
  enterDevice(netns: string, device: string, direction: 'in' | 'out', p: Packet): number {
    this.at.netns = this.rec.ref(netnsId(netns))
    this.at.device = this.rec.ref(deviceId(netns, device))
    return this.step(STEP.enter, 0, direction === 'in' ? 0 : 1, skbLength(p))
  }
  enterStack(netns: string, direction: 'in' | 'out', p: Packet): number {
    this.at.netns = this.rec.ref(netnsId(netns))
    return this.step(STEP.enter, 1, direction === 'in' ? 0 : 1, skbLength(p))
  }
  depart(to: RecordId): number {
    return this.step(STEP.depart, this.rec.ref(to))
  }
  drop(reason: DropReason, decidedBy?: RecordId): number {
    return this.step(STEP.drop, DROP_REASONS.indexOf(reason), decidedBy === undefined ? -1 : this.rec.ref(decidedBy))
  }
  rewrite(field: number, from: number, to: number): number {
    const wide = field === FIELD.ETH_SRC || field === FIELD.ETH_DST
    return wide
      ? this.step(STEP.rewrite, field, macLo(from) | 0, macLo(to) | 0, (macHi(from) << 16) | macHi(to))
      : this.step(STEP.rewrite, field, from | 0, to | 0)
  }
  route(route: RecordId, address: number, result: number, purpose: number): number {
    return this.step(STEP.route, (purpose << 8) | result, this.rec.ref(route), address | 0, -1)
  }
  neighbour(record: NeighbourRecord, state: NudState, reason: NeighReason, more: Partial<NeighbourRecord> = {}): NeighbourRecord {
    const before = this.rec.world.get(record.id)
    const from = before?.kind === 'neighbour' ? before.state : 'NONE'
    this.step(
      STEP.neighState,
      this.rec.ref(record.id),
      NUD_STATES.indexOf(from),
      NUD_STATES.indexOf(state),
      NEIGH_REASONS.indexOf(reason),
    )
    const to = { ...record, ...more, state }
    this.rec.change({ id: record.id, from: before, to })
    return to
  }
}
