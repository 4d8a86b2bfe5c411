import type { RealServer } from '../service.ts'

/** What schedulers look at. Addresses and ports as unsigned integers. */
export interface ScheduledPacket {
  readonly src: number
  readonly dst: number
  readonly sport: number
}

/** struct ip_vs_scheduler, with one service's sched_data. */
export interface Scheduler {
  /** The real server for a new connection, undefined when there is none to take; `figure` then says what it went by. */
  schedule(packet: ScheduledPacket): RealServer | undefined
  /** See the step `ipvs.schedule`. */
  readonly figure: number
  /** add_dest, upd_dest: a real server was added (at the head), or has another weight. */
  changed(): void
  /** del_dest: the one at this place of the list is gone. */
  removed(at: number): void
}

/** A service as its scheduler sees it. */
export interface Scheduled {
  readonly destinations: readonly RealServer[]
}

/** Schedulers that remember nothing: every choice is made from the counts of the moment. */
export abstract class Stateless implements Scheduler {
  figure = 0
  protected readonly service: Scheduled

  constructor(service: Scheduled) {
    this.service = service
  }

  abstract schedule(packet: ScheduledPacket): RealServer | undefined
  changed(): void {}
  removed(): void {}
}
