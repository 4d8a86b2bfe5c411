import { ok } from '../../base/result.ts'
import { strerror, type TcpSocket } from '../../kernel/sockets/index.ts'
import { IPV4_ANY } from '../../net/address.ts'
import { commandError, numberOption, parseOptions } from './options.ts'
import { failed, type Process } from './process.ts'
import type { Program } from './program.ts'
import { Downstream } from './reverse-proxy-downstream.ts'
import { albFlavour, type Flavour, nginxFlavour } from './reverse-proxy-flavours.ts'
import { ReverseProxy } from './reverse-proxy-pool.ts'
import { wakingUp } from './wakeup.ts'

const BACKLOG = 511

/**
 * The ingress-nginx controller: nginx with one worker, its rules read from the Ingresses of its class. Arguments that change
 * nothing here are taken as they come.
 */
export const nginxIngressController: Program = {
  name: 'nginx-ingress-controller',
  usage: 'nginx-ingress-controller [--http-port=PORT] …',
  prepare(argv) {
    const given = argv.find((w) => w.startsWith('--http-port='))?.slice('--http-port='.length) ?? '80'
    const port = Number(given)
    if (!/^\d+$/.test(given) || port < 1 || port > 65535)
      return commandError(`nginx-ingress-controller: --http-port wants a port, not "${given}"`)
    return ok(server(nginxFlavour, port))
  },
}

/** A cloud's application load balancer, the one that its controller made for an Ingress. */
export const alb: Program = {
  name: 'alb',
  usage: 'alb --ingress NS/NAME [-p PORT]',
  prepare(argv) {
    const options = parseOptions('alb', argv, [
      { name: 'ingress', long: 'ingress', value: true },
      { name: 'port', short: 'p', long: 'port', value: true },
    ])
    if (!options.ok) return options
    const port = numberOption('alb', options.value, { name: 'port', flag: '-p', min: 1, max: 65535 })
    if (!port.ok) return port
    const ingress = options.value.value('ingress')
    if (ingress === undefined || !/^[^/]+\/[^/]+$/.test(ingress)) return commandError('alb: --ingress NS/NAME is missing')
    return ok(server(albFlavour(ingress), port.value ?? 80))
  },
}

const server = (flavour: Flavour, port: number) => ({
  role: 'server' as const,
  notes: [],
  listens: { protocol: 'tcp' as const, port, backlog: BACKLOG },
  start: (process: Process, cause: number) => serve(process, flavour, port, cause),
})

function serve(process: Process, flavour: Flavour, port: number, cause: number): void {
  const listener = process.sockets.adoptTcp(process.owner.id, port) ?? open(process, flavour, port, cause)
  if (listener === undefined) return
  const proxy = new ReverseProxy(process, flavour)
  process.atExit((seq) => listener.close(seq))
  listener.onWake = wakingUp(process, (woken) => {
    for (let c = listener.accept(process.owner); c !== undefined; c = listener.accept(process.owner)) {
      new Downstream(proxy, c, port).readable(woken)
    }
  })
}

function open(process: Process, flavour: Flavour, port: number, cause: number): TcpSocket | undefined {
  const socket = process.sockets.tcp(process.owner)
  socket.set({ reuse: true })
  const bound = socket.bind(IPV4_ANY, port)
  const listening = bound.ok ? socket.listen(BACKLOG, process.step('listen', `listen 0.0.0.0:${port}`, cause)) : bound
  if (listening.ok) return socket
  process.print(`${flavour.name}: bind() to 0.0.0.0:${port} failed (${strerror(listening.error)})`, cause)
  process.exit(1, failed(listening.error), cause)
  return undefined
}
