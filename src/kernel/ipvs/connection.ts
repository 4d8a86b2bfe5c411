import { type Ipv4, ipv4 } from '../../net/address.ts'
import { IPPROTO } from '../../net/packet.ts'
import type { IpvsConnectionId, NetnsId } from '../../world/ids.ts'
import type { IpvsConnectionRecord, Origin } from '../../world/records.ts'
import type { RealServer } from './service.ts'
import { TCP_STATES } from './tcp-states.ts'

const KERNEL: Origin = { component: 'kernel' }
/** ip_vs_conn_new(): a connection that nothing has happened to yet. */
const NEW_TIMEOUT = 3_000_000_000
/** IP_VS_CTPL_S_ASSURED */
export const TEMPLATE_ASSURED = 1

export interface ConnectionParams {
  readonly protocol: number
  readonly caddr: number
  readonly cport: number
  readonly vaddr: number
  readonly vport: number
}

/** struct ip_vs_conn. Addresses and ports as unsigned integers, times in ns. */
export class Connection implements ConnectionParams {
  readonly id: IpvsConnectionId
  /** recorder ref of the id */
  readonly ref: number
  readonly protocol: number
  readonly caddr: number
  cport: number
  readonly vaddr: number
  vport: number
  readonly daddr: number
  dport: number
  readonly server: RealServer
  readonly template: boolean
  /** IP_VS_CONN_F_NFCT: conntrack goes along. */
  readonly nfct: boolean
  /** IP_VS_CONN_F_INACTIVE */
  inactive = true
  /** IP_VS_CONN_F_NOOUTPUT: no reply has passed here. */
  noOutput: boolean
  state = 0
  timeout = NEW_TIMEOUT
  /** Virtual time at which the timer runs out. */
  expires = 0
  /** The template that it follows, and how many follow this one. */
  control: Connection | undefined = undefined
  controls = 0
  hashed = false
  /** What the world holds; undefined when it is gone. */
  record: IpvsConnectionRecord | undefined = undefined
  /** Next in the table's bucket. */
  next: Connection | undefined = undefined

  constructor(
    id: { readonly id: IpvsConnectionId; readonly ref: number },
    of: ConnectionParams,
    to: { readonly server: RealServer; readonly dport: number; readonly template: boolean; readonly nfct: boolean },
  ) {
    this.id = id.id
    this.ref = id.ref
    this.protocol = of.protocol
    this.caddr = of.caddr
    this.cport = of.cport
    this.vaddr = of.vaddr
    this.vport = of.vport
    this.server = to.server
    this.daddr = to.server.address
    this.dport = to.dport
    this.template = to.template
    this.nfct = to.nfct
    this.noOutput = to.server.record.forwarding !== 'masq'
  }

  /** ip_vs_state_name() */
  get stateName(): string {
    if (this.template) return this.state === TEMPLATE_ASSURED ? 'ASSURED' : 'NONE'
    return this.protocol === IPPROTO.TCP ? (TCP_STATES[this.state] ?? 'ERR!') : 'UDP'
  }
}

const PROTOCOL_NAMES: Readonly<Record<number, IpvsConnectionRecord['protocol']>> = {
  [IPPROTO.TCP]: 'tcp',
  [IPPROTO.UDP]: 'udp',
  [IPPROTO.SCTP]: 'sctp',
}

/** The record that shows the connection as it stands. */
export function connectionRecord(c: Connection, netns: NetnsId): IpvsConnectionRecord {
  const at = (address: number, port: number): { readonly address: Ipv4; readonly port: number } => ({
    address: ipv4(address),
    port,
  })
  return {
    kind: 'ipvs-connection',
    id: c.id,
    netns,
    protocol: PROTOCOL_NAMES[c.protocol] ?? 'tcp',
    client: at(c.caddr, c.cport),
    virtual: at(c.vaddr, c.vport),
    destination: at(c.daddr, c.dport),
    server: c.server.record.id,
    forwarding: c.server.record.forwarding,
    state: c.stateName,
    template: c.template,
    active: !c.inactive && !c.template,
    origin: KERNEL,
  }
}
