import { strerror, type UdpSocket } from '../../kernel/sockets/index.ts'
import type { Timer } from '../../kernel/types.ts'
import { formatIpv4, type Ipv4 } from '../../net/address.ts'
import { targetText } from './reverse-proxy-routes.ts'
import { DIAL_TIMEOUTS, type Portal } from './userspace-proxy-portal.ts'
import { wakingUp } from './wakeup.ts'

const MS = 1_000_000
/** --udp-timeout: how long a client's socket towards its endpoint is kept after the last datagram. */
const IDLE = 250 * MS
const BUFFER = 4096

interface Client {
  readonly socket: UdpSocket
  timer: Timer | undefined
}

/** udpProxySocket.ProxyLoop(): for each client (address and port) a connected socket of its own, as long as it talks. */
export function serveUdp(portal: Portal, socket: UdpSocket): void {
  const { process } = portal
  const clients = new Map<string, Client>()
  process.atExit(() => {
    socket.close()
    for (const c of clients.values()) c.socket.close()
  })
  const forget = (key: string, client: Client) => {
    client.timer?.cancel()
    client.socket.close()
    if (clients.get(key) === client) clients.delete(key)
  }
  const extend = (key: string, client: Client, cause: number) => {
    client.timer?.cancel()
    client.timer = process.after(IDLE, 'udp idle timeout', cause, () => forget(key, client))
  }
  const open = (key: string, from: { address: Ipv4; port: number }, cause: number): Client | undefined => {
    const out = dial(portal, from.address, cause)
    if (out === undefined) return undefined
    const client: Client = { socket: out, timer: undefined }
    clients.set(key, client)
    out.onWake = wakingUp(process, (woken) => {
      for (let d = out.receive(); d !== undefined; d = out.receive()) {
        const bytes = d.bytes.subarray(0, BUFFER)
        const seq = process.copied({ from: out.ref, to: socket.ref, bytes: bytes.length }, woken)
        extend(key, client, seq)
        socket.send(bytes, from, seq)
      }
      const error = out.takeError()
      if (error === undefined) return
      process.step('error', `Read failed: ${strerror(error.errno)}`, woken)
      forget(key, client)
    })
    return client
  }
  socket.onWake = wakingUp(process, (woken) => {
    for (let d = socket.receive(); d !== undefined; d = socket.receive()) {
      const { from } = d
      const key = `${formatIpv4(from.address)}:${from.port}`
      const client = clients.get(key) ?? open(key, from, woken)
      if (client === undefined) continue
      const bytes = d.bytes.subarray(0, BUFFER)
      const seq = process.copied({ from: socket.ref, to: client.socket.ref, bytes: bytes.length }, woken)
      client.socket.send(bytes, undefined, seq)
      extend(key, client, seq)
    }
  })
}

/** net.Dial("udp") sends nothing: it fails only where there is no way. */
function dial(portal: Portal, client: Ipv4, cause: number): UdpSocket | undefined {
  const { process } = portal
  for (let n = 0; n < DIAL_TIMEOUTS.length; n++) {
    const { target, seq } = portal.choose({ address: client, reset: n > 0 }, cause)
    if (target === undefined) return undefined
    const socket = process.sockets.udp(process.owner)
    const connected = socket.connect(target.address, target.port)
    if (connected.ok) return socket
    socket.close()
    process.step('error', `dial udp ${targetText(target)}: ${strerror(connected.error)}`, seq)
  }
  return undefined
}
