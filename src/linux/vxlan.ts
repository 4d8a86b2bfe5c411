import { formatIpv4, formatMac, type Ipv4, parseIpv4 } from '../net/address.ts'
import { type DeviceId, deviceId, netnsId, tunnelFdbId } from '../world/ids.ts'
import type { DeviceLink, FdbRecord, Origin } from '../world/records.ts'
import type { ParsedFdb } from './bridge.ts'
import { integer } from './names.ts'

type VxlanLink = Extract<DeviceLink, { kind: 'vxlan' }>

/** What `ip -d link` says of a VXLAN device (iproute2 6.1, ip/iplink_vxlan.c vxlan_print_opt), from the kind on. */
export function vxlanWords(link: VxlanLink, nameOf: (device: DeviceId) => string): string {
  const words = [
    `vxlan id ${link.vni}`,
    link.local === undefined ? '' : `local ${formatIpv4(link.local)}`,
    link.device === undefined ? '' : `dev ${nameOf(link.device)}`,
    `srcport 0 0 dstport ${link.port}`,
    link.learning ? '' : 'nolearning',
    `ttl auto ageing ${Math.round(link.ageing / 1e9)} udpcsum noudp6zerocsumtx noudp6zerocsumrx`,
  ]
  return words.filter((w) => w !== '').join(' ')
}

/** What of a VXLAN device the text tells and the engine models; `other` names the first word that it does not. */
export type ParsedVxlan =
  | { readonly kind: 'modelled'; readonly link: Omit<VxlanLink, 'device'>; readonly device: string | undefined }
  | { readonly kind: 'other'; readonly word: string }

/** Words that the rest of the line begins with: the kind's own end there. */
const BEHIND = new Set([
  'addrgenmode',
  'numtxqueues',
  'numrxqueues',
  'gso_max_size',
  'tso_max_size',
  'gro_max_size',
  'gso_max_segs',
])
/** Each with what alone is modelled of it. */
const FIXED: ReadonlyMap<string, string> = new Map([
  ['ttl', 'auto'],
  ['tos', '0'],
  ['flowlabel', '0x00000'],
  ['df', 'unset'],
])
/** What says nothing that changes a packet's way: IPv6's checksums, and messages to user space. */
const IDLE = new Set([
  'learning',
  'udpcsum',
  'noudp6zerocsumtx',
  'noudp6zerocsumrx',
  'udp6zerocsumtx',
  'udp6zerocsumrx',
  'l2miss',
  'l3miss',
  'localbypass',
])

/** Reads the words of `ip -d link` behind `vxlan`, or those of `ip link add … type vxlan`. */
export function parseVxlanWords(words: readonly string[]): ParsedVxlan {
  let vni: number | undefined
  let port = 4789
  let ageing = 300
  let learning = true
  let local: VxlanLink['local']
  let device: string | undefined
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    const value = () => words[++i] ?? ''
    if (BEHIND.has(word)) break
    if (word === 'vxlan' || IDLE.has(word)) continue
    if (word === 'nolearning') learning = false
    else if (word === 'id') vni = integer(value())
    else if (word === 'dstport') port = integer(value()) ?? port
    else if (word === 'ageing') ageing = integer(value()) ?? ageing
    else if (word === 'dev') device = value()
    else if (word === 'local') {
      const address = parseIpv4(value())
      if (!address.ok) return { kind: 'other', word: 'local6' }
      local = address.value
    } else if (word === 'srcport') {
      if (value() !== '0' || value() !== '0') return { kind: 'other', word }
    } else if (FIXED.has(word)) {
      const found = value()
      if (found !== FIXED.get(word)) return { kind: 'other', word: `${word} ${found}` }
    } else return { kind: 'other', word }
  }
  if (vni === undefined) return { kind: 'other', word: 'no id' }
  const link = { kind: 'vxlan', vni, port, learning, ageing: ageing * 1e9, ...(local === undefined ? {} : { local }) } as const
  return { kind: 'modelled', link, device }
}

/** A VXLAN device's own forwarding entry, as `bridge fdb` prints it: `MAC dev flannel.1 dst 192.168.1.12 self permanent`. */
export function tunnelEntry(netns: string, e: ParsedFdb, remote: Ipv4, origin: Origin): FdbRecord {
  const device = deviceId(netns, e.device)
  return {
    kind: 'fdb',
    id: tunnelFdbId(netns, e.device, formatMac(e.mac), formatIpv4(remote)),
    netns: netnsId(netns),
    bridge: device,
    mac: e.mac,
    port: device,
    local: false,
    static: e.permanent || e.static,
    remote,
    origin,
  }
}
