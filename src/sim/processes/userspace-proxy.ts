import { ok } from '../../base/result.ts'
import type { SocketRecord } from '../../world/records.ts'
import { commandError } from './options.ts'
import type { Process } from './process.ts'
import type { Program } from './program.ts'
import { prepareHealthCheck } from './service-health.ts'
import { RoundRobin, type ServicePort } from './userspace-proxy-balancer.ts'
import { servicePortal } from './userspace-proxy-portal.ts'
import { serveTcp } from './userspace-proxy-tcp.ts'
import { serveUdp } from './userspace-proxy-udp.ts'

/**
 * kube-proxy as a program that carries packets: its userspace mode, of Kubernetes 1.0 to 1.25. In every other mode it only
 * writes rules, and the only packets that meet the process are health checks.
 */
export const kubeProxy: Program = {
  name: 'kube-proxy',
  usage: 'kube-proxy --proxy-mode=userspace | kube-proxy healthcheck NAMESPACE/NAME PORT',
  prepare(argv) {
    if (argv[1] === 'healthcheck') return prepareHealthCheck(argv.slice(1))
    if (!argv.includes('--proxy-mode=userspace')) return commandError('kube-proxy: only --proxy-mode=userspace carries packets')
    return ok({ role: 'server', notes: [], start: serve })
  },
}

/** Takes over the sockets that the world has for it. What each is for stands in its origin. */
function serve(process: Process): void {
  for (const record of process.ns.kernel.rec.initial.values()) {
    if (record.kind !== 'socket' || record.process !== process.id) continue
    const port = portOf(record)
    // A node port's own socket is held, and nobody reads it: the rules lead past it.
    if (port === undefined) continue
    const portal = servicePortal(process, port, new RoundRobin(process.rng(`endpoints of ${record.origin.detail}`)))
    if (record.protocol === 'tcp') {
      const listener = process.sockets.adoptTcp(process.owner.id, record.local.port)
      if (listener !== undefined) serveTcp(portal, listener)
    } else {
      const socket = process.sockets.adoptUdp(process.owner.id, record.local.port)
      if (socket !== undefined) serveUdp(portal, socket)
    }
  }
}

/** `proxyPort NAME` of a Service. */
function portOf({ origin }: SocketRecord): ServicePort | undefined {
  const [what, portName = ''] = (origin.detail ?? '').split(' ')
  const { object } = origin
  if (what !== 'proxyPort' || object === undefined) return undefined
  return { namespace: object.namespace ?? 'default', service: object.name, portName }
}
