import { err, ok, type Result } from '../../base/result.ts'

// A Corefile: server blocks of plugins, each a line with words and perhaps a block of its own (caddyfile grammar).

export interface Directive {
  readonly name: string
  readonly args: readonly string[]
  readonly block: readonly Directive[]
}

export interface ServerBlock {
  /** `.:53`, `cluster.local` */
  readonly keys: readonly string[]
  readonly directives: readonly Directive[]
}

/** Words, braces and line ends. */
function tokensOf(text: string): string[] {
  const tokens: string[] = []
  for (const line of text.split('\n')) {
    const words = line.replace(/(^|\s)#.*/, '').match(/"[^"]*"|\S+/g) ?? []
    for (const w of words) tokens.push(w.startsWith('"') ? w.slice(1, -1) : w)
    tokens.push('\n')
  }
  return tokens
}

/** Reads a Corefile. Errors say what was expected, as CoreDNS refuses to start with it. Imports and environment variables are not expanded. */
export function parseCorefile(text: string): Result<readonly ServerBlock[], string> {
  const tokens = tokensOf(text)
  let at = 0
  const skipLines = () => {
    while (tokens[at] === '\n') at++
  }
  const directives = (): Result<Directive[], string> => {
    const out: Directive[] = []
    for (;;) {
      skipLines()
      const name = tokens[at]
      if (name === undefined) return err('expected }')
      at++
      if (name === '}') return ok(out)
      const args: string[] = []
      let block: readonly Directive[] = []
      for (let t = tokens[at]; t !== undefined && t !== '\n' && t !== '}'; t = tokens[at]) {
        at++
        if (t === '{') {
          const inner = directives()
          if (!inner.ok) return inner
          block = inner.value
          break
        }
        args.push(t)
      }
      out.push({ name, args, block })
    }
  }
  const blocks: ServerBlock[] = []
  for (;;) {
    skipLines()
    if (at >= tokens.length) return ok(blocks)
    const keys: string[] = []
    for (let t = tokens[at]; t !== '{'; t = tokens[at]) {
      if (t === undefined) return err('expected { after a server block’s zones')
      at++
      if (t !== '\n') keys.push(t.replace(/,$/, ''))
    }
    at++
    const inner = directives()
    if (!inner.ok) return inner
    blocks.push({ keys, directives: inner.value })
  }
}

/** The zone of a server block's key: `.:53` → `.`, `dns://example.org` → `example.org.` */
export function zoneOfKey(key: string): string {
  const host = key.replace(/^[a-z]+:\/\//, '').replace(/:\d+$/, '')
  return host === '' || host === '.' ? '.' : `${host.toLowerCase().replace(/\.$/, '')}.`
}

/** A duration of Go (`30s`, `5m`) or a plain number of seconds. */
export function secondsOf(text: string | undefined, usual: number): number {
  const m = /^(\d+)(s|m|h)?$/.exec(text ?? '')
  return m === null ? usual : Number(m[1]) * (m[2] === 'h' ? 3600 : m[2] === 'm' ? 60 : 1)
}
