import { STEP } from '../trace/columns.ts'
import type { TraceReader } from '../trace/reader.ts'
import { type Context, nameIn, optional, type StepOf } from './context.ts'
import type { Fact, ProxyPart } from './fact.ts'
import { named, whereOf } from './names.ts'
import { code, object, type Span } from './sentence.ts'

/** `default/web:80` as the Service it names. */
function serviceSpan(text: string): Span {
  const [, namespace = '', name = ''] = /^([^/]+)\/([^:]+)/.exec(text) ?? []
  return name === '' ? code(text) : object({ kind: 'Service', namespace, name })
}

/** `obj:Service/default/web` */
function objectSpan(id: string): Span {
  const [kind = '', namespace = '', name] = id.slice('obj:'.length).split('/')
  return name === undefined ? object({ kind, name: namespace }) : object({ kind, namespace, name })
}

function choiceOf(step: StepOf<'proxy.route'>): Pick<ProxyPart, 'rule' | 'layer' | 'object' | 'service' | 'endpoint'> {
  return {
    rule: code(step.rule),
    layer: step.object?.startsWith('obj:Service/') === true ? 4 : 7,
    ...optional('object', step.object === undefined ? undefined : objectSpan(step.object)),
    ...optional('service', step.service === undefined ? undefined : serviceSpan(step.service)),
    ...optional('endpoint', step.endpoint === undefined ? undefined : code(step.endpoint)),
  }
}

export function proxyRouteFact(c: Context, step: StepOf<'proxy.route'>): Fact {
  return { kind: 'proxy-routed', process: nameIn(c, step.process), ...choiceOf(step) }
}

export function proxyCopyFact(c: Context, step: StepOf<'proxy.copy'>): Fact {
  return {
    kind: 'proxy-copied',
    process: nameIn(c, step.process),
    bytes: step.bytes,
    from: nameIn(c, step.from),
    to: nameIn(c, step.to),
  }
}

/** The proxies among a journey's steps, each with the last choice that it made and what it moved. */
export function proxiesOf(reader: TraceReader, steps: readonly number[]): ProxyPart[] {
  const found = new Map<string, { seq: number; step: StepOf<'proxy.route'>; copies: number; bytes: number }>()
  for (const seq of steps) {
    const kind = reader.kindOf(seq)
    if (kind !== STEP.proxyRoute && kind !== STEP.proxyCopy) continue
    const step = reader.step(seq)
    if (step.kind === 'proxy.route') {
      const before = found.get(step.process)
      found.set(step.process, { copies: 0, bytes: 0, ...before, seq, step })
    } else if (step.kind === 'proxy.copy') {
      const of = found.get(step.process)
      if (of === undefined) continue
      of.copies++
      of.bytes += step.bytes
    }
  }
  return [...found.values()].map(({ seq, step, copies, bytes }) => ({
    process: named(reader, step.process, seq),
    where: whereOf(reader, seq),
    ...choiceOf(step),
    copies,
    bytes,
  }))
}
