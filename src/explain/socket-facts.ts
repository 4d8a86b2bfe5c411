import { destinationOf } from '../trace/names.ts'
import { type Context, nameIn, optional, packetOf, type StepOf } from './context.ts'
import type { Fact } from './fact.ts'
import { code, type Span } from './sentence.ts'

/** The process that has a socket open. */
function processOf(c: Context, socket: string): Span | undefined {
  const r = c.reader.versions.near(socket, c.seq)
  return r?.kind === 'socket' && r.process !== undefined ? nameIn(c, r.process) : undefined
}

export function socketLookupFact(c: Context, step: StepOf<'socket.lookup'>): Fact {
  const process = step.socket === undefined ? undefined : processOf(c, step.socket)
  return {
    kind: 'socket-found',
    where: c.where,
    to: code(c.packet < 0 ? '' : destinationOf(packetOf(c))),
    ...optional('socket', step.socket === undefined ? undefined : nameIn(c, step.socket)),
    ...optional('process', process),
  }
}

export function tcpStateFact(c: Context, step: StepOf<'tcp.state'>): Fact {
  return {
    kind: 'tcp-changed',
    socket: nameIn(c, step.socket),
    from: step.from,
    to: step.to,
    ...optional('process', processOf(c, step.socket)),
  }
}

export function retransmitFact(c: Context, step: StepOf<'tcp.retransmit'>): Fact {
  return { kind: 'retransmitted', socket: nameIn(c, step.socket), attempt: step.attempt, seconds: String(step.timeout / 1e9) }
}

export function dataFact(c: Context, step: StepOf<'socket.data'>): Fact {
  const process = processOf(c, step.socket)
  return {
    kind: 'data',
    socket: nameIn(c, step.socket),
    direction: step.direction,
    bytes: step.bytes,
    ...optional('process', process),
  }
}

export function processFact(c: Context, step: StepOf<'process'>): Fact {
  return { kind: 'process', process: nameIn(c, step.process), where: c.where, event: step.event, text: step.text.trim() }
}
