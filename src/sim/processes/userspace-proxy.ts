import { ok } from '../../base/result.ts'
import type { TcpSocket, UdpSocket } from '../../kernel/sockets/index.ts'
import { IPV4_ANY } from '../../net/address.ts'
import { recordsOf } from '../../world/overlay.ts'
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

/** Takes over the sockets that the world has for it, and opens and closes others as Services come and go. */
function serve(process: Process): void {
  const sockets = new Map<string, { close(cause: number): void }>()
  const keyOf = (r: SocketRecord) => `${r.protocol}/${r.local.port}`
  const take = (record: SocketRecord, opened: TcpSocket | UdpSocket | undefined) => {
    if (opened === undefined) return
    sockets.set(keyOf(record), opened)
    const port = portOf(record)
    // A node port's own socket is held, and nobody reads it: the rules lead past it.
    if (port === undefined) return
    const portal = servicePortal(process, port, new RoundRobin(process.rng(`endpoints of ${record.origin.detail}`)))
    if (isTcp(opened)) serveTcp(portal, opened)
    else serveUdp(portal, opened)
  }
  for (const record of recordsOf(process.ns.kernel.rec.initial, 'socket')) {
    if (record.process !== process.id) continue
    const { sockets: api, owner } = process
    const { port } = record.local
    take(record, record.protocol === 'tcp' ? api.adoptTcp(owner.id, port) : api.adoptUdp(owner.id, port))
  }
  process.onPortals = ({ opens, closes }, cause) => {
    for (const r of closes) {
      sockets.get(keyOf(r))?.close(cause)
      sockets.delete(keyOf(r))
    }
    for (const r of opens) take(r, open(process, r, cause))
  }
}

const isTcp = (socket: TcpSocket | UdpSocket): socket is TcpSocket => 'listen' in socket

function open(process: Process, { protocol, local, sendQueue }: SocketRecord, cause: number): TcpSocket | UdpSocket | undefined {
  if (protocol !== 'tcp') {
    const socket = process.sockets.udp(process.owner)
    return socket.bind(IPV4_ANY, local.port).ok ? socket : undefined
  }
  const socket = process.sockets.tcp(process.owner)
  socket.set({ reuse: true })
  const bound = socket.bind(IPV4_ANY, local.port)
  return bound.ok && socket.listen(sendQueue, process.step('listen', `listen 0.0.0.0:${local.port}`, cause)).ok
    ? socket
    : undefined
}

/** `proxyPort NAME` of a Service. */
function portOf({ origin }: SocketRecord): ServicePort | undefined {
  const [what, portName = ''] = (origin.detail ?? '').split(' ')
  const { object } = origin
  if (what !== 'proxyPort' || object === undefined) return undefined
  return { namespace: object.namespace ?? 'default', service: object.name, portName }
}
