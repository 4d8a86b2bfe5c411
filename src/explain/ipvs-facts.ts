import { formatIpv4 } from '../net/address.ts'
import type { IpvsConnectionRecord } from '../world/records.ts'
import { type Context, nameIn, optional, type StepOf } from './context.ts'
import type { Fact } from './fact.ts'
import { ownerOf } from './names.ts'
import { code, object, record, type Span } from './sentence.ts'

/** `tcp 10.96.0.10:80` with its record. */
function serverSpan(c: Context, id: string): Span {
  const r = c.reader.versions.near(id, c.seq)
  return r?.kind === 'ipvs-service' ? record(id, `${r.protocol} ${formatIpv4(r.address)}:${r.port}`) : nameIn(c, id)
}

/** The Kubernetes object that a virtual or real server was made for. */
function objectOf(c: Context, id: string): Span | undefined {
  const r = c.reader.versions.near(id, c.seq)
  const made = r === undefined ? undefined : r.origin.object
  return made === undefined ? undefined : object(made)
}

export function ipvsScheduleFact(c: Context, step: StepOf<'ipvs.schedule'>): Fact {
  const service = c.reader.versions.near(step.service, c.seq)
  const to = step.destination === undefined ? undefined : c.reader.versions.near(step.destination, c.seq)
  const real = to?.kind === 'ipvs-destination' ? to : undefined
  return {
    kind: 'ipvs-scheduled',
    where: c.where,
    server: serverSpan(c, step.service),
    ...optional('service', objectOf(c, step.service)),
    scheduler: service?.kind === 'ipvs-service' ? service.scheduler : '',
    reason: step.reason,
    figure: step.figure,
    ...optional('to', real === undefined ? undefined : record(real.id, `${formatIpv4(real.address)}:${real.port}`)),
    ...optional('pod', real === undefined ? undefined : ownerOf(c.view, real.address)),
    count: c.view.list('ipvs-destination').filter((d) => d.service === step.service).length,
  }
}

function connectionOf(c: Context, id: string): IpvsConnectionRecord | undefined {
  const r = c.reader.versions.near(id, c.seq)
  return r?.kind === 'ipvs-connection' ? r : undefined
}

export function ipvsPacketFact(c: Context, step: StepOf<'ipvs.packet'>): Fact {
  const entry = connectionOf(c, step.connection)
  return {
    kind: 'ipvs-packet',
    direction: step.direction,
    connection: nameIn(c, step.connection),
    ...optional('service', entry === undefined ? undefined : objectOf(c, entry.server)),
  }
}

export function ipvsChangeFact(c: Context, step: StepOf<'ipvs.change'>): Fact {
  return {
    kind: 'ipvs-changed',
    change: step.change,
    connection: nameIn(c, step.connection),
    state: code(step.state),
    template: connectionOf(c, step.connection)?.template === true,
  }
}
