import { fromUtf8 } from '../base/bytes.ts'
import { formatIpv4 } from '../net/address.ts'
import { IPPROTO, TCP } from '../net/packet.ts'
import { proxyTargets } from '../sim/processes/l4-proxy.ts'
import { albFlavour, type Flavour, nginxFlavour } from '../sim/processes/reverse-proxy-flavours.ts'
import { targetText } from '../sim/processes/reverse-proxy-routes.ts'
import { endpointsOf, servicePortText } from '../sim/processes/userspace-proxy-balancer.ts'
import { STEP } from '../trace/columns.ts'
import type { TraceReader } from '../trace/reader.ts'
import { PACKET_ORIGINS } from '../trace/step.ts'
import type { ProcessRecord } from '../world/records.ts'
import { viewOf, type World } from '../world/world.ts'
import { shellWord } from './names.ts'

/** What the engine's run of a proxy chose freely. */
export interface ProxyPins {
  /** Source ports of the connections and UDP sockets that it opened, in order. */
  readonly ports: readonly number[]
  /** Request ids that it made, in order. */
  readonly ids: readonly string[]
  /** By service port: the endpoints that it chose, in order. */
  readonly chosen: ReadonlyMap<string, readonly string[]>
}

const FROM_SOCKET = PACKET_ORIGINS.indexOf('socket')
/** X-Request-ID, and the two halves of X-Amzn-Trace-Id. */
const ID = /^(?:X-Request-ID: ([0-9a-f]{32})|X-Amzn-Trace-Id: Root=1-([0-9a-f]{8})-([0-9a-f]{24}))\r?$/im

/** By process id, those that are proxies: they have chosen where something goes. */
export function proxyPinsOf(reader: TraceReader): ReadonlyMap<string, ProxyPins> {
  const { events: e, refs } = reader.trace
  const found = new Map<string, { ports: Set<number>; ids: Set<string>; chosen: Map<string, string[]> }>()
  for (let s = 0; s < e.length; s++) {
    if (e.kind[s] === STEP.proxyRoute) {
      const step = reader.step(s)
      if (step.kind !== 'proxy.route') continue
      const of = found.get(step.process) ?? { ports: new Set(), ids: new Set(), chosen: new Map() }
      found.set(step.process, of)
      const { service = '', endpoint } = step
      if (endpoint !== undefined) of.chosen.set(service, [...(of.chosen.get(service) ?? []), endpoint])
    } else if (e.kind[s] === STEP.born && e.a[s] === FROM_SOCKET) {
      const of = found.get(refs[e.c[s] ?? -1] ?? '')
      if (of === undefined) continue
      const p = reader.packetAt(reader.packetOf(s), s)
      const opens = p.protocol === IPPROTO.TCP ? (p.tcpFlags & (TCP.SYN | TCP.ACK)) === TCP.SYN : isOwnUdp(reader, s)
      if (opens) of.ports.add(p.sport)
      const id = p.protocol === IPPROTO.TCP && p.payload.length > 0 ? ID.exec(fromUtf8(p.payload)) : null
      if (id !== null) of.ids.add(id[1] ?? `${id[2]}${id[3]}`)
    }
  }
  return new Map([...found].map(([process, { ports, ids, chosen }]) => [process, { ports: [...ports], ids: [...ids], chosen }]))
}

/** A datagram of a socket that the proxy opened towards an endpoint: it is connected, the one that clients send to is not. */
function isOwnUdp(reader: TraceReader, seq: number): boolean {
  const cause = reader.event(seq).cause
  const step = cause < 0 ? undefined : reader.step(cause)
  const socket = step?.kind === 'socket.data' ? reader.versions.near(step.socket, seq) : undefined
  return socket?.kind === 'socket' && socket.remote !== undefined
}

/** `NAME` of `--NAME VALUE`. */
const optionOf = (p: ProcessRecord, name: string): string | undefined => {
  const at = p.argv.indexOf(name)
  return at < 0 ? undefined : p.argv[at + 1]
}

function flavourOf(p: ProcessRecord): Flavour | undefined {
  if (p.argv[0] === 'nginx-ingress-controller') return nginxFlavour
  return p.argv[0] === 'alb' ? albFlavour(optionOf(p, '--ingress') ?? '') : undefined
}

export interface ProxyCommand {
  readonly command: string
  /** A socket that listens once it runs. */
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

/** The helper's command for a reverse proxy, undefined for any other process. */
export function reverseProxyCommand(world: World, p: ProcessRecord, pins: ProxyPins | undefined): ProxyCommand | undefined {
  const flavour = flavourOf(p)
  if (flavour === undefined) return undefined
  const own = p.argv.find((w) => w.startsWith('--http-port='))?.slice('--http-port='.length) ?? optionOf(p, '-p')
  const port = Number(own ?? 80)
  const config = {
    flavour: flavour.name,
    port,
    tries: flavour.tries,
    connectTimeout: flavour.connectTimeout / 1e9,
    readTimeout: flavour.readTimeout / 1e9,
    ports: pins?.ports ?? [],
    ids: pins?.ids ?? [],
    routes: flavour.routes(world).map((r) => ({
      ...r,
      targets: turned(
        r.targets.map((t) => [formatIpv4(t.address), t.port] as const),
        pins?.chosen.get(r.service)?.[0],
      ),
    })),
  }
  return { command: `python3 "$HELPER" reverse-proxy ${shellWord(JSON.stringify(config))}`, protocol: 'tcp', port }
}

/**
 * The helper's command for kube-proxy in userspace mode, with its sockets as the world has them; undefined for any other
 * process. Endpoints come in the order in which the engine's run went to them.
 */
export function userspaceProxyCommand(world: World, p: ProcessRecord, pins: ProxyPins | undefined): ProxyCommand | undefined {
  if (p.argv[0] !== 'kube-proxy') return undefined
  const sockets = viewOf(world)
    .list('socket', p.netns)
    .filter((s) => s.process === p.id)
  const portals = sockets.map(({ protocol, local, origin }) => {
    const [what, name = ''] = (origin.detail ?? '').split(' ')
    const service = { namespace: origin.object?.namespace ?? 'default', service: origin.object?.name ?? '', portName: name }
    const chosen = pins?.chosen.get(servicePortText(service)) ?? endpointsOf(world, service).targets.map(targetText)
    return { protocol, port: local.port, held: what !== 'proxyPort', turns: chosen.map(hostAndPort) }
  })
  const first = sockets[0]
  if (first === undefined) return undefined
  const config = shellWord(JSON.stringify({ portals, ports: pins?.ports ?? [] }))
  const command = `python3 "$HELPER" userspace-proxy ${config} "$OUT/closed-${p.netns.slice('netns:'.length)}"`
  return { command, protocol: first.protocol === 'udp' ? 'udp' : 'tcp', port: first.local.port }
}

/** The helper's command for a load balancer that ends connections; undefined for any other process. */
export function l4ProxyCommand(world: World, p: ProcessRecord, pins: ProxyPins | undefined): ProxyCommand | undefined {
  if (p.argv[0] !== 'l4-proxy') return undefined
  const path = optionOf(p, '--targets') ?? ''
  const file = viewOf(world)
    .list('file', p.netns)
    .find((f) => f.path === path)
  const portals = [...proxyTargets(file?.content ?? '')].map(([port, targets]) => {
    const chosen = pins?.chosen.get(`${optionOf(p, '--service')}:${port}`) ?? targets.map(targetText)
    return { protocol: 'tcp', port, held: false, turns: chosen.map(hostAndPort) }
  })
  const [first] = portals
  if (first === undefined) return undefined
  const command = `python3 "$HELPER" userspace-proxy ${shellWord(JSON.stringify({ portals, ports: pins?.ports ?? [] }))}`
  return { command, protocol: 'tcp', port: first.port }
}

const hostAndPort = (t: string) => [t.slice(0, t.lastIndexOf(':')), Number(t.slice(t.lastIndexOf(':') + 1))] as const

/** A ring of targets from the one on that the engine began with. */
function turned<T extends readonly [string, number]>(targets: readonly T[], first: string | undefined): readonly T[] {
  const at = Math.max(
    0,
    targets.findIndex(([address, port]) => `${address}:${port}` === first),
  )
  return [...targets.slice(at), ...targets.slice(0, at)]
}
