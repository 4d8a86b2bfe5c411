import { parseBridgeFdb } from '../../linux/bridge.ts'
import { tunnelEntry } from '../../linux/vxlan.ts'
import { formatMac } from '../../net/address.ts'
import { deviceId, fdbId } from '../../world/ids.ts'
import { refuseDevice } from './routes.ts'
import type { OverrideTarget } from './target.ts'

/**
 * Forwarding databases that are known before the first packet, as `bridge fdb` prints them: what bridges have learned, and the
 * remote ends that VXLAN devices know. The kernel's own entries (a port's address, the addresses that a NIC listens to) are not
 * taken from the text: they follow from the devices.
 */
export function replaceFdb(target: OverrideTarget, text: string): void {
  const parsed = parseBridgeFdb(text)
  if (!parsed.ok) {
    target.refuse('fdb', parsed.error)
    return
  }
  target.remove(target.list('fdb'))
  for (const e of parsed.value) {
    const device = target.device(e.device)
    if (device === undefined) {
      refuseDevice(target, 'fdb', 'bridge fdb', e.device, e.line)
      continue
    }
    const origin = target.origin('fdb', e.line)
    if (e.dst !== undefined && device.link.kind === 'vxlan') target.put(tunnelEntry(target.name, e, e.dst, origin))
    if (e.master === undefined || e.permanent) continue
    target.put({
      kind: 'fdb',
      id: fdbId(target.name, e.master, formatMac(e.mac), e.device),
      netns: target.netns,
      bridge: deviceId(target.name, e.master),
      mac: e.mac,
      port: device.id,
      local: false,
      static: e.static,
      origin,
    })
  }
}
