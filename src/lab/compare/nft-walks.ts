import { IPPROTO } from '../../net/packet.ts'
import { FLOW_PORT, isTunnelPort } from './tunnel.ts'

/** What one event of `nft -a monitor trace` (nftables 1.0) says. */
export type NftTraceEvent =
  | { readonly kind: 'packet'; readonly id: string; readonly packet: string }
  | { readonly kind: 'rule'; readonly id: string; readonly table: string; readonly chain: string; readonly handle: number }
  | { readonly kind: 'policy'; readonly id: string; readonly table: string; readonly chain: string; readonly verdict: string }

const LINE = /^trace id (\w+) \w+ (\S+) (\S+) (?:(packet): (.*)|(rule) .*# handle (\d+) \(verdict|(policy) (\w+))/

/** Undefined for lines that say nothing of a rule, a policy or a packet's header. */
export function nftTraceEvent(line: string): NftTraceEvent | undefined {
  const m = LINE.exec(line)
  if (m === null) return undefined
  const [, id = '', table = '', chain = '', packet, header = '', rule, handle = '0', policy, verdict = ''] = m
  if (packet !== undefined) return { kind: 'packet', id, packet: headerText(header) }
  if (rule !== undefined) return { kind: 'rule', id, table, chain, handle: Number(handle) }
  return policy === undefined ? undefined : { kind: 'policy', id, table, chain, verdict: verdict.toUpperCase() }
}

/** As walks.ts writes a packet. */
function headerText(header: string): string {
  const value = (key: string) => new RegExp(`(?:^| )${key} (\\S+)`).exec(header)?.[1] ?? ''
  const protocol = /(?:^| )(tcp|udp) sport /.exec(header)?.[1]
  const dport = protocol === undefined ? '' : value(`${protocol} dport`)
  const tunnel = protocol === 'udp' && isTunnelPort(IPPROTO.UDP, Number(dport))
  const sport = protocol === undefined ? '' : tunnel ? FLOW_PORT : value(`${protocol} sport`)
  const ports = protocol === undefined ? '' : ` ${sport} > ${dport}`
  const flags = protocol === 'tcp' ? ` ${flagNames(value('tcp flags ==')).toSorted().join(',')}` : ''
  return `${value('ip saddr')} > ${value('ip daddr')}${ports} length ${value('ip length')} ttl ${value('ip ttl')}${flags}`
}

const FLAGS: readonly string[] = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr']

/** One flag by its name, several as a number. */
function flagNames(text: string): string[] {
  const bits = text.startsWith('0x') ? Number(text) : 1 << FLAGS.indexOf(text)
  return FLAGS.filter((_, i) => bits & (1 << i)).map((f) => (f === 'ecn' ? 'ECE' : f.toUpperCase()))
}
