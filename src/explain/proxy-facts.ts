import { type Context, nameIn, optional, type StepOf } from './context.ts'
import type { Fact } from './fact.ts'
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

export function proxyRouteFact(c: Context, step: StepOf<'proxy.route'>): Fact {
  return {
    kind: 'proxy-routed',
    process: nameIn(c, step.process),
    rule: code(step.rule),
    layer: step.object?.startsWith('obj:Service/') === true ? 4 : 7,
    ...optional('object', step.object === undefined ? undefined : objectSpan(step.object)),
    ...optional('service', step.service === undefined ? undefined : serviceSpan(step.service)),
    ...optional('endpoint', step.endpoint === undefined ? undefined : code(step.endpoint)),
  }
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
