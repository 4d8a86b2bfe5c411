import { parseArgs } from 'node:util'
import { kubeProxyText } from '../cluster/kube-proxy/index.ts'
import { type Command, UsageError } from './command.ts'
import { formatInputError, loadDocument } from './load.ts'

/** `hopscope kube-proxy`: what kube-proxy would feed to iptables-restore on a node. */
export const kubeProxyCommand: Command = {
  name: 'kube-proxy',
  usage: 'kube-proxy FILE --node NODE [--mode iptables]',
  summary: 'what kube-proxy would feed to iptables-restore on a node',
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { node: { type: 'string' }, mode: { type: 'string', default: 'iptables' } },
    })
    const [file, ...rest] = positionals
    if (file === undefined || rest.length > 0) throw new UsageError('one FILE is expected')
    if (values.node === undefined) throw new UsageError('--node NODE is missing')
    if (values.mode !== 'iptables') throw new UsageError(`--mode is ${values.mode}; only iptables is modelled yet`)
    const document = await loadDocument(file)
    const text = document.ok ? kubeProxyText(document.value, values.node) : document
    if (!text.ok) {
      for (const e of text.error) io.error(`${formatInputError({ file, ...e })}\n`)
      return 2
    }
    io.out(text.value)
    return 0
  },
}
