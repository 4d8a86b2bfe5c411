import type { SocketsApi } from '../../kernel/sockets/index.ts'
import type { Namespace } from '../../kernel/types.ts'
import { IPV4_ANY } from '../../net/address.ts'
import type { PortalChange } from '../../world/changes.ts'
import { type ProcessId, processId, socketId } from '../../world/ids.ts'
import { recordsOf } from '../../world/overlay.ts'
import type { ProcessRecord, SocketRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'
import { type Command, serverOf } from './command.ts'
import { ANSWERED, type Exit, Process } from './process.ts'
import { quotedWord } from './words.ts'

export interface ProcessContext {
  readonly ns: Namespace
  readonly sockets: SocketsApi
  readonly command: Command
  /** A process of the initial world; without one a new record is written. */
  readonly record?: ProcessRecord
  readonly container?: string
  /** seq that led to the start, -1 for the beginning of a journey. */
  readonly cause: number
  readonly onExit?: (exit: Exit) => void
}

export interface RunningProcess {
  readonly id: ProcessId
  /** recorder ref of the id */
  readonly ref: number
  /** seq of its first step, -1 for a server that was there from the start and has done nothing. */
  readonly first: number
  /** What the terminal shows so far. */
  readonly output: string
  readonly exited: boolean
  /** SIGKILL. */
  kill(cause: number): void
  /** It ends by itself, with nothing wrong. */
  stop(cause: number): void
  portals(change: PortalChange, cause: number): void
}

/** A process of a journey starts with a step of its own; a server of the initial world just serves. */
export function startProcess(context: ProcessContext): RunningProcess {
  const { ns, command, cause } = context
  const record = context.record ?? newRecord(context)
  const process = new Process({
    ns,
    sockets: context.sockets,
    record,
    onExit: context.onExit ?? (() => {}),
  })
  let first = -1
  if (context.record === undefined) {
    first = process.step('start', command.argv.map(quotedWord).join(' '), cause)
    ns.kernel.rec.change({ id: record.id, from: undefined, to: record })
  }
  command.runnable.start(process, first < 0 ? cause : first)
  return {
    id: process.id,
    ref: process.owner.ref,
    first,
    get output() {
      return process.output
    },
    get exited() {
      return process.exited
    },
    kill: (seq) => process.kill(seq),
    stop: (seq) => process.exit(0, ANSWERED, seq),
    portals: (change, seq) => process.onPortals?.(change, seq),
  }
}

function newRecord(context: ProcessContext): ProcessRecord {
  const { ns, command, container } = context
  const { world } = ns.kernel.rec
  let id = processId(ns.name, ns.nextId('proc'))
  while (world.has(id)) id = processId(ns.name, ns.nextId('proc'))
  let pid = 0
  for (const r of recordsOf(world, 'process')) if (r.pid > pid) pid = r.pid
  return {
    kind: 'process',
    id,
    netns: ns.record.id,
    pid: pid + 1,
    ...(container === undefined ? {} : { container }),
    argv: command.argv,
    state: 'running',
    output: '',
    origin: { component: 'user' },
  }
}

/**
 * What `ss -lntu` shows before anything runs: a socket for every server process of the world that a program here can play.
 * Added to the initial world, it spares a run the steps of starting its servers.
 */
export function serverSockets(world: World): SocketRecord[] {
  const taken = new Map<string, number>()
  const held = new Set<ProcessId>()
  for (const r of recordsOf(world, 'socket')) {
    taken.set(r.netns, (taken.get(r.netns) ?? 0) + 1)
    if (r.process !== undefined) held.add(r.process)
  }
  const made: SocketRecord[] = []
  const byNetns = new Map<string, SocketRecord[]>()
  for (const r of recordsOf(world, 'process')) {
    if (r.state !== 'running' || held.has(r.id)) continue
    for (const listens of serverOf(r.argv)) {
      // Two on one port: the second one's bind(2) will fail when it starts, as it does in life.
      const address = listens.address ?? IPV4_ANY
      let beside = byNetns.get(r.netns)
      if (beside === undefined) {
        beside = []
        byNetns.set(r.netns, beside)
      }
      const clash = beside.some(
        (s) =>
          s.protocol === listens.protocol &&
          s.local.port === listens.port &&
          (address === IPV4_ANY || s.local.address === IPV4_ANY || s.local.address === address),
      )
      if (clash) continue
      const n = (taken.get(r.netns) ?? 0) + 1
      taken.set(r.netns, n)
      const id = socketId(r.netns.slice('netns:'.length), n)
      if (world.has(id)) continue
      const socket: SocketRecord = {
        kind: 'socket',
        id,
        netns: r.netns,
        protocol: listens.protocol,
        local: { address, port: listens.port },
        state: listens.protocol === 'tcp' ? 'LISTEN' : 'UNCONN',
        receiveQueue: 0,
        sendQueue: listens.backlog,
        process: r.id,
        origin: r.origin,
      }
      made.push(socket)
      beside.push(socket)
    }
  }
  return made
}
