import type { Ipv4 } from '../../net/address.ts'
import { type ProcessId, type SocketId, socketId } from '../../world/ids.ts'
import type { SocketRecord } from '../../world/records.ts'
import type { Device, SocketLike } from '../types.ts'
import type { SocketHost } from './host.ts'

/** The process that holds a socket. */
export interface Owner {
  readonly id: ProcessId
  /** recorder ref of the id */
  readonly ref: number
}

export interface Endpoint {
  readonly address: Ipv4
  readonly port: number
}

/** What `ss` shows of a socket at a moment. */
export type SocketLook = Pick<SocketRecord, 'local' | 'remote' | 'state' | 'receiveQueue' | 'sendQueue'>

/** struct sock: what all kinds share. The world's record follows `look()`, which is undefined while nothing is to be seen. */
export abstract class Socket implements SocketLike {
  readonly host: SocketHost
  readonly id: SocketId
  readonly ref: number
  readonly protocol: SocketRecord['protocol']
  owner: Owner | undefined
  /** SO_BINDTODEVICE */
  device: Device | undefined
  /** Called, once per instant, after anything that poll(2) would report. `cause` is the seq that led to it. */
  onWake: ((cause: number) => void) | undefined
  #record: SocketRecord | undefined
  #wakeCause = -1
  #waking = false

  constructor(host: SocketHost, protocol: SocketRecord['protocol'], record?: SocketRecord) {
    this.host = host
    this.protocol = protocol
    this.#record = record
    this.id = record?.id ?? freshId(host)
    this.ref = host.rec.ref(this.id)
  }

  protected abstract look(): SocketLook | undefined

  /** Writes the record's delta into the step last written, when what `ss` would show has changed. */
  sync(): void {
    const look = this.look()
    const from = this.#record
    if (look === undefined) {
      if (from === undefined) return
      this.#record = undefined
      this.host.rec.change({ id: this.id, from, to: undefined })
      return
    }
    if (from !== undefined && sameLook(from, look) && from.process === this.owner?.id) return
    const { remote, ...rest } = look
    const to: SocketRecord = {
      kind: 'socket',
      id: this.id,
      netns: this.host.ns.record.id,
      protocol: this.protocol,
      ...rest,
      ...(remote === undefined ? {} : { remote }),
      ...(this.owner === undefined ? {} : { process: this.owner.id }),
      origin: from?.origin ?? { component: 'kernel' },
    }
    this.#record = to
    this.host.rec.change({ id: this.id, from, to })
  }

  /** The process runs after the packet's own work, at the same instant, as a woken task does. */
  wake(cause: number): void {
    this.#wakeCause = cause
    if (this.#waking || this.onWake === undefined) return
    this.#waking = true
    this.host.ns.kernel.schedule(
      0,
      () => {
        this.#waking = false
        this.onWake?.(this.#wakeCause)
      },
      'task',
    )
  }
}

const sameEnd = (a: Endpoint | undefined, b: Endpoint | undefined): boolean => a?.address === b?.address && a?.port === b?.port

const sameLook = (a: SocketLook, b: SocketLook): boolean =>
  a.state === b.state &&
  a.receiveQueue === b.receiveQueue &&
  a.sendQueue === b.sendQueue &&
  sameEnd(a.local, b.local) &&
  sameEnd(a.remote, b.remote)

/** Records of the initial world have numbers already. */
function freshId(host: SocketHost): SocketId {
  for (;;) {
    const id = socketId(host.ns.name, host.ns.nextId('sock'))
    if (!host.rec.world.has(id)) return id
  }
}
