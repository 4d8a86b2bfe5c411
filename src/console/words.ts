import { err, ok, type Result } from '../base/result.ts'

/** A stage of a pipeline: its words, and where its streams go. */
export interface Stage {
  readonly words: readonly string[]
  readonly stderr: 'terminal' | 'discard' | 'stdout'
  readonly stdout: 'pipe' | 'discard'
}

/**
 * Splits a command line as a shell does, as far as a console without variables needs: quotes, backslashes, `|`, and the
 * redirections `2>/dev/null`, `>/dev/null` and `2>&1`. The error is the shell's message.
 */
export function parseCommandLine(line: string): Result<Stage[], string> {
  const tokens = tokenise(line)
  if (!tokens.ok) return tokens
  const stages: Stage[] = []
  let words: string[] = []
  let streams: Pick<Stage, 'stderr' | 'stdout'> = TERMINAL
  const list = tokens.value
  for (let i = 0; i < list.length; i++) {
    const token = list[i] as Token
    if (token.quoted || !/^(\||2?>.*|&>.*|[;&].*)$/.test(token.text)) {
      words.push(token.text)
      continue
    }
    if (token.text === '|') {
      if (words.length === 0) return err(unexpected('|'))
      stages.push({ words, ...streams })
      words = []
      streams = TERMINAL
      continue
    }
    const target = /[>&]$/.test(token.text) && !token.text.endsWith('&1') ? list[++i]?.text : token.text.replace(/^(2>|&>|>)/, '')
    if (token.text === '2>&1') streams = { ...streams, stderr: 'stdout' }
    else if (target !== '/dev/null') return err(`bash: ${target ?? token.text}: Read-only file system\n`)
    else if (token.text.startsWith('2>')) streams = { ...streams, stderr: 'discard' }
    else if (token.text.startsWith('&>')) streams = { stdout: 'discard', stderr: 'discard' }
    else if (token.text.startsWith('>')) streams = { ...streams, stdout: 'discard' }
    else return err(unexpected(token.text))
  }
  if (words.length === 0 && stages.length > 0) return err(unexpected('newline'))
  if (words.length > 0) stages.push({ words, ...streams })
  return ok(stages)
}

const TERMINAL = { stderr: 'terminal', stdout: 'pipe' } as const
const unexpected = (token: string): string => `bash: syntax error near unexpected token \`${token}'\n`

interface Token {
  readonly text: string
  readonly quoted: boolean
}

function tokenise(line: string): Result<Token[], string> {
  const out: Token[] = []
  let text = ''
  let started = false
  let quoted = false
  let quote = ''
  const end = () => {
    if (started) out.push({ text, quoted })
    text = ''
    started = quoted = false
  }
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i)
    if (quote !== '') {
      if (c === quote) quote = ''
      else if (c === '\\' && quote === '"' && /["\\$`]/.test(line.charAt(i + 1))) text += line.charAt(++i)
      else text += c
    } else if (c === '"' || c === "'") {
      quote = c
      started = quoted = true
    } else if (c === '\\') {
      text += line.charAt(++i)
      started = quoted = true
    } else if (/\s/.test(c)) end()
    else if (c === '|') {
      end()
      out.push({ text: '|', quoted: false })
    } else if (c === '#' && !started) break
    else {
      text += c
      started = true
    }
  }
  if (quote !== '') return err(`bash: unexpected EOF while looking for matching \`${quote}'\n`)
  end()
  return ok(out)
}
