import { IPPROTO, skbLength, TCP } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { HOOK, IPVS_DIRECTIONS, IPVS_REASONS } from '../../trace/step.ts'
import type { StepAt } from '../../trace/trace.ts'
import type { IpvsDestinationRecord, IpvsServiceRecord } from '../../world/records.ts'
import type { Conntrack } from '../conntrack/conntrack.ts'
import type { NetDevice } from '../device.ts'
import type { NetworkNamespace } from '../namespace.ts'
import type { NamespaceNetfilter } from '../netfilter/netfilter.ts'
import { PRIORITY } from '../netfilter/priorities.ts'
import { drop, undetermined } from '../path/hop.ts'
import { icmpSend } from '../path/icmp.ts'
import { lookupOutput, noteRoute, PURPOSE_REROUTE, ROUTE_LOCAL, reroute } from '../path/route.ts'
import type { SkBuff } from '../skb.ts'
import { NF_ACCEPT, NF_DROP, NF_STOLEN, PACKET_HOST, type Skb } from '../types.ts'
import type { Connection } from './connection.ts'
import { Connections } from './connections.ts'
import { natIcmp, quotedOf } from './icmp.ts'
import type { RealServer, VirtualService } from './service.ts'
import { Services } from './services.ts'
import { countConnection, countIn, countOut } from './stats.ts'
import { type IpvsSettings, ipvsSettings } from './sysctls.ts'
import { TCP_S } from './tcp-states.ts'
import { followConntrack, isFragment, rewriteReply, routeError, sendOrContinue, xmit } from './xmit.ts'

const REASON = {
  scheduler: IPVS_REASONS.indexOf('scheduler'),
  template: IPVS_REASONS.indexOf('template'),
  none: IPVS_REASONS.indexOf('none'),
} as const
const DIRECTION = {
  request: IPVS_DIRECTIONS.indexOf('request'),
  reply: IPVS_DIRECTIONS.indexOf('reply'),
  requestError: IPVS_DIRECTIONS.indexOf('request-error'),
  replyError: IPVS_DIRECTIONS.indexOf('reply-error'),
} as const
const FTP_PORT = 21
const FTP_DATA_PORT = 20
const PORT_UNREACHABLE = 3

/** What scheduling came to: a connection, a verdict with the packet's end written where it is not NF_ACCEPT. */
type Scheduling = Connection | number

interface IpvsRecords {
  readonly services: readonly IpvsServiceRecord[]
  readonly destinations: readonly IpvsDestinationRecord[]
}

/** ip_vs_core.c for one namespace. */
export class Ipvs {
  readonly services: Services
  readonly #ns: NetworkNamespace
  readonly #conntrack: Conntrack
  readonly #connections: Connections
  readonly #settings: IpvsSettings
  readonly #netfilter: NamespaceNetfilter
  #registered = false

  constructor(ns: NetworkNamespace, netfilter: NamespaceNetfilter, records: IpvsRecords) {
    this.#ns = ns
    this.#netfilter = netfilter
    this.#conntrack = netfilter.conntrack
    this.#settings = ipvsSettings(ns)
    this.#connections = new Connections(ns, this.#conntrack, this.#settings)
    this.services = new Services(ns.kernel.rec)
    this.replace(records, { packet: -1, cause: -1, netns: ns.ref, device: -1 })
  }

  /**
   * What `ipvsadm` was told since: services and real servers are added, edited and removed. Connections stay, and with
   * net.ipv4.vs.expire_nodest_conn go where their real server has: as steps at `at`.
   */
  replace({ services, destinations }: IpvsRecords, at: StepAt): void {
    const removed = this.services.replace(services, destinations, this.#ns.kernel.now)
    if (services.length > 0) this.#register()
    if (removed && this.#settings.expireNodestConn) this.#connections.expireNodest(at)
  }

  /** Connections whose time is over end. */
  expire(at: StepAt): void {
    this.#connections.sweep(at)
  }

  /** ip_vs_ops[], which are registered with the first service. */
  #register(): void {
    if (this.#registered) return
    this.#registered = true
    const { NAT_SRC, NAT_DST } = PRIORITY
    const add = (hook: number, priority: number, run: (skb: SkBuff) => number) =>
      this.#netfilter.register({ hook, priority, run: (skb: Skb) => run(skb as SkBuff) })
    add(HOOK.INPUT, NAT_SRC - 2, (skb) => this.#out(skb, HOOK.INPUT)) // ip_vs_reply4
    add(HOOK.INPUT, NAT_SRC - 1, (skb) => this.#in(skb, HOOK.INPUT)) // ip_vs_remote_request4
    add(HOOK.OUTPUT, NAT_DST + 1, (skb) => this.#out(skb, HOOK.OUTPUT)) // ip_vs_local_reply4
    add(HOOK.OUTPUT, NAT_DST + 2, (skb) => this.#in(skb, HOOK.OUTPUT)) // ip_vs_local_request4
    add(HOOK.FORWARD, 99, (skb) => this.#forwardIcmp(skb)) // ip_vs_forward_icmp
    add(HOOK.FORWARD, 100, (skb) => this.#out(skb, HOOK.FORWARD)) // ip_vs_reply4
  }

  #drop(skb: SkBuff, decidedBy: number): number {
    drop(skb, 'SKB_DROP_REASON_NETFILTER_DROP', decidedBy)
    return NF_DROP
  }

  #serviceOf(server: RealServer): VirtualService | undefined {
    return this.services.byRef(server.serviceRef)
  }

  /** ip_vs_out(): is it a reply, or an error about one? */
  #out(skb: SkBuff, hook: number): number {
    const { pkt } = skb
    if (skb.ipvsProperty || !this.services.enabled) return NF_ACCEPT
    if (pkt.protocol === IPPROTO.ICMP) return this.#outIcmp(skb, hook)
    if (pkt.protocol !== IPPROTO.TCP && pkt.protocol !== IPPROTO.UDP) return NF_ACCEPT
    if (isFragment(pkt)) return this.#fragment(skb)
    this.#connections.sweep(skb)
    const c = this.#connections.table.findOut(pkt.protocol, pkt.src, pkt.sport, pkt.dst, pkt.dport)
    if (c !== undefined && c.server.record.forwarding === 'masq') return this.#handleResponse(skb, c, hook)
    if (c === undefined && this.#settings.natIcmpSend && this.services.hasReal(pkt.protocol, pkt.src, pkt.sport)) {
      if (pkt.protocol === IPPROTO.TCP && (pkt.tcpFlags & TCP.RST) !== 0) return NF_ACCEPT
      icmpSend(this.#ns, skb, 3, PORT_UNREACHABLE)
      return this.#drop(skb, this.#ns.sysctlRef('net.ipv4.vs.nat_icmp_send'))
    }
    return NF_ACCEPT
  }

  /** handle_response() */
  #handleResponse(skb: SkBuff, c: Connection, hook: number): number {
    const { rec } = this.#ns.kernel
    const length = skbLength(skb.pkt)
    rec.step(STEP.ipvsPacket, skb, c.ref, DIRECTION.reply, length)
    if (c.server.available) countOut(rec, [c.server, this.#serviceOf(c.server)], length)
    rewriteReply(skb, c)
    if (!this.#routeHarder(skb, hook)) return NF_STOLEN
    this.#connections.setState(c, skb, 'output')
    skb.ipvsProperty = true
    followConntrack(skb, c, this.#conntrack, 'client')
    this.#connections.restart(c)
    return NF_ACCEPT
  }

  /** ip_vs_route_me_harder(): a reply is routed like what this host itself sends from the virtual address. False: dropped. */
  #routeHarder(skb: SkBuff, hook: number): boolean {
    if (!this.#settings.snatReroute || hook === HOOK.INPUT || skb.dst?.result === ROUTE_LOCAL) return true
    if (skb.dst !== undefined) return reroute(this.#ns, skb)
    // A bridged frame: the route is looked up and has no effect, but that there is one matters.
    const { dst, src, tos } = skb.pkt
    const route = lookupOutput(this.#ns, { dst, src, mark: skb.mark, tos, oif: undefined })
    noteRoute(skb, PURPOSE_REROUTE, dst, route.found)
    if (route.error === undefined) return true
    drop(skb, 'SKB_DROP_REASON_NOT_SPECIFIED')
    return false
  }

  /** ip_vs_out_icmp(), handle_response_icmp(): an error about a packet to a real server, on its way to the client. */
  #outIcmp(skb: SkBuff, hook: number): number {
    const quoted = quotedOf(skb)
    if (quoted === undefined) return NF_ACCEPT
    this.#connections.sweep(skb)
    const { protocol, src, dst, sport, dport } = quoted
    const c = this.#connections.table.findOut(protocol, dst, dport, src, sport)
    if (c === undefined || c.server.record.forwarding !== 'masq') return NF_ACCEPT
    const { rec } = this.#ns.kernel
    const length = skbLength(skb.pkt)
    rec.step(STEP.ipvsPacket, skb, c.ref, DIRECTION.replyError, length)
    if (c.server.available) countOut(rec, [c.server, this.#serviceOf(c.server)], length)
    natIcmp(skb, c, quoted, 'client')
    if (!this.#routeHarder(skb, hook)) return NF_STOLEN
    skb.ipvsProperty = true
    followConntrack(skb, c, this.#conntrack, 'client')
    return NF_ACCEPT
  }

  /** ip_vs_forward_icmp() */
  #forwardIcmp(skb: SkBuff): number {
    const icmp = skb.pkt.protocol === IPPROTO.ICMP
    return icmp && this.services.enabled && !this.#settings.backupOnly ? this.#inIcmp(skb, HOOK.FORWARD) : NF_ACCEPT
  }

  /** ip_vs_in_icmp(): an error about a packet to the client, on its way to the real server. */
  #inIcmp(skb: SkBuff, hook: number): number {
    const quoted = quotedOf(skb)
    if (quoted === undefined) return NF_ACCEPT
    this.#connections.sweep(skb)
    const { protocol, src, dst, sport, dport } = quoted
    const c = this.#connections.table.findIn(protocol, dst, dport, src, sport)
    if (c === undefined) {
      if (!this.#settings.scheduleIcmp || this.services.find(protocol, src, sport) === undefined) return NF_ACCEPT
      undetermined(skb, 'ipvs', 'net.ipv4.vs.schedule_icmp', this.#ns.sysctlRef('net.ipv4.vs.schedule_icmp'))
      return NF_STOLEN
    }
    const { rec } = this.#ns.kernel
    const length = skbLength(skb.pkt)
    rec.step(STEP.ipvsPacket, skb, c.ref, DIRECTION.requestError, length)
    if (c.server.available) countIn(rec, [c.server, this.#serviceOf(c.server)], length)
    if (c.server.record.forwarding !== 'masq') return xmit(skb, c, this.#conntrack)
    const way = routeError(skb, c, hook === HOOK.FORWARD)
    if (way.kind === 'gone') return NF_STOLEN
    natIcmp(skb, c, quoted, 'server')
    return sendOrContinue(skb, c, this.#conntrack, way)
  }

  /** ip_vs_in(): is it for a virtual server, or of a connection to one? */
  #in(skb: SkBuff, hook: number): number {
    const { pkt } = skb
    if (skb.ipvsProperty || !this.services.enabled || this.#settings.backupOnly) return NF_ACCEPT
    if (skb.packetType !== PACKET_HOST && hook !== HOOK.OUTPUT) return NF_ACCEPT
    if (pkt.protocol === IPPROTO.ICMP) return this.#inIcmp(skb, hook)
    if (pkt.protocol !== IPPROTO.TCP && pkt.protocol !== IPPROTO.UDP) return this.#otherProtocol(skb)
    if (isFragment(pkt)) return this.#fragment(skb)
    this.#connections.sweep(skb)
    const found = this.#connections.table.findIn(pkt.protocol, pkt.src, pkt.sport, pkt.dst, pkt.dport)
    const kept = found === undefined || !this.#isOver(found, skb) ? found : this.#giveUp(found, skb)
    if (kept === 'dropped') return NF_DROP
    const c = kept ?? this.#tryToSchedule(skb)
    if (typeof c === 'number') return c
    const { rec } = this.#ns.kernel
    const length = skbLength(pkt)
    rec.step(STEP.ipvsPacket, skb, c.ref, DIRECTION.request, length)
    if (!c.server.available) return this.#drop(skb, c.server.ref)
    countIn(rec, [c.server, this.#serviceOf(c.server)], length)
    this.#connections.setState(c, skb, 'input')
    this.#connections.restart(c)
    return xmit(skb, c, this.#conntrack)
  }

  /** Its real server is gone, or a SYN comes when that takes no new ones (expire_nodest_conn) or the old one is closed. */
  #isOver(c: Connection, skb: SkBuff): boolean {
    const { connReuseMode, expireNodestConn } = this.#settings
    const { pkt } = skb
    if (expireNodestConn && !c.server.available) return true
    if (pkt.protocol !== IPPROTO.TCP || (pkt.tcpFlags & TCP.SYN) === 0) return false
    if (expireNodestConn && c.server.weight === 0) return true
    // is_new_conn_expected()
    if (connReuseMode === 0 || c.control !== undefined) return false
    const over = c.state === TCP_S.TIME_WAIT || c.state === TCP_S.CLOSE
    return over || ((connReuseMode & 2) !== 0 && c.state === TCP_S.FIN_WAIT && c.noOutput)
  }

  /** The old connection ends; where an entry of conntrack still stands for it, the client has to ask once more. */
  #giveUp(c: Connection, skb: SkBuff): 'dropped' | undefined {
    // ip_vs_conn_uses_old_conntrack()
    const old = skb.ct?.confirmed === true
    const { ref } = c
    this.#connections.destroy(c, skb)
    if (!old) return undefined
    this.#drop(skb, ref)
    return 'dropped'
  }

  /** ip_vs_try_to_schedule(), tcp_conn_schedule(), udp_conn_schedule() */
  #tryToSchedule(skb: SkBuff): Scheduling {
    const { pkt } = skb
    if (pkt.protocol === IPPROTO.TCP) {
      const syn = (pkt.tcpFlags & TCP.SYN) !== 0 || this.#settings.sloppyTcp
      if (!syn || (pkt.tcpFlags & TCP.RST) !== 0) return NF_ACCEPT
    }
    const service = this.services.find(pkt.protocol, pkt.dst, pkt.dport)
    return service === undefined ? NF_ACCEPT : this.#schedule(skb, service)
  }

  /** ip_vs_schedule() */
  #schedule(skb: SkBuff, service: VirtualService): Scheduling {
    const { pkt } = skb
    if (pkt.sport === FTP_DATA_PORT) return NF_ACCEPT
    const { table } = this.#connections
    // A reply of a real server on this host is no new connection.
    const local = skb.inDev === undefined || skb.inDev === (this.#ns.loopback as NetDevice | undefined)
    if (local && table.findIn(pkt.protocol, pkt.dst, pkt.dport, pkt.src, pkt.sport) !== undefined) return NF_ACCEPT
    if (service.persistent) return this.#schedulePersistent(skb, service)
    if (pkt.dport !== service.port) return this.#leave(skb, service)
    const server = this.#choose(skb, service)
    if (typeof server === 'number') return server
    const params = { protocol: pkt.protocol, caddr: pkt.src, cport: pkt.sport, vaddr: pkt.dst, vport: pkt.dport }
    const dport = server.port !== 0 ? server.port : pkt.dport
    const c = this.#connections.create(skb, params, { server, dport, template: false })
    countConnection(this.#ns.kernel.rec, [server, service])
    return c
  }

  /** The scheduler's choice, or what becomes of a packet for which there is none. */
  #choose(skb: SkBuff, service: VirtualService): RealServer | number {
    const { rec } = this.#ns.kernel
    if (service.scheduler === undefined) {
      undetermined(skb, 'ipvs', `IPVS scheduler ${service.record.scheduler}`, service.ref)
      return NF_STOLEN
    }
    const server = service.scheduler.schedule(skb.pkt)
    if (server === undefined) return this.#leave(skb, service)
    rec.step(STEP.ipvsSchedule, skb, service.ref, server.ref, REASON.scheduler, service.scheduler.figure)
    return server
  }

  /** ip_vs_sched_persist(): all connections of a client go where its template says. */
  #schedulePersistent(skb: SkBuff, service: VirtualService): Scheduling {
    const { rec } = this.#ns.kernel
    const { pkt } = skb
    const own = pkt.dport === service.port
    const vport = own && service.port !== FTP_PORT ? pkt.dport : 0
    const who = { protocol: pkt.protocol, caddr: pkt.src, cport: 0, vaddr: pkt.dst, vport }
    let template = this.#connections.table.findTemplate(who)
    if (template !== undefined && !this.#connections.checkTemplate(template, skb)) template = undefined
    if (template === undefined) {
      const server = this.#choose(skb, service)
      if (typeof server === 'number') return server
      const dport = own && service.port !== FTP_PORT ? server.port : 0
      template = this.#connections.create(skb, who, { server, dport, template: true })
      template.timeout = (service.record.persistence ?? 0) * 1e9
    } else rec.step(STEP.ipvsSchedule, skb, service.ref, template.server.ref, REASON.template, 0)
    const { server } = template
    const dport = own && server.port !== 0 ? server.port : pkt.dport
    const params = { protocol: pkt.protocol, caddr: pkt.src, cport: pkt.sport, vaddr: pkt.dst, vport: pkt.dport }
    const c = this.#connections.create(skb, params, { server, dport, template: false })
    this.#connections.control(c, template)
    this.#connections.restart(template)
    countConnection(rec, [server, service])
    return c
  }

  /** ip_vs_leave(): nobody takes it. The client hears "port unreachable", TCP or not. */
  #leave(skb: SkBuff, service: VirtualService): number {
    if (service.port === FTP_PORT && skb.pkt.dport !== FTP_PORT) return NF_ACCEPT
    this.#ns.kernel.rec.step(STEP.ipvsSchedule, skb, service.ref, -1, REASON.none, 0)
    icmpSend(this.#ns, skb, 3, PORT_UNREACHABLE)
    return this.#drop(skb, service.ref)
  }

  /** What IPVS would handle and the engine does not, said so. */
  #otherProtocol(skb: SkBuff): number {
    const { pkt } = skb
    if (pkt.protocol !== IPPROTO.SCTP || !this.services.hasAddress(pkt.protocol, pkt.dst)) return NF_ACCEPT
    undetermined(skb, 'ipvs', 'SCTP through IPVS')
    return NF_STOLEN
  }

  /** ip_vs_gather_frags(): conntrack has put most of them together already. */
  #fragment(skb: SkBuff): number {
    const { pkt } = skb
    const concerns = this.services.hasAddress(pkt.protocol, pkt.dst) || this.services.hasRealAddress(pkt.protocol, pkt.src)
    if (!concerns) return NF_ACCEPT
    undetermined(skb, 'ipvs', 'fragments of an IPVS connection without connection tracking')
    return NF_STOLEN
  }
}
