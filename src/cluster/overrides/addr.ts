import { type ParsedLink, parseIpAddr } from '../../linux/ip-addr-parse.ts'
import { parseVxlanWords } from '../../linux/vxlan.ts'
import { formatIpv4, type Mac } from '../../net/address.ts'
import { addressId, deviceId } from '../../world/ids.ts'
import { localRoutes } from '../../world/local-routes.ts'
import type { DeviceLink, DeviceRecord } from '../../world/records.ts'
import type { OverrideTarget } from './target.ts'

const AGEING = 300_000_000_000
const DEFAULT_MTU = 1500

/**
 * The devices that the text names get its state, MTU, hardware address, master and addresses; a name that was not generated
 * is a new device. Devices that it does not name stay as they are: their other ends are somebody else's. The kernel's own
 * routes follow from the addresses that there are then.
 */
export function replaceLinks(target: OverrideTarget, text: string): void {
  const parsed = parseIpAddr(text)
  if (!parsed.ok) {
    target.refuse('addr', parsed.error)
    return
  }
  const origin = target.origin('addr')
  const named = new Set(parsed.value.map((l) => deviceId(target.name, l.name)))
  target.remove(target.list('address').filter((a) => named.has(a.device)))
  for (const link of parsed.value) {
    target.put(deviceOf(target, link, parsed.value))
    for (const { secondary, ...a } of link.addresses) {
      target.put({
        kind: 'address',
        id: addressId(target.name, link.name, `${formatIpv4(a.address)}/${a.prefixLength}`),
        netns: target.netns,
        device: deviceId(target.name, link.name),
        ...a,
        ...(secondary ? { secondary: true } : {}),
        origin,
      })
    }
  }
  target.remove(target.list('route').filter((r) => r.protocol === 'kernel' && r.origin.component === 'kernel'))
  const kernel = { component: 'kernel' } as const
  for (const r of localRoutes(target.netns, target.list('device'), target.list('address'), kernel)) target.put(r)
}

function deviceOf(target: OverrideTarget, link: ParsedLink, all: readonly ParsedLink[]): DeviceRecord {
  const known = target.device(link.name)
  const { master: kept, ...rest } = known ?? {
    kind: 'device' as const,
    id: deviceId(target.name, link.name),
    netns: target.netns,
    ifindex: link.ifindex ?? Math.max(0, ...target.list('device').map((d) => d.ifindex)) + 1,
    name: link.name,
    mac: 0 as Mac,
    mtu: DEFAULT_MTU,
    link: linkOf(target, link, all),
    master: undefined,
  }
  const master = link.master === undefined ? undefined : masterOf(target, link.master, kept)
  return {
    ...rest,
    mac: link.mac ?? rest.mac,
    mtu: link.mtu ?? rest.mtu,
    up: link.flags.length > 0 ? link.flags.includes('UP') : link.state !== 'DOWN',
    ...(master === undefined ? {} : { master }),
    origin: known === undefined ? target.origin('addr') : known.origin,
  }
}

function linkOf(target: OverrideTarget, link: ParsedLink, all: readonly ParsedLink[]): DeviceLink {
  if (link.type === 'loopback' || link.name === 'lo') return { kind: 'loopback' }
  if (link.kind === 'bridge' || all.some((l) => l.master === link.name)) return { kind: 'bridge', ageing: AGEING }
  if (link.kind === 'dummy') return { kind: 'dummy' }
  if (link.kind === 'veth' && link.peer !== undefined && all.some((l) => l.name === link.peer)) {
    return { kind: 'veth', peer: deviceId(target.name, link.peer) }
  }
  if (link.kind === 'vxlan') {
    const vxlan = parseVxlanWords(link.kindWords ?? [])
    if (vxlan.kind === 'modelled')
      return { ...vxlan.link, ...(vxlan.device === undefined ? {} : { device: deviceId(target.name, vxlan.device) }) }
  }
  if (link.kind === undefined && link.peer === undefined) return { kind: 'physical', latency: 0 }
  return { kind: 'unknown', type: link.kind ?? link.type ?? 'unknown' }
}

/** A port keeps its number on its bridge; a new one gets the next. */
function masterOf(target: OverrideTarget, name: string, kept: DeviceRecord['master']): NonNullable<DeviceRecord['master']> {
  const bridge = deviceId(target.name, name)
  if (kept?.bridge === bridge) return kept
  const ports = target.list('device').flatMap((d) => (d.master?.bridge === bridge ? [d.master.port] : []))
  return { bridge, port: Math.max(0, ...ports) + 1, hairpin: false, learning: true, flood: true }
}
