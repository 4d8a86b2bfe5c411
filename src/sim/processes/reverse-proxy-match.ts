import type { ProxyRoute } from './reverse-proxy-routes.ts'

/** A Host header's host: without its port, in lower case. */
export const hostOf = (header: string): string => header.replace(/:\d*$/, '').toLowerCase()

/** The path of a request target, without its query: what rules are compared with. */
export function pathOf(target: string): string {
  const path = target.replace(/[?#].*$/, '')
  return path.startsWith('/') ? path : '/'
}

/** networking.k8s.io/v1 IngressRule: the wildcard stands for exactly one label. */
export function hostMatches(pattern: string, host: string): boolean {
  if (pattern === '') return true
  if (!pattern.startsWith('*.')) return pattern === host
  const dot = host.indexOf('.')
  return dot > 0 && host.slice(dot + 1) === pattern.slice(2)
}

/** pathType Prefix: element by element, a trailing slash of the rule does not count. */
export function prefixMatches(rule: string, path: string): boolean {
  const prefix = rule.replace(/\/+$/, '')
  return path === prefix || path.startsWith(`${prefix}/`)
}

/**
 * What ingress-nginx serves a request with. Its server blocks: the very host, else a wildcard, else those for every host; a
 * request never falls from one to the next. In it the exact location, else the longest prefix; ImplementationSpecific is an
 * nginx prefix, character by character. The first Ingress wins where two say the same.
 */
export function nginxRoute(routes: readonly ProxyRoute[], host: string, path: string): ProxyRoute | undefined {
  const rules = routes.filter((r) => !r.isDefault)
  const server =
    rules.find((r) => r.host === host && host !== '')?.host ??
    rules.find((r) => r.host !== '' && hostMatches(r.host, host))?.host ??
    ''
  let best: ProxyRoute | undefined
  for (const r of rules) {
    if (r.host !== server || !nginxPathMatches(r, path)) continue
    if (best === undefined || precedes(r, best)) best = r
  }
  if (best !== undefined) return best
  // A default backend answers for its own Ingress's hosts, and for hosts that nobody claims.
  const owners = new Set(rules.filter((r) => r.host === server).map((r) => r.ingress))
  return routes.find((r) => r.isDefault && (server === '' || owners.has(r.ingress)))
}

function nginxPathMatches(r: ProxyRoute, path: string): boolean {
  switch (r.type) {
    case 'Exact':
      return path === r.path
    case 'Prefix':
      return prefixMatches(r.path, path)
    case 'ImplementationSpecific':
      return path.startsWith(r.path)
  }
}

const precedes = (a: ProxyRoute, b: ProxyRoute): boolean => {
  if (a.type === 'Exact' || b.type === 'Exact') return a.type === 'Exact' && b.type !== 'Exact'
  return a.path.length > b.path.length
}

/**
 * What the rules of a cloud's application load balancer say, as the AWS Load Balancer Controller makes them: the first that
 * fits, and for each host exact paths first, prefixes from long to short, then patterns (`*` any characters, `?` one) in the
 * order given (sortIngressPaths).
 */
export function albRoute(routes: readonly ProxyRoute[], host: string, path: string): ProxyRoute | undefined {
  const hosts = [...new Set(routes.filter((r) => !r.isDefault).map((r) => r.host))]
  for (const h of hosts) {
    if (!wildcard(h === '' ? '*' : h, host)) continue
    const own = routes.filter((r) => !r.isDefault && r.host === h)
    const sorted = [
      ...own.filter((r) => r.type === 'Exact'),
      ...own.filter((r) => r.type === 'Prefix').toSorted((a, b) => b.path.length - a.path.length),
      ...own.filter((r) => r.type === 'ImplementationSpecific'),
    ]
    const found = sorted.find((r) => albPathMatches(r, path))
    if (found !== undefined) return found
  }
  return routes.find((r) => r.isDefault)
}

function albPathMatches(r: ProxyRoute, path: string): boolean {
  switch (r.type) {
    case 'Exact':
      return path === r.path
    case 'Prefix':
      return prefixMatches(r.path, path)
    case 'ImplementationSpecific':
      return wildcard(r.path, path)
  }
}

function wildcard(pattern: string, text: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`).test(text)
}
