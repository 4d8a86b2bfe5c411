import { formatMac, macHi, macLo } from '../net/address.ts'
import type { DeviceRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { deviceName, devicesOf } from './names.ts'
import { vxlanWords } from './vxlan.ts'

export interface LinkOptions {
  /** -d */
  readonly details?: boolean
  /** -br */
  readonly brief?: boolean
  /** -o */
  readonly oneline?: boolean
  /** -s */
  readonly statistics?: boolean
  /** Which devices; all when absent. */
  readonly select?: (device: DeviceRecord) => boolean
}

/** `ip [-d] [-br] [-o] [-s] link` (iproute2 6.1, ip/ipaddress.c print_linkinfo). */
export function printIpLink(view: WorldView, netns: string, options: LinkOptions = {}): string {
  return devicesOf(view, netns)
    .filter(options.select ?? (() => true))
    .map((d) => {
      if (options.brief) return `${briefName(view, d)}${formatMac(d.mac)} ${flags(view, d)} \n`
      const lines = [header(view, d, 'mode DEFAULT '), ...linkLines(view, d, options.details ?? false, 'addrgenmode eui64 ')]
      if (options.statistics) lines.push(...statistics(view, d))
      return joined(lines, options.oneline)
    })
    .join('')
}

/** -o puts a backslash where the line would break. */
export const joined = (lines: readonly string[], oneline: boolean | undefined): string => `${lines.join(oneline ? '\\' : '\n')}\n`

/** `2: cbr0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000`. */
export function header(view: WorldView, d: DeviceRecord, mode = ''): string {
  const master = d.master ? `master ${deviceName(view, d.master.bridge)} ` : ''
  return `${d.ifindex}: ${nameAndLink(view, d)}: ${flags(view, d)} mtu ${d.mtu} qdisc ${qdisc(d)} ${master}state ${operstate(view, d)} ${mode}group default qlen 1000`
}

export const briefName = (view: WorldView, d: DeviceRecord): string =>
  `${nameAndLink(view, d).padEnd(16)} ${operstate(view, d).padEnd(14)} `

/** `veth1a2b@if2` for a peer in another namespace, `veth0@veth1` for one in the same. */
export function nameAndLink(view: WorldView, d: DeviceRecord): string {
  if (d.link.kind !== 'veth') return d.name
  const peer = view.get('device', d.link.peer)
  if (peer === undefined) {
    const unknown = /\/if(\d+)$/.exec(d.link.peer)
    return `${d.name}@if${unknown?.[1] ?? 0}`
  }
  return peer.netns === d.netns ? `${d.name}@${peer.name}` : `${d.name}@if${peer.ifindex}`
}

/** netif_carrier_ok(): whether a cable, a peer or a port with carrier is there. */
export function hasCarrier(view: WorldView, d: DeviceRecord): boolean {
  switch (d.link.kind) {
    case 'veth':
      return view.get('device', d.link.peer)?.up ?? true
    case 'physical':
      return d.link.peer !== undefined && (view.get('device', d.link.peer)?.up ?? true)
    case 'bridge':
      return view.list('device', d.netns).some((p) => p.master?.bridge === d.id && p.up && hasCarrier(view, p))
    default:
      return true
  }
}

/** `<NO-CARRIER,BROADCAST,MULTICAST,UP>`: print_link_flags(). */
export function flags(view: WorldView, d: DeviceRecord): string {
  const carrier = hasCarrier(view, d)
  const kind = d.link.kind
  const out = [
    d.up && !carrier ? 'NO-CARRIER' : '',
    kind === 'loopback' ? 'LOOPBACK' : 'BROADCAST',
    kind === 'dummy' ? 'NOARP' : kind === 'loopback' ? '' : 'MULTICAST',
    d.up ? 'UP' : '',
    d.up && carrier ? 'LOWER_UP' : '',
  ]
  return `<${out.filter((f) => f !== '').join(',')}>`
}

function qdisc(d: DeviceRecord): string {
  if (!d.up) return 'noop'
  return d.link.kind === 'physical' ? 'fq_codel' : 'noqueue'
}

const NEVER_REPORTS: ReadonlySet<string> = new Set(['loopback', 'dummy', 'vxlan', 'unknown'])

/** RFC 2863 operational state. lo, dummy devices and tunnels never report one. */
export function operstate(view: WorldView, d: DeviceRecord): string {
  if (!d.up) return 'DOWN'
  if (NEVER_REPORTS.has(d.link.kind)) return 'UNKNOWN'
  return hasCarrier(view, d) ? 'UP' : 'DOWN'
}

/** The lines below the header: `link/ether …` and, with -d, what the kind has to say. */
export function linkLines(view: WorldView, d: DeviceRecord, details: boolean, addrgenmode = ''): string[] {
  const loopback = d.link.kind === 'loopback'
  const brd = loopback ? '00:00:00:00:00:00' : 'ff:ff:ff:ff:ff:ff'
  const link = `    link/${loopback ? 'loopback' : 'ether'} ${formatMac(d.mac)} brd ${brd}${linkNetns(view, d)}`
  if (!details) return [link]
  const port = d.master === undefined ? 0 : 1
  const mtus = loopback ? 'minmtu 0 maxmtu 0 ' : 'minmtu 68 maxmtu 65535 '
  const first = `${link} promiscuity ${port}  allmulti ${port} ${mtus}`
  const queues = `numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535 tso_max_size ${d.link.kind === 'physical' ? 65536 : 524280} tso_max_segs 65535 gro_max_size 65536 `
  const lines = [first]
  const kind = kindLine(view, d)
  if (kind !== undefined) lines.push(kind)
  if (d.master) lines.push(slaveLine(view, d))
  lines[lines.length - 1] += `${addrgenmode}${queues}`
  return lines
}

/** ` link-netnsid N` for a veth whose peer is elsewhere: numbered in the order in which this namespace first met the others. */
export function linkNetns(view: WorldView, d: DeviceRecord): string {
  if (d.link.kind !== 'veth') return ''
  const elsewhere: string[] = []
  for (const other of devicesOf(view, d.netns)) {
    if (other.link.kind !== 'veth') continue
    const peer = view.get('device', other.link.peer)
    const where = peer?.netns ?? other.link.peer
    if (peer?.netns === d.netns) continue
    if (!elsewhere.includes(where)) elsewhere.push(where)
    if (other.id === d.id) return ` link-netnsid ${elsewhere.indexOf(where)}`
  }
  return ''
}

/** `8000.a:58:a:f4:1:1`: ip prints bridge ids without leading zeros. */
const shortId = (mac: number): string =>
  `8000.${formatMac(mac)
    .split(':')
    .map((o) => Number.parseInt(o, 16).toString(16))
    .join(':')}`

function kindLine(view: WorldView, d: DeviceRecord): string | undefined {
  switch (d.link.kind) {
    case 'veth':
    case 'dummy':
      return `    ${d.link.kind} `
    case 'vxlan':
      return `    ${vxlanWords(d.link, (id) => deviceName(view, id))} `
    case 'unknown':
      return `    ${d.link.type} `
    case 'bridge':
      return `    bridge forward_delay 1500 hello_time 200 max_age 2000 ageing_time ${Math.round(d.link.ageing / 10_000_000)} stp_state 0 priority 32768 vlan_filtering 0 vlan_protocol 802.1Q bridge_id ${shortId(d.mac)} designated_root ${shortId(d.mac)} root_port 0 root_path_cost 0 topology_change 0 topology_change_detected 0 hello_timer    0.00 tcn_timer    0.00 topology_change_timer    0.00 gc_timer    0.00 group_fwd_mask 0 group_address 01:80:c2:00:00:00 mcast_snooping 1 no_linklocal_learn 0 mcast_vlan_snooping 0 mcast_router 1 mcast_query_use_ifaddr 0 mcast_querier 0 mcast_hash_elasticity 16 mcast_hash_max 4096 mcast_last_member_count 2 mcast_startup_query_count 2 mcast_last_member_interval 100 mcast_membership_interval 26000 mcast_querier_interval 25500 mcast_query_interval 12500 mcast_query_response_interval 1000 mcast_startup_query_interval 3125 mcast_stats_enabled 0 mcast_igmp_version 2 mcast_mld_version 1 nf_call_iptables 0 nf_call_ip6tables 0 nf_call_arptables 0 `
    default:
      return undefined
  }
}

const onOff = (v: boolean): string => (v ? 'on' : 'off')

/** STP path cost by speed (br_if.c port_cost): veth reports 10 Gb/s, a device of unknown speed counts as 10 Mb/s. */
export const portCost = (d: DeviceRecord): number => (d.link.kind === 'veth' ? 2 : d.link.kind === 'physical' ? 4 : 100)

function slaveLine(view: WorldView, d: DeviceRecord): string {
  const m = d.master
  if (m === undefined) return ''
  const bridge = shortId(view.get('device', m.bridge)?.mac ?? 0)
  const number = m.port.toString(16)
  const state = d.up && hasCarrier(view, d) ? 'forwarding' : 'disabled'
  return `    bridge_slave state ${state} priority 32 cost ${portCost(d)} hairpin ${onOff(m.hairpin)} guard off root_block off fastleave off learning ${onOff(m.learning)} flood ${onOff(m.flood)} port_id 0x8${number.padStart(3, '0')} port_no 0x${number} designated_port ${32768 + m.port} designated_cost 0 designated_bridge ${bridge} designated_root ${bridge} hold_timer    0.00 message_age_timer    0.00 forward_delay_timer    0.00 topology_change_ack 0 config_pending 0 proxy_arp off proxy_arp_wifi off mcast_router 1 mcast_fast_leave off mcast_flood on bcast_flood on mcast_to_unicast off neigh_suppress off group_fwd_mask 0 group_fwd_mask_str 0x0 vlan_tunnel off isolated off locked off `
}

/** Columns as wide as their widest number, at least as their heading (print_stats64). */
function statistics(view: WorldView, d: DeviceRecord): string[] {
  const row = (bytes: number, packets: number, dropped: number) => [bytes, packets, 0, dropped, 0, 0]
  const rx = row(view.cell(d.id, 'rxBytes'), view.cell(d.id, 'rxPackets'), view.cell(d.id, 'rxDropped'))
  const tx = row(view.cell(d.id, 'txBytes'), view.cell(d.id, 'txPackets'), view.cell(d.id, 'txDropped'))
  const width = [6, 7, 6, 7, 7, 7].map((w, i) => Math.max(w, String(rx[i]).length, String(tx[i]).length))
  const line = (cells: readonly (string | number)[]) => cells.map((c, i) => String(c).padStart(width[i] ?? 0)).join(' ')
  return [
    `    RX: ${line(['bytes', 'packets', 'errors', 'dropped', ' missed', '  mcast'])}           `,
    `        ${line(rx)} `,
    `    TX: ${line(['bytes', 'packets', 'errors', 'dropped', 'carrier', 'collsns'])}           `,
    `        ${line(tx)} `,
  ]
}

/** EUI-48 as the kernel compares bridge ports: the smallest address becomes the bridge's. */
export const macOrder = (a: number, b: number): number => macHi(a) - macHi(b) || macLo(a) - macLo(b)
