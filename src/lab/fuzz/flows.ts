import type { JourneyCommand } from '../../sim/run.ts'
import type { FuzzHost } from './case.ts'

/** What a journey sends, as far as rules can name it. */
export interface FuzzFlow {
  /** Name of the host. */
  readonly from: string
  /** Its first address, '' when it has none. */
  readonly source: string
  readonly to: string
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  readonly port?: string
}

/** The flow of a command as generate.ts draws it. */
export function flowOf(j: JourneyCommand, hosts: readonly FuzzHost[]): FuzzFlow {
  const cidr = hosts.find((h) => h.name === j.from)?.addresses[0]?.cidr ?? ''
  const ends = { from: j.from, source: cidr.slice(0, Math.max(0, cidr.indexOf('/'))) }
  const url = /http:\/\/([\d.]+):(\d+)\//.exec(j.run)
  if (url !== null) return { ...ends, to: url[1] ?? '', protocol: 'tcp', port: url[2] ?? '' }
  const words = j.run.split(' ')
  const [to = '', last = ''] = words.slice(-2)
  if (words[0] === 'ping') return { ...ends, to: last, protocol: 'icmp' }
  return { ...ends, to, protocol: words.includes('-u') ? 'udp' : 'tcp', port: last }
}

/** Chains that the flow's own packets pass on a host. */
export function chainsOf(host: FuzzHost, flow: FuzzFlow): readonly string[] {
  if (host.name === flow.from) return ['OUTPUT', 'POSTROUTING']
  if (host.addresses.some((a) => a.cidr.startsWith(`${flow.to}/`))) return ['PREROUTING', 'INPUT']
  return ['PREROUTING', 'FORWARD', 'POSTROUTING']
}

/** Matches that fit the flow, or its answers. Every word group is one that iptables-restore takes anywhere. */
export function aim(flow: FuzzFlow, how: { readonly reply: boolean; readonly ends: boolean; readonly port: boolean }): string[] {
  const words = how.ends ? [`-${how.reply ? 's' : 'd'} ${flow.to}/32`] : []
  words.push(`-p ${flow.protocol}`)
  if (how.port && flow.port !== undefined) words.push(`-m ${flow.protocol} --${how.reply ? 's' : 'd'}port ${flow.port}`)
  return words
}
