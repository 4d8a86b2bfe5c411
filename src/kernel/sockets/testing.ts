import { prng } from '../../base/prng.ts'
import { formatIpv4, type Ipv4, ipv4 } from '../../net/address.ts'
import { emitPacket } from '../../net/emit.ts'
import { ETH_P, ICMP, IPPROTO, Packet, TCP } from '../../net/packet.ts'
import { decodeTcpOptions, summarizeTcpOption } from '../../net/tcp-options.ts'
import { STEP } from '../../trace/columns.ts'
import { TraceRecorder } from '../../trace/recorder.ts'
import { DROP_REASONS, type DropReason, ROUTE_RESULTS, type RouteResult } from '../../trace/step.ts'
import { netnsId, type RecordId } from '../../world/ids.ts'
import type { NetnsRecord, SocketRecord, WorldRecord } from '../../world/records.ts'
import type { Device, Kernel, LocalOut, Namespace, Path, RouteLookup, SendResult, Skb, Timer } from '../types.ts'
import { createSockets, type SocketsApi } from './sockets.ts'

// Namespaces joined by nothing but a delay, for the tests of sockets and programs: no device, no ARP, no netfilter. A filter
// stands in the middle and may lose a packet or answer it with an ICMP error.

export interface Frame {
  readonly pkt: Packet
  readonly from: TestHost
  /** From 1, in the order they were sent. */
  readonly number: number
}
export type Fate = 'pass' | 'lose' | { readonly icmp: { readonly type: number; readonly code: number; readonly info?: number } }

export interface TestHost {
  readonly ns: Namespace
  readonly sockets: SocketsApi
  readonly address: Ipv4
  readonly device: Device
  /** What the route lookup says, instead of "forward". */
  route: RouteResult
  /** What netfilter's OUTPUT says. */
  output: SendResult
}

interface Pending {
  readonly at: number
  readonly order: number
  fn: (() => void) | undefined
}

const ONE_WAY = 500_000

/** A virtual network of hosts `a.b.c.d`; `latency` in ns one way. */
export class TestWire {
  readonly rec: TraceRecorder
  readonly hosts: TestHost[] = []
  readonly log: string[] = []
  filter: (frame: Frame) => Fate = () => 'pass'
  latency = ONE_WAY
  mtu = 1500
  readonly #kernel: Kernel
  readonly #events: Pending[] = []
  readonly #first = new Map<string, number>()
  #order = 0
  #frames = 0

  constructor(
    hosts: readonly { readonly name: string; readonly address: string }[],
    sockets: readonly SocketRecord[] = [],
    seed = 1,
  ) {
    const world = new Map<RecordId, WorldRecord>()
    for (const h of hosts) world.set(netnsId(h.name), netnsRecord(h.name))
    for (const s of sockets) world.set(s.id, s)
    this.rec = new TraceRecorder(world)
    const wire = this
    const rng = prng(seed)
    this.#kernel = {
      rec: this.rec,
      rng,
      get now() {
        return wire.rec.now
      },
      schedule: (delay, fn) => wire.#schedule(delay, fn),
      namespaces: new Map(),
    }
    for (const h of hosts) this.hosts.push(this.#host(h.name, address(h.address)))
  }

  host(i: number): TestHost {
    const h = this.hosts[i]
    if (h === undefined) throw new Error(`no host ${i}`)
    return h
  }

  get now(): number {
    return this.rec.now
  }

  /** Runs what is due within `duration` ns from now; everything when it is left out. */
  run(duration = Number.POSITIVE_INFINITY): void {
    const end = this.rec.now + duration
    for (;;) {
      this.#events.sort((a, b) => a.at - b.at || a.order - b.order)
      const next = this.#events[0]
      if (next === undefined || next.at > end) break
      this.#events.shift()
      if (next.fn === undefined) continue
      this.rec.now = next.at
      next.fn()
    }
    if (Number.isFinite(end)) this.rec.now = end
  }

  /** Records of a kind in the world of this moment. */
  socketsOf(host: TestHost): string[] {
    return [...this.rec.world.values()].flatMap((r) =>
      r.kind === 'socket' && r.netns === host.ns.record.id ? [describeSocket(r)] : [],
    )
  }

  /** Puts a packet on the wire as if `from` had sent it. */
  inject(from: TestHost, pkt: Packet): void {
    pkt.etherType = ETH_P.IP
    if (pkt.ttl === 0) pkt.ttl = 64
    this.#carry(from, pkt, -1)
  }

  #schedule(delay: number, fn: () => void): Timer {
    const item: Pending = { at: this.rec.now + delay, order: this.#order++, fn }
    this.#events.push(item)
    return {
      cancel: () => {
        item.fn = undefined
      },
    }
  }

  #host(name: string, own: Ipv4): TestHost {
    const ids = new Map<string, number>()
    const record = netnsRecord(name)
    const device = { name: 'eth0', addresses: [{ address: own, prefixLength: 24, scope: 'global' }] } as unknown as Device
    Object.defineProperty(device, 'mtu', { get: () => this.mtu })
    const lo = { name: 'lo', mtu: 65536, addresses: [] } as unknown as Device
    const partial: Omit<Namespace, 'sockets' | 'fib' | 'netfilter'> = {
      kernel: this.#kernel,
      record,
      name,
      ref: this.rec.ref(record.id),
      devices: new Map([
        ['lo', lo],
        ['eth0', device],
      ]),
      loopback: lo,
      sysctl: (key) => SYSCTLS[key] ?? 0,
      sysctlRef: () => -1,
      nextId: (kind) => {
        const n = (ids.get(kind) ?? 0) + 1
        ids.set(kind, n)
        return n
      },
      nextIpId: () => 0,
    }
    const isOwn = (a: number) => a === own || a >>> 24 === 127
    const host = { route: 'forward', output: 'OK', address: own, device } as unknown as TestHost & {
      ns: Namespace
      sockets: SocketsApi
    }
    const ns = partial as Namespace
    const lookup = (dst: number): RouteLookup => {
      const result: RouteResult = isOwn(dst) ? 'local' : dst === 0xffffffff ? 'broadcast' : host.route
      const dev = result === 'local' ? lo : device
      return {
        result: ROUTE_RESULTS.indexOf(result),
        route: undefined,
        policyRule: undefined,
        nexthop: 0,
        gateway: 0,
        device: dev,
        source: result === 'local' ? dst : own,
      }
    }
    Object.assign(ns, {
      fib: {
        lookup: (flow: { dst: number }) => lookup(flow.dst),
        addressType: (a: number) => (isOwn(a) ? 'LOCAL' : 'UNICAST'),
        selectSource: () => own,
      },
    })
    Object.assign(host, { ns, sockets: createSockets(ns, this.#path(host)) })
    return host
  }

  #path(host: TestHost): Path {
    return {
      localOut: (_ns, pkt, options) => this.#send(host, pkt, options),
      icmpSend: (_ns, offending, type, code, info = 0) => this.#icmp(host, offending, { type, code, info }),
      sendReset: () => {},
      drop: (skb, reason) => this.#drop(skb, reason),
      undetermined: (skb, _kind, what) => {
        skb.cause = this.rec.step(STEP.undetermined, skb, this.rec.text(what), -1)
        this.log.push(`${this.#clock()} undetermined: ${what}`)
      },
      reroute: () => true,
    }
  }

  #drop(skb: Skb, reason: DropReason): void {
    skb.cause = this.rec.step(STEP.drop, skb, DROP_REASONS.indexOf(reason), -1)
    this.log.push(`${this.#clock()} drop ${reason.replace('SKB_DROP_REASON_', '')}`)
  }

  #send(host: TestHost, pkt: Packet, options: LocalOut): SendResult {
    if (host.output !== 'OK') return host.output
    if (options.cause > this.rec.last) throw new Error('a packet is caused by the future')
    pkt.ttl ||= 64
    if (pkt.src === 0) pkt.src = pkt.dst >>> 24 === 127 ? pkt.dst : host.address
    this.#carry(host, pkt, options.cause)
    return 'OK'
  }

  #carry(from: TestHost, pkt: Packet, cause: number): void {
    const number = ++this.#frames
    const n = this.rec.packet(pkt)
    const at = { packet: n, cause, netns: from.ns.ref, device: -1 }
    const born = this.rec.step(STEP.born, at, 0, -1, -1)
    const fate = this.filter({ pkt, from, number })
    this.log.push(`${this.#clock()} ${this.describe(pkt)}${fate === 'lose' ? '  LOST' : ''}`)
    const to = this.hosts.find((h) => h.address === pkt.dst) ?? (pkt.dst >>> 24 === 127 ? from : undefined)
    if (fate === 'lose' || (to === undefined && fate === 'pass')) return
    if (fate !== 'pass') {
      const skb = makeSkb(from.ns, pkt, n, born)
      this.#icmp(from, skb, { info: 0, ...fate.icmp })
      return
    }
    if (to === undefined) return
    this.#schedule(to === from ? 0 : this.latency, () => this.#arrive(to, makeSkb(to.ns, new Packet().copyFrom(pkt), n, born)))
  }

  #arrive(to: TestHost, skb: Skb): void {
    const { pkt } = skb
    if (pkt.protocol === IPPROTO.TCP) to.sockets.tcpReceive(skb)
    else if (pkt.protocol === IPPROTO.UDP) to.sockets.udpReceive(skb)
    else if (pkt.icmpType === ICMP.ECHO) this.#echo(to, skb)
    else if (pkt.icmpType === ICMP.ECHO_REPLY) {
      if (!to.sockets.icmpReceive(skb)) this.#drop(skb, 'SKB_DROP_REASON_NO_SOCKET')
    } else this.#error(to, skb)
  }

  #echo(to: TestHost, skb: Skb): void {
    skb.cause = this.rec.step(STEP.deliver, skb, 1, -1)
    const reply = new Packet().copyFrom(skb.pkt)
    reply.src = skb.pkt.dst
    reply.dst = skb.pkt.src
    reply.icmpType = ICMP.ECHO_REPLY
    reply.ttl = 64
    this.#carry(to, reply, skb.cause)
  }

  #error(to: TestHost, skb: Skb): void {
    skb.cause = this.rec.step(STEP.deliver, skb, 1, -1)
    const { payload } = skb.pkt
    const view = new DataView(payload.buffer, payload.byteOffset)
    const header = (view.getUint8(0) & 15) * 4
    const quoted = {
      protocol: view.getUint8(9),
      src: view.getUint32(12),
      dst: view.getUint32(16),
      sport: view.getUint16(header),
      dport: view.getUint16(header + 2),
    }
    to.sockets.icmpError(skb, quoted, skb.pkt.icmpType, skb.pkt.icmpCode, skb.pkt.icmpRest & 0xffff)
  }

  /** From `host`, or from the router of the network when the offender was on its way. */
  #icmp(host: TestHost, offending: Skb, e: { type: number; code: number; info: number }): void {
    const p = new Packet()
    p.etherType = ETH_P.IP
    p.protocol = IPPROTO.ICMP
    p.ttl = 64
    p.src = offending.pkt.dst === host.address ? host.address : ROUTER
    p.dst = offending.pkt.src
    p.icmpType = e.type
    p.icmpCode = e.code
    p.icmpRest = e.info
    const bare = new Packet().copyFrom(offending.pkt)
    bare.etherType = 0
    p.payload = emitPacket(bare).slice(0, 548)
    const n = this.rec.packet(p)
    const born = this.rec.step(STEP.born, { packet: n, cause: offending.cause, netns: host.ns.ref, device: -1 }, 2, -1, -1)
    this.log.push(`${this.#clock()} ${this.describe(p)}`)
    const to = this.hosts.find((h) => h.address === p.dst)
    if (to !== undefined) this.#schedule(this.latency, () => this.#arrive(to, makeSkb(to.ns, p, n, born)))
  }

  #clock(): string {
    return (this.rec.now / 1e6).toFixed(1).padStart(9)
  }

  /** One line as tcpdump would say it, sequence numbers relative to each end's first. */
  describe(p: Packet): string {
    const ends = `${short(p.src)} > ${short(p.dst)}`
    if (p.protocol === IPPROTO.ICMP) return `${ends} ICMP ${p.icmpType}/${p.icmpCode} rest ${p.icmpRest.toString(16)}`
    if (p.protocol === IPPROTO.UDP) return `${ends} UDP :${p.dport} length ${p.payload.length}`
    const own = `${p.src}:${p.sport}`
    const other = `${p.dst}:${p.dport}`
    if ((p.tcpFlags & TCP.SYN) !== 0) this.#first.set(own, p.seq)
    const relative = (n: number, key: string) => (n - (this.#first.get(key) ?? n)) >>> 0
    const flags = FLAGS.filter(([bit]) => (p.tcpFlags & bit) !== 0)
      .map(([, c]) => c)
      .join('')
    const seq = relative(p.seq, own)
    const range = p.payload.length > 0 ? `${seq}:${seq + p.payload.length}` : `${seq}`
    const ack = (p.tcpFlags & TCP.ACK) !== 0 ? ` ack ${relative(p.ack, other)}` : ''
    const sack = decodeTcpOptions(p.options).find((o) => o.option.kind === 'sack')?.option
    const blocks =
      sack?.kind === 'sack'
        ? ` sack ${sack.blocks.map((b) => `${relative(b.left, other)}:${relative(b.right, other)}`).join(',')}`
        : ''
    return `${ends} [${flags}] ${range}${ack} win ${p.window}${blocks}`
  }
}

const ROUTER = 0x0a000001
const FLAGS: readonly (readonly [number, string])[] = [
  [TCP.SYN, 'S'],
  [TCP.FIN, 'F'],
  [TCP.RST, 'R'],
  [TCP.PSH, 'P'],
  [TCP.ACK, '.'],
]
const SYSCTLS: Readonly<Record<string, number>> = {
  'net.ipv4.tcp_syn_retries': 6,
  'net.ipv4.tcp_synack_retries': 5,
  'net.ipv4.tcp_retries2': 15,
}

export const address = (text: string): Ipv4 => ipv4(text.split('.').reduce((n, part) => n * 256 + Number(part), 0))
const short = (a: number): string => formatIpv4(a).replace(/^.*\./, '.')

const netnsRecord = (name: string): NetnsRecord => ({
  kind: 'netns',
  id: netnsId(name),
  name,
  role: name.startsWith('pod/') ? 'pod' : 'node',
  origin: { component: 'user' },
})

const describeSocket = (r: SocketRecord): string => {
  const end = (e: { address: Ipv4; port: number }) => `${formatIpv4(e.address)}:${e.port}`
  const owner = r.process === undefined ? '' : ` ${r.process}`
  return `${r.protocol} ${r.state} ${r.receiveQueue} ${r.sendQueue} ${end(r.local)} ${r.remote === undefined ? '*' : end(r.remote)}${owner}`
}

export const optionsText = (p: Packet): string =>
  decodeTcpOptions(p.options)
    .map((o) => summarizeTcpOption(o.option).replace(/val \d+ ecr \d+/, 'val V'))
    .join(',')

function makeSkb(ns: Namespace, pkt: Packet, packet: number, cause: number): Skb {
  return {
    packet,
    cause,
    netns: ns.ref,
    device: -1,
    pkt,
    inDev: ns.devices.get('eth0'),
    outDev: undefined,
    mark: 0,
    packetType: 0,
    ct: undefined,
    ctInfo: 0,
    dst: undefined,
    physIn: undefined,
    physOut: undefined,
    traced: false,
    socket: undefined,
    gateway: 0,
  } as Skb
}
