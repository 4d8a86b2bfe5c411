import { formatIpv4, type Ipv4 } from '../../../net/address.ts'
import { ipsetId, ipvsDestinationId, ipvsServiceId, netnsId } from '../../../world/ids.ts'
import type { IpsetRecord, IpvsDestinationRecord, IpvsServiceRecord } from '../../../world/records.ts'
import type { IpAddress } from '../ip.ts'
import { made } from '../iptables/draft.ts'
import type { IpvsSync } from './proxier.ts'

/** Virtual servers, real servers and sets of a sync as records of a node. IPv4: an address of the other family is our own bug. */
export function ipvsRecords(netns: string, sync: IpvsSync): (IpvsServiceRecord | IpvsDestinationRecord | IpsetRecord)[] {
  const node = netnsId(netns)
  const servers = sync.virtualServers.flatMap((v): (IpvsServiceRecord | IpvsDestinationRecord)[] => {
    const { address, port, protocol, scheduler, flags, persistence, servicePort } = v
    const at = `${protocol}/${address.text}:${port}`
    const id = ipvsServiceId(netns, at)
    return [
      {
        kind: 'ipvs-service',
        id,
        netns: node,
        protocol,
        address: v4(address),
        port,
        scheduler,
        flags,
        ...(persistence === undefined ? {} : { persistence }),
        origin: made('virtual server', servicePort),
      },
      ...v.destinations.map(
        (d): IpvsDestinationRecord => ({
          kind: 'ipvs-destination',
          id: ipvsDestinationId(netns, at, `${formatIpv4(v4(d.address))}:${d.port}`),
          netns: node,
          service: id,
          address: v4(d.address),
          port: d.port,
          weight: d.weight,
          forwarding: 'masq',
          origin: made('real server', servicePort),
        }),
      ),
    ]
  })
  const sets = sync.ipsets.map(
    (s): IpsetRecord => ({
      kind: 'ipset',
      id: ipsetId(netns, s.name),
      netns: node,
      name: s.name,
      type: s.type,
      options: s.options,
      entries: s.entries,
      origin: made(s.comment),
    }),
  )
  return [...servers, ...sets]
}

function v4(a: IpAddress): Ipv4 {
  if (a.family !== 'IPv4') throw new Error(`the engine has no record for ${a.text}`)
  return a.value
}
