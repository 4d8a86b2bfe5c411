import { IPPROTO } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { IPVS_CHANGES } from '../../trace/step.ts'
import type { StepAt } from '../../trace/trace.ts'
import { ipvsConnectionId } from '../../world/ids.ts'
import { CELL_FIELDS } from '../../world/world.ts'
import type { Conntrack } from '../conntrack/conntrack.ts'
import { FlowTuple } from '../conntrack/tuple.ts'
import type { Namespace, Skb } from '../types.ts'
import { Connection, type ConnectionParams, connectionRecord, TEMPLATE_ASSURED } from './connection.ts'
import type { RealServer } from './service.ts'
import type { IpvsSettings } from './sysctls.ts'
import { ConnectionTable } from './table.ts'
import { nextTcpState, TCP_S, TCP_TIMEOUTS, type TcpDirection, tcpStateActive, UDP_TIMEOUT } from './tcp-states.ts'

const EXPIRES = CELL_FIELDS.indexOf('expires')
const CHANGE = {
  new: IPVS_CHANGES.indexOf('new'),
  update: IPVS_CHANGES.indexOf('update'),
  destroy: IPVS_CHANGES.indexOf('destroy'),
} as const
/** ip_vs_conn_expire(): a template that others still follow is asked again after a minute. */
const CONTROL_RETRY = 60_000_000_000
const INVALID_PORT = 0xffff

/** ip_vs_conn.c for one namespace. Timers are looked at when something is looked up: what has run out is removed then. */
export class Connections {
  readonly table = new ConnectionTable()
  readonly #ns: Namespace
  readonly #conntrack: Conntrack
  readonly #settings: IpvsSettings
  readonly #tuple = new FlowTuple()
  readonly #texts = new Map<string, number>()
  /** No timer runs out before. */
  #nextExpiry = Number.POSITIVE_INFINITY

  constructor(ns: Namespace, conntrack: Conntrack, settings: IpvsSettings) {
    this.#ns = ns
    this.#conntrack = conntrack
    this.#settings = settings
  }

  /** Removes what has run out. */
  sweep(at: StepAt): void {
    const { now } = this.#ns.kernel
    if (now < this.#nextExpiry) return
    // Those that follow a template first: it must not go before them.
    for (const c of [...this.table.connections]) if (!c.template && c.expires <= now) this.destroy(c, at)
    for (const c of [...this.table.connections]) if (c.template && c.expires <= now) this.#expireTemplate(c, at)
    this.#nextExpiry = Number.POSITIVE_INFINITY
    for (const c of this.table.connections) this.#nextExpiry = Math.min(this.#nextExpiry, c.expires)
  }

  #expireTemplate(c: Connection, at: StepAt): void {
    const { now } = this.#ns.kernel
    if (c.controls === 0) {
      this.destroy(c, at)
      return
    }
    c.timeout = CONTROL_RETRY
    while (c.expires <= now) c.expires += CONTROL_RETRY
    this.#ns.kernel.rec.cell(c.ref, EXPIRES, c.expires)
  }

  /** ip_vs_conn_new(). Writes that there is one. */
  create(
    skb: Skb,
    of: ConnectionParams,
    to: { readonly server: RealServer; readonly dport: number; readonly template: boolean },
  ): Connection {
    const { rec } = this.#ns.kernel
    const id = ipvsConnectionId(this.#ns.name, this.#ns.nextId('ipvsconn'))
    const c = new Connection({ id, ref: rec.ref(id) }, of, { ...to, nfct: this.#settings.conntrack })
    if (c.template) c.server.persistConns++
    else c.server.inactConns++
    this.table.insert(c)
    this.#write(c, skb, CHANGE.new)
    return c
  }

  /** ip_vs_control_add() */
  control(c: Connection, template: Connection): void {
    c.control = template
    template.controls++
  }

  /** ip_vs_conn_put(): the timer starts anew. */
  restart(c: Connection): void {
    if (c.record === undefined) return
    const { now, rec } = this.#ns.kernel
    c.expires = now + c.timeout
    this.#nextExpiry = Math.min(this.#nextExpiry, c.expires)
    rec.cell(c.ref, EXPIRES, c.expires)
  }

  /** ip_vs_set_state(): tcp_state_transition(), udp_state_transition(). */
  setState(c: Connection, skb: Skb, direction: 'input' | 'output'): void {
    const was = c.stateName
    const active = !c.inactive
    if (c.protocol === IPPROTO.TCP) this.#setTcpState(c, skb, direction)
    else {
      c.timeout = UDP_TIMEOUT
      if (direction === 'output') this.#assure(c, skb)
    }
    if (c.stateName !== was || !c.inactive !== active) this.#write(c, skb, CHANGE.update)
  }

  #setTcpState(c: Connection, skb: Skb, direction: 'input' | 'output'): void {
    let way: TcpDirection = direction
    if (c.noOutput) {
      if (direction === 'output') c.noOutput = false
      else way = 'input-only'
    }
    const next = nextTcpState(c.state, way, skb.pkt.tcpFlags)
    if (next !== c.state) {
      const inactive = !tcpStateActive(next)
      if (inactive !== c.inactive) {
        c.server.activeConns += inactive ? -1 : 1
        c.server.inactConns += inactive ? 1 : -1
        c.inactive = inactive
      }
      if (next === TCP_S.ESTABLISHED) this.#assure(c, skb)
    }
    c.state = next
    c.timeout = TCP_TIMEOUTS[next] ?? 0
  }

  /** ip_vs_control_assure_ct() */
  #assure(c: Connection, at: StepAt): void {
    const template = c.control
    if (template === undefined || template.state === TEMPLATE_ASSURED) return
    template.state = TEMPLATE_ASSURED
    if (template.record !== undefined) this.#write(template, at, CHANGE.update)
  }

  /** ip_vs_check_template(): one whose real server may not be used any more is put out of the way. */
  checkTemplate(template: Connection, at: StepAt): boolean {
    const { server } = template
    if (server.available && !(this.#settings.expireQuiescentTemplate && server.weight === 0)) return true
    if (template.vport !== INVALID_PORT) {
      this.table.unhash(template)
      template.dport = template.vport = INVALID_PORT
      template.cport = 0
      this.#write(template, at, CHANGE.update)
    }
    return false
  }

  /** ip_vs_conn_expire(), and ip_vs_conn_expire_now(). */
  destroy(c: Connection, at: StepAt): void {
    if (c.record === undefined) return
    this.table.remove(c)
    if (c.control !== undefined) c.control.controls--
    c.control = undefined
    const { server } = c
    if (c.template) server.persistConns--
    else if (c.inactive) server.inactConns--
    else server.activeConns--
    const { rec } = this.#ns.kernel
    rec.step(STEP.ipvsChange, at, c.ref, CHANGE.destroy, this.#text(c.stateName))
    rec.change({ id: c.id, from: c.record, to: undefined })
    c.record = undefined
    if (c.nfct && c.cport !== 0) this.#dropConntrack(c, at)
  }

  /** ip_vs_expire_nodest_conn_flush(): connections to removed real servers. The kernel's work queue does it a jiffy later. */
  expireNodest(at: StepAt): void {
    for (const c of [...this.table.connections]) if (!c.server.available && c.controls === 0) this.destroy(c, at)
  }

  /** ip_vs_conn_drop_conntrack() */
  #dropConntrack(c: Connection, at: StepAt): void {
    this.#tuple.set(c.caddr, c.vaddr, c.cport, c.vport, c.protocol)
    const node = this.#conntrack.find(this.#tuple, at)
    if (node?.entry.confirmed === true) this.#conntrack.destroy(node.entry, at)
  }

  #write(c: Connection, at: StepAt, change: number): void {
    const { rec } = this.#ns.kernel
    rec.step(STEP.ipvsChange, at, c.ref, change, this.#text(c.stateName))
    const to = connectionRecord(c, this.#ns.record.id)
    rec.change({ id: c.id, from: c.record, to })
    c.record = to
  }

  #text(state: string): number {
    let text = this.#texts.get(state)
    if (text === undefined) {
      text = this.#ns.kernel.rec.text(state)
      this.#texts.set(state, text)
    }
    return text
  }
}
