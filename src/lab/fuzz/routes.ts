import type { FuzzHost } from './case.ts'

/** The kernel refuses a gateway that it cannot reach on a link: an address's subnet, or a route to the gateway itself. */
export function reachable(host: Pick<FuzzHost, 'addresses'>, routes: readonly string[]): string[] {
  const onLink = (gateway: string) =>
    routes.some((r) => r.startsWith(`${gateway} dev `) && !r.includes(' table ')) ||
    host.addresses.some((a) => a.cidr.endsWith('/24') && a.cidr.startsWith(gateway.slice(0, gateway.lastIndexOf('.') + 1)))
  return routes.filter((r) => {
    const gateway = / via (\S+) /.exec(r)?.[1]
    return gateway === undefined || r.endsWith(' onlink') || onLink(gateway)
  })
}
