import { ok, type Result } from '../../base/result.ts'
import { coredns } from './coredns.ts'
import { curl } from './curl.ts'
import { dig } from './dig.ts'
import { getent } from './getent.ts'
import { httpd } from './httpd.ts'
import { l4Proxy } from './l4-proxy.ts'
import { metallbSpeaker } from './metallb-speaker.ts'
import { nc } from './nc.ts'
import { nsd } from './nsd.ts'
import { nslookup } from './nslookup.ts'
import { type CommandError, commandError } from './options.ts'
import { pdnsRecursor } from './pdns-recursor.ts'
import { ping } from './ping.ts'
import type { Listening, Program, Runnable } from './program.ts'
import { alb, nginxIngressController } from './reverse-proxy.ts'
import { udpEcho } from './udp-echo.ts'
import { kubeProxy } from './userspace-proxy.ts'
import { pipedText, splitWords } from './words.ts'

/** Every program that a journey or a process of the world can be. */
const PROGRAMS: ReadonlyMap<string, Program> = new Map(
  [
    curl,
    ping,
    nc,
    httpd,
    udpEcho,
    nginxIngressController,
    alb,
    kubeProxy,
    dig,
    nslookup,
    getent,
    coredns,
    nsd,
    pdnsRecursor,
    metallbSpeaker,
    l4Proxy,
  ].map((p) => [p.name, p]),
)
/** Other names that people use for the same program. */
const ALIASES: Readonly<Record<string, string>> = { netcat: 'nc', 'nc.openbsd': 'nc' }

/** What a shell answers for a program that it does not find. */
const NOT_FOUND = 127

/** A command that has been understood. */
export interface Command {
  readonly argv: readonly string[]
  readonly program: string
  readonly runnable: Runnable
}

/** `curl -s http://10.96.0.10/`, `echo hello | nc -u 10.0.0.1 5353`. Errors say what is wrong and what exists. */
export function parseCommand(run: string): Result<Command, CommandError> {
  const tokens = splitWords(run)
  if (!tokens.ok) return tokens
  const stages: string[][] = [[]]
  for (const t of tokens.value) {
    if (t.kind === 'pipe') stages.push([])
    else stages.at(-1)?.push(t.text)
  }
  const [first = [], second, ...more] = stages
  if (second === undefined) return parseArgv(first)
  const stdin = pipedText(first)
  if (stdin === undefined || more.length > 0)
    return commandError('a pipe can only be echo TEXT | COMMAND or printf TEXT | COMMAND')
  return parseArgv(second, stdin)
}

/** The same for words that are split already: the argv of a process of the world. */
export function parseArgv(argv: readonly string[], stdin?: string): Result<Command, CommandError> {
  const word = argv[0]
  const known = [...PROGRAMS.keys()].join(', ')
  if (word === undefined || word === '') return commandError(`no command given; there are ${known}`)
  const name = word.slice(word.lastIndexOf('/') + 1)
  const program = PROGRAMS.get(ALIASES[name] ?? name)
  if (program === undefined) return commandError(`${word}: no such program here; there are ${known}`, NOT_FOUND)
  const runnable = program.prepare(argv, stdin)
  if (!runnable.ok) return runnable
  return ok({ argv, program: program.name, runnable: runnable.value })
}

/** The ports of a server that can be played; none for any other argv. */
export function serverOf(argv: readonly string[]): readonly Listening[] {
  const command = PROGRAMS.has(argv[0] ?? '') ? parseArgv(argv) : undefined
  if (command?.ok !== true) return []
  const { listens, alsoListens = [] } = command.value.runnable
  return listens === undefined ? [] : [listens, ...alsoListens]
}
