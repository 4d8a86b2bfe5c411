import type { ProxyEndpoint } from '../endpoints-map.ts'
import { comment, dnatToEndpoint, fromIp, jump, protocol, recentCheck, recentSet, statisticRandom } from '../rule.ts'
import type { ProxyServicePort } from '../service-map.ts'
import { MASQ, made } from './draft.ts'
import { probability } from './names.ts'
import type { Sync } from './service.ts'

const note = ({ withComments }: Sync, text: string) => (withComments ? [comment(text)] : [])

/**
 * writeServiceToEndpointRules: first a rule an endpoint for clients that were there lately (ClientIP affinity), then a rule an
 * endpoint, each taking its share of what the rules before it left.
 */
export function writeServiceToEndpoints(
  sync: Sync,
  chain: string,
  port: ProxyServicePort,
  endpoints: readonly ProxyEndpoint[],
): void {
  const { affinitySeconds } = port
  const withChain = endpoints.map(({ text }) => ({ text, sep: sync.chainOf(port, text) }))
  if (affinitySeconds !== undefined) {
    for (const { sep, text } of withChain) {
      const lately = recentCheck(sep, affinitySeconds)
      sync.nat.add(chain, made(`affinity to ${text}`, port), ...note(sync, `${port.name} -> ${text}`), lately, jump(sep))
    }
  }
  withChain.forEach(({ sep, text }, i) => {
    const left = withChain.length - i
    const share = left > 1 ? [statisticRandom(probability(left))] : []
    const origin = made(`endpoint ${i + 1} of ${withChain.length}`, port)
    sync.nat.add(chain, origin, ...note(sync, `${port.name} -> ${text}`), ...share, jump(sep))
  })
}

/** The endpoints' own chains. */
export function writeEndpointChains(sync: Sync, port: ProxyServicePort, endpoints: readonly ProxyEndpoint[]): void {
  const { nat } = sync
  for (const { text, address, port: number } of endpoints) {
    const sep = sync.chainOf(port, text)
    const named = note(sync, port.name)
    const remember = port.affinitySeconds === undefined ? [] : [recentSet(sep)]
    const origin = made(`endpoint ${text}`, port)
    nat.chain(sep, origin)
    nat.add(sep, made('hairpin: the endpoint reaches itself', port), ...named, fromIp(address), jump(MASQ))
    nat.add(sep, origin, ...named, ...remember, protocol(port.protocol), dnatToEndpoint(address, number))
  }
}
