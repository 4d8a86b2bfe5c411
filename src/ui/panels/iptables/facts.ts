import type { PacketFacts } from '../../../kernel/netfilter/near-miss.ts'
import { contains, isMulticast } from '../../../net/address.ts'
import type { Session } from '../../../store/session.ts'
import { CT_INFOS } from '../../../trace/step.ts'
import type { HookName } from '../../../world/netfilter.ts'
import { type ConntrackRecord, RT_TABLE } from '../../../world/records.ts'
import type { WorldView } from '../../../world/world.ts'
import { deviceName } from '../../place.ts'

const IN_HOOKS: readonly HookName[] = ['PREROUTING', 'INPUT', 'FORWARD']
const OUT_HOOKS: readonly HookName[] = ['FORWARD', 'OUTPUT', 'POSTROUTING']

/** inet_addr_type(): what the local table says an address is; what it does not know is UNICAST. */
function addressType(view: WorldView, netns: string, address: number): ReturnType<PacketFacts['addressType']> {
  if (address >>> 24 === 0 || address >>> 0 === 0xffffffff) return 'BROADCAST'
  if (isMulticast(address)) return 'MULTICAST'
  let best = -1
  let type: ReturnType<PacketFacts['addressType']> = 'UNICAST'
  for (const route of view.list('route', netns)) {
    if (route.table !== RT_TABLE.local || route.prefixLength <= best) continue
    if (!contains({ address: route.dst, length: route.prefixLength }, address)) continue
    best = route.prefixLength
    type = route.type === 'local' ? 'LOCAL' : route.type === 'broadcast' ? 'BROADCAST' : 'UNICAST'
  }
  return type
}

/**
 * The packet as the rules of a chain met it, from the steps of its hop up to `seq`, the step that entered the chain: header
 * fields and mark, devices, and the connection it belonged to.
 */
export function factsAt(session: Session, seq: number): PacketFacts | undefined {
  const { reader, hops, timeline } = session
  const index = hops.hopOf(seq)
  const packet = reader.packetOf(seq)
  if (index < 0 || packet < 0) return undefined
  const hop = hops.hop(index)
  let hook: HookName | undefined
  let out: string | undefined
  let conntrack: ConntrackRecord | undefined
  let ctInfo = CT_INFOS.length - 1
  const view = timeline.at(seq)
  for (const s of hops.stepsOf(index)) {
    if (s > seq) break
    const step = reader.step(s)
    if (step.kind === 'hook') hook = step.hook
    else if (step.kind === 'route' && step.outDevice !== undefined) out = step.outDevice
    else if (step.kind === 'ct.lookup') {
      ctInfo = CT_INFOS.indexOf(step.info)
      conntrack = step.conntrack === undefined ? undefined : view.get('conntrack', step.conntrack)
    }
  }
  // It came in through the device of the hop before, when that was in this namespace.
  const mine = hops.hopsOf(packet)
  const before = mine[mine.indexOf(index) - 1]
  const came = before === undefined ? undefined : hops.hop(before)
  const inDevice = came?.netns === hop.netns ? (came.device ?? hop.device) : hop.device
  const wants = (list: readonly HookName[]) => hook !== undefined && list.includes(hook)
  return {
    packet: reader.packetAt(packet, seq),
    mark: reader.markAt(packet, seq),
    ...(inDevice !== undefined && wants(IN_HOOKS) ? { inDevice: deviceName(inDevice) } : {}),
    ...(out !== undefined && wants(OUT_HOOKS) ? { outDevice: deviceName(out) } : {}),
    ...(conntrack === undefined ? {} : { conntrack }),
    ctInfo,
    ipsets: view.list('ipset', hop.netns),
    addressType: (address) => addressType(view, hop.netns, address),
  }
}
