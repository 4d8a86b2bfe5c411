import { ok } from '../../base/result.ts'
import { strerror, type UdpSocket } from '../../kernel/sockets/index.ts'
import { formatIpv4, IPV4_ANY } from '../../net/address.ts'
import { commandError, numberOption, parseOptions } from './options.ts'
import { failed, type Process } from './process.ts'
import type { Program } from './program.ts'

/** RFC 862 over UDP: every datagram goes back to where it came from. */
export const udpEcho: Program = {
  name: 'udp-echo',
  usage: 'udp-echo [-p PORT]',
  prepare(argv) {
    const options = parseOptions('udp-echo', argv, [{ name: 'port', short: 'p', long: 'port', value: true }])
    if (!options.ok) return options
    const port = numberOption('udp-echo', options.value, { name: 'port', flag: '-p', min: 1, max: 65535 })
    if (!port.ok) return port
    if (options.value.operands.length > 0) return commandError('udp-echo: takes no operands; udp-echo [-p PORT]')
    const chosen = port.value ?? 7
    return ok({
      role: 'server',
      notes: [],
      listens: { protocol: 'udp', port: chosen, backlog: 0 },
      start: (process, cause) => serve(process, chosen, cause),
    })
  },
}

function serve(process: Process, port: number, cause: number): void {
  const socket = process.sockets.adoptUdp(process.owner.id, port) ?? open(process, port, cause)
  if (socket === undefined) return
  process.atExit(() => socket.close())
  socket.onWake = (woken) => {
    for (let d = socket.receive(); d !== undefined; d = socket.receive()) {
      const from = `${formatIpv4(d.from.address)}:${d.from.port}`
      const got = process.step('receive', `${d.bytes.length} bytes from ${from}`, woken)
      socket.send(d.bytes, d.from, process.step('send', `${d.bytes.length} bytes to ${from}`, got))
    }
  }
}

function open(process: Process, port: number, cause: number): UdpSocket | undefined {
  process.step('listen', `bind 0.0.0.0:${port}`, cause)
  const socket = process.sockets.udp(process.owner)
  const bound = socket.bind(IPV4_ANY, port)
  if (bound.ok) return socket
  process.print(`udp-echo: bind: ${strerror(bound.error)}`, cause)
  process.exit(1, failed(bound.error), cause)
  return undefined
}
