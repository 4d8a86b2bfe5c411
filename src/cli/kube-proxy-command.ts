import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { isObject } from '../base/fields.ts'
import { kubeProxyText, PROXY_MODES, type ProxyMode } from '../cluster/kube-proxy/feed.ts'
import type { IpFamily } from '../cluster/kube-proxy/ip.ts'
import { type Command, type ExitStatus, type Io, UsageError } from './command.ts'
import { answer, vectorsOf } from './kube-proxy/answer.ts'
import { formatInputError, loadDocument } from './load.ts'

/** `hopscope kube-proxy`: what kube-proxy would feed in on a node; for a file of vectors, its answers, one JSON line each. */
export const kubeProxyCommand: Command = {
  name: 'kube-proxy',
  usage: `kube-proxy FILE --node NODE [--mode ${PROXY_MODES.join('|')}] [--ip-family IPv4|IPv6]`,
  summary: 'what kube-proxy would feed to iptables-restore, nft or ipvsadm on a node; for test vectors, its answers',
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        node: { type: 'string' },
        mode: { type: 'string' },
        'ip-family': { type: 'string', default: 'IPv4' },
      },
    })
    const [file, ...rest] = positionals
    if (file === undefined || rest.length > 0) throw new UsageError('one FILE is expected')
    const vectors = vectorsIn(file)
    if (vectors !== undefined) return answerAll(vectors, file, io)
    if (values.node === undefined) throw new UsageError('--node NODE is missing')
    const document = await loadDocument(file)
    const { node } = values
    const family = familyOf(values['ip-family'])
    const asked = values.mode === undefined ? undefined : modeOf(values.mode)
    const text = document.ok
      ? kubeProxyText(document.value, { node, family, mode: asked ?? document.value.cluster.kubeProxy.mode })
      : document
    if (!text.ok) {
      for (const e of text.error) io.error(`${formatInputError({ file, ...e })}\n`)
      return 2
    }
    io.out(text.value)
    return 0
  },
}

/** A line each: a vector that is none gets its complaint, there and as an error, and the rest their answers. */
function answerAll(vectors: readonly unknown[], file: string, io: Io): ExitStatus {
  let status: ExitStatus = 0
  for (const [i, v] of vectors.entries()) {
    const answered = answer(v)
    if (answered.ok) {
      io.out(`${JSON.stringify(answered.value)}\n`)
      continue
    }
    status = 2
    const id = isObject(v) && typeof v.id === 'string' ? v.id : undefined
    io.out(`${JSON.stringify({ ...(id === undefined ? {} : { id }), error: answered.error })}\n`)
    io.error(
      `${formatInputError({ kind: 'input', file, path: `vectors[${i}]`, message: `${id ?? 'a vector'}: ${answered.error}` })}\n`,
    )
  }
  return status
}

function modeOf(text: string): ProxyMode {
  const mode = PROXY_MODES.find((m) => m === text)
  if (mode === undefined) throw new UsageError(`--mode is ${text}; expected ${PROXY_MODES.join(', ')}`)
  return mode
}

function familyOf(text: string): IpFamily {
  if (text !== 'IPv4' && text !== 'IPv6') throw new UsageError(`--ip-family is ${text}; expected IPv4 or IPv6`)
  return text
}

/** Vectors are JSON; whatever else the file is, or that it cannot be read, is for the loader of documents to say. */
function vectorsIn(file: string): readonly unknown[] | undefined {
  if (file === '-' || file.startsWith('library:')) return undefined
  try {
    const text = readFileSync(file, 'utf8')
    return /^\s*[[{]/.test(text) ? vectorsOf(JSON.parse(text)) : undefined
  } catch {
    return undefined
  }
}
