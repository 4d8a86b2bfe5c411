// The part of /etc/services that people meet in clusters. Others print as `*`.
const NAMES: Readonly<Record<number, string>> = {
  7: 'echo',
  22: 'ssh',
  25: 'smtp',
  53: 'domain',
  80: 'http',
  123: 'ntp',
  443: 'https',
  3306: 'mysql',
  5353: 'mdns',
  5432: 'postgresql',
  6379: 'redis',
  8080: 'http-alt',
}
const UDP_ONLY = new Set([123, 5353])
const TCP_ONLY = new Set([22, 25, 80, 3306, 5432, 6379, 8080])

/** getservbyport(3), `*` for a port without a name. */
export function serviceName(port: number, protocol: 'tcp' | 'udp'): string {
  if ((protocol === 'tcp' ? UDP_ONLY : TCP_ONLY).has(port)) return '*'
  return NAMES[port] ?? '*'
}
