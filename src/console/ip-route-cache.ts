import { devicesOf } from '../linux/names.ts'
import { formatIpv4 } from '../net/address.ts'
import type { RouteException } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'

const SECOND = 1_000_000_000

/** `<redirected> expires 299sec `: what rtnl_put_cacheinfo() and RTCF_REDIRECTED make iproute2 say (print_cache_flags()). */
export const learntFlags = (e: RouteException, now: number): string =>
  `<redirected> expires ${Math.floor((e.expires - now) / SECOND)}sec `

/** `ip route show cache`: since Linux 3.6 only what was learnt of single addresses (fnhe_dump_bucket()). */
export function learntRoutes(view: WorldView, netns: string): string {
  const names = new Map<string, string>(devicesOf(view, netns).map((d) => [d.id, d.name]))
  const lines = view.list('route', netns).flatMap((route) =>
    (route.exceptions ?? []).map((e) => {
      const device = names.get(route.nexthops[e.nexthop]?.device ?? '') ?? 'lo'
      return `${formatIpv4(e.address)} via ${formatIpv4(e.gateway)} dev ${device} \n    cache ${learntFlags(e, view.now)}\n`
    }),
  )
  return lines.join('')
}
