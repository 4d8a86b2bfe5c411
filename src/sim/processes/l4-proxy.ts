import { ok } from '../../base/result.ts'
import { strerror } from '../../kernel/sockets/index.ts'
import { IPV4_ANY, parseIpv4 } from '../../net/address.ts'
import { objectId } from '../../world/ids.ts'
import { commandError, parseOptions } from './options.ts'
import { failed, type Process } from './process.ts'
import type { Program } from './program.ts'
import { type ProxyTarget, targetText } from './reverse-proxy-routes.ts'
import type { Portal } from './userspace-proxy-portal.ts'
import { serveTcp } from './userspace-proxy-tcp.ts'

const BACKLOG = 4096

/**
 * A cloud's load balancer of layer 4 that ends connections (ipMode: Proxy), as HAProxy does in TCP mode: each client gets a connection of
 * the balancer's own to the next target. Targets stand in a file, a line a port: `80 192.168.1.11:30080 192.168.1.12:30080`.
 */
export const l4Proxy: Program = {
  name: 'l4-proxy',
  usage: 'l4-proxy --service NS/NAME --targets FILE',
  prepare(argv) {
    const options = parseOptions('l4-proxy', argv, [
      { name: 'service', long: 'service', value: true },
      { name: 'targets', long: 'targets', value: true },
    ])
    if (!options.ok) return options
    const [namespace, name] = (options.value.value('service') ?? '').split('/')
    const file = options.value.value('targets')
    if (namespace === undefined || name === undefined || file === undefined)
      return commandError('l4-proxy: expected --service NS/NAME and --targets FILE')
    return ok({ role: 'server', notes: [], start: (process, cause) => serve(process, { namespace, name, file }, cause) })
  },
}

/** Ports and their targets, as the file has them. */
export function proxyTargets(text: string): ReadonlyMap<number, readonly ProxyTarget[]> {
  return new Map(
    text.split('\n').flatMap((line): [number, ProxyTarget[]][] => {
      const [port, ...targets] = line.split(' ').filter((w) => w !== '')
      if (port === undefined) return []
      return [
        [
          Number(port),
          targets.flatMap((t) => {
            const [host = '', number] = t.split(':')
            const address = parseIpv4(host)
            return address.ok ? [{ address: address.value, port: Number(number) }] : []
          }),
        ],
      ]
    }),
  )
}

interface Of {
  readonly namespace: string
  readonly name: string
  readonly file: string
}

function serve(process: Process, of: Of, cause: number): void {
  for (const port of proxyTargets(process.readFile(of.file) ?? '').keys()) {
    const listener = process.sockets.tcp(process.owner)
    listener.set({ reuse: true })
    const bound = listener.bind(IPV4_ANY, port)
    const listening = bound.ok ? listener.listen(BACKLOG, cause) : bound
    if (!listening.ok) {
      process.print(`l4-proxy: bind() to 0.0.0.0:${port} failed (${strerror(listening.error)})`, cause)
      process.exit(1, failed(listening.error), cause)
      return
    }
    serveTcp(portal(process, of, port), listener)
  }
}

/** One target after the other, in the file's order. */
function portal(process: Process, { namespace, name, file }: Of, port: number): Portal {
  let next = 0
  return {
    process,
    choose(_, cause) {
      const targets = proxyTargets(process.readFile(file) ?? '').get(port) ?? []
      const target = targets[next++ % Math.max(1, targets.length)]
      const seq = process.routed(
        {
          object: objectId('Service', namespace, name),
          rule: `port ${port}`,
          service: `${namespace}/${name}:${port}`,
          ...(target === undefined ? {} : { endpoint: targetText(target) }),
        },
        cause,
      )
      return { target, seq }
    },
  }
}
