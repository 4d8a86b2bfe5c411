import { err, ok, type Result } from '../../base/result.ts'

export type Labels = Readonly<Record<string, string>>
export type Selector = (labels: Labels) => boolean

/** `-l app=web,tier!=db,env,!old`: equality and existence, all of which must hold. The error is kubectl's. */
export function parseSelector(text: string): Result<Selector, string> {
  const tests: Selector[] = []
  for (const part of text.split(',').filter((p) => p !== '')) {
    const m = /^(!)?([\w./-]+)(?:(==|=|!=)([\w.-]*))?$/.exec(part.trim())
    if (m === null) return err(`error: unable to parse requirement: found '${part}', expected: in, notin, =, ==, !=, gt, lt\n`)
    const [, absent, key = '', operator, value] = m
    if (operator === undefined) tests.push((l) => Object.hasOwn(l, key) === (absent === undefined))
    else tests.push((l) => (l[key] === value) === (operator !== '!='))
  }
  return ok((labels) => tests.every((t) => t(labels)))
}
