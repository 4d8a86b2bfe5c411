import { ok } from '../base/result.ts'
import { formatIpv4, formatMac, type Ipv4, type Mac, parseIpv4, parseMac } from '../net/address.ts'
import type { DeviceRecord, FdbRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { flags, hasCarrier, nameAndLink, portCost } from './ip-link.ts'
import { deviceName, devicesOf, integer, secondsBetween } from './names.ts'
import { numberedLines, type TextResult, textError, wordsOf } from './text.ts'

export interface FdbOptions {
  /** -s: seconds since the entry was used and updated. */
  readonly statistics?: boolean
  /** `br NAME` */
  readonly bridge?: string
  /** `dev NAME`: every line would repeat it, so it is left out. */
  readonly device?: string
}

/** `bridge [-s] fdb [show] [br NAME] [dev NAME]` (iproute2 6.1, bridge/fdb.c print_fdb), port by port. */
export function printBridgeFdb(view: WorldView, netns: string, o: FdbOptions = {}): string {
  let out = ''
  const entries = view.list('fdb', netns)
  for (const d of devicesOf(view, netns)) {
    if (o.device !== undefined && d.name !== o.device) continue
    for (const e of entries) {
      if (e.port !== d.id || (o.bridge !== undefined && deviceName(view, e.bridge) !== o.bridge)) continue
      out += `${formatFdb(view, e, o)}\n`
    }
  }
  return out
}

export function formatFdb(view: WorldView, e: FdbRecord, o: FdbOptions = {}): string {
  const dev = o.device === undefined ? `dev ${deviceName(view, e.port)} ` : ''
  if (e.remote !== undefined) return `${formatMac(e.mac)} ${dev}dst ${formatIpv4(e.remote)} self ${e.static ? 'permanent' : ''}`
  const age = (field: 'used' | 'updated') => secondsBetween(view.cell(e.id, field), view.now)
  const used = o.statistics ? `used ${age('used')}/${age('updated')} ` : ''
  return `${formatMac(e.mac)} ${dev}${used}master ${deviceName(view, e.bridge)} ${e.local ? 'permanent' : e.static ? 'static' : ''}`
}

export interface ParsedFdb {
  readonly line: number
  readonly mac: Mac
  readonly device: string
  /** Absent for `self` entries, which belong to the device's own driver (VXLAN, the NIC's filters). */
  readonly master?: string
  readonly vlan?: number
  /** The remote VTEP of a VXLAN entry. */
  readonly dst?: Ipv4
  readonly permanent: boolean
  readonly static: boolean
}

/** Reads what `bridge fdb [show]` prints, with -s, -d and timestamps. */
export function parseBridgeFdb(text: string, device?: string): TextResult<ParsedFdb[]> {
  const out: ParsedFdb[] = []
  for (const { line, text: t } of numberedLines(text)) {
    if (t.startsWith('#') || t.startsWith('[')) continue
    const words = wordsOf(t)
    const mac = parseMac(words[0] ?? '')
    if (!mac.ok) return textError('bridge fdb', line, words[0] ?? '', mac.error.expected)
    const after = (key: string) => {
      const i = words.indexOf(key)
      return i < 0 ? undefined : words[i + 1]
    }
    const dev = after('dev') ?? device
    if (dev === undefined) return textError('bridge fdb', line, t, 'dev and a port')
    const master = after('master')
    const vlan = integer(after('vlan'))
    const dst = parseIpv4(after('dst') ?? '')
    out.push({
      line,
      mac: mac.value,
      device: dev,
      ...(master === undefined ? {} : { master }),
      ...(vlan === undefined ? {} : { vlan }),
      ...(dst.ok ? { dst: dst.value } : {}),
      permanent: words.includes('permanent'),
      static: words.includes('static'),
    })
  }
  return ok(out)
}

/** The remote end of a VXLAN entry, for a note. */
export const formatVtep = (e: ParsedFdb): string => `${formatMac(e.mac)} at ${e.dst === undefined ? '?' : formatIpv4(e.dst)}`

/** Ports of every bridge, by ifindex. */
const portsOf = (view: WorldView, netns: string): DeviceRecord[] => devicesOf(view, netns).filter((d) => d.master !== undefined)

/** `bridge [-d] link [show] [dev NAME]` (iproute2 6.1, bridge/link.c print_linkinfo). */
export function printBridgeLink(
  view: WorldView,
  netns: string,
  o: { readonly details?: boolean; readonly device?: string } = {},
): string {
  const onOff = (v: boolean) => (v ? 'on' : 'off')
  return portsOf(view, netns)
    .filter((d) => o.device === undefined || d.name === o.device)
    .map((d) => {
      const state = d.up && hasCarrier(view, d) ? 'forwarding' : 'disabled'
      const line = `${d.ifindex}: ${nameAndLink(view, d)}: ${flags(view, d)} mtu ${d.mtu} master ${deviceName(view, d.master?.bridge)} state ${state} priority 32 cost ${portCost(d)} \n`
      if (!o.details || !d.master) return line
      return `${line}    hairpin ${onOff(d.master.hairpin)} guard off root_block off fastleave off learning ${onOff(d.master.learning)} flood ${onOff(d.master.flood)} mcast_flood on bcast_flood on mcast_router 1 mcast_to_unicast off neigh_suppress off vlan_tunnel off isolated off locked off \n`
    })
    .join('')
}

export interface ParsedBridgePort {
  readonly line: number
  readonly ifindex: number
  readonly device: string
  readonly master: string
  readonly hairpin: boolean
  readonly learning: boolean
  readonly flood: boolean
}

/** Reads what `bridge [-d] link` prints. */
export function parseBridgeLink(text: string): TextResult<ParsedBridgePort[]> {
  const out: ParsedBridgePort[] = []
  for (const { line, text: t } of numberedLines(text)) {
    const words = wordsOf(t)
    const on = (key: string, otherwise: boolean) => {
      const i = words.indexOf(key)
      return i < 0 ? otherwise : words[i + 1] === 'on'
    }
    if (/^\s/.test(t)) {
      const last = out.pop()
      if (last) out.push({ ...last, hairpin: on('hairpin', false), learning: on('learning', true), flood: on('flood', true) })
      continue
    }
    const head = /^(\d+): ([^:@]+)(?:@\S+)?:/.exec(t)
    if (!head) return textError('bridge link', line, t, 'a port such as "3: veth1@if2: <…> mtu 1500 master cbr0 …"')
    const master = words[words.indexOf('master') + 1]
    if (!words.includes('master') || master === undefined || master === head[2]) continue
    out.push({
      line,
      ifindex: Number(head[1]),
      device: head[2] ?? '',
      master,
      hairpin: false,
      learning: true,
      flood: true,
    })
  }
  return ok(out)
}
