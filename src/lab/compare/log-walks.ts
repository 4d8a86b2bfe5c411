import { get16, get32, toHex } from '../../base/bytes.ts'
import { formatIpv4, ipv4 } from '../../net/address.ts'
import { IPPROTO } from '../../net/packet.ts'
import { HOOKS } from '../../trace/step.ts'
import type { Line } from './in-order.ts'
import { FLOW_PORT, isTunnelPort } from './tunnel.ts'
import { flagNames } from './walks.ts'

// Walks out of what iptables-legacy reports of traced packets (trace_packet() of ip_tables.c, through nf_log): an event for
// each rule that fits, without a word on which packet it is the next of.

export interface LogEvent {
  /** `TRACE: TABLE:CHAIN:rule:NUMBER `; LOG's own prefix of an event that a LOG rule made. */
  readonly prefix: string
  /** NF_INET_* */
  readonly hook: number
  /** Interface numbers, 0 for none: in, out, and the bridge ports beneath. */
  readonly devices: readonly number[]
  /** From the IP header on, as far as was asked for. */
  readonly packet: Uint8Array
}

/**
 * Walks of one namespace, in the order that they began in. `saved`: its rules as iptables-save prints them. They say what ends a
 * walk, and what `policy` and `return` name: the end of a chain, or a rule that has no condition.
 */
export function logWalks(events: readonly LogEvent[], saved: string): Line[] {
  const chains = savedChains(saved)
  const walks: string[][] = []
  /** Packets on their way through a table; two that are alike in everything can only come one after the other. */
  const open = new Map<string, string[]>()
  for (const { prefix, hook, devices, packet } of events) {
    const [, table = '', name = '', comment = '', number = ''] =
      /^TRACE: (\w+):(.+):(rule|policy|return):(\d+) $/.exec(prefix) ?? []
    if (table === '') continue
    const chain = chains.get(`${table} ${name}`)
    const rule = chain?.rules[Number(number) - 1]
    const key = `${hook} ${table} ${devices.join()} ${toHex(packet)}`
    let walk = open.get(key)
    if (walk === undefined) {
      walk = [`${packetText(packet)} ${table} ${HOOKS[hook] ?? hook}:`]
      walks.push(walk)
      open.set(key, walk)
    }
    if (rule !== undefined) walk.push(`${name}/${number}`)
    else if (comment === 'policy') walk.push(`policy ${chain?.policy ?? '?'}`)
    if (rule === undefined ? comment === 'policy' : ENDING.test(rule)) open.delete(key)
  }
  return walks.map((parts) => ({ text: parts.join(' ') }))
}

const ENDING = / -j (?:ACCEPT|DROP|REJECT|DNAT|SNAT|MASQUERADE|REDIRECT)\b/

interface SavedChain {
  /** `-` of a user chain. */
  readonly policy: string
  readonly rules: string[]
}

/** By `table chain`. */
function savedChains(saved: string): Map<string, SavedChain> {
  const chains = new Map<string, SavedChain>()
  let table = ''
  for (const line of saved.split('\n')) {
    const [, , chain = '', policy = ''] = /^(:)(\S+) (\S+)/.exec(line) ?? []
    if (line.startsWith('*')) table = line.slice(1)
    else if (chain !== '') chains.set(`${table} ${chain}`, { policy, rules: [] })
    else {
      const [, appended = ''] = /^(?:\[\d+:\d+\] )?-A (\S+)/.exec(line) ?? []
      chains.get(`${table} ${appended}`)?.rules.push(line)
    }
  }
  return chains
}

function packetText(bytes: Uint8Array): string {
  const protocol = bytes[9] ?? 0
  const at = ((bytes[0] ?? 0) & 15) * 4
  const first = (get16(bytes, 6) & 0x1fff) === 0
  const address = (offset: number) => formatIpv4(ipv4(get32(bytes, offset)))
  const ported = protocol === IPPROTO.TCP || protocol === IPPROTO.UDP
  const [sport, dport] = ported && first ? [get16(bytes, at), get16(bytes, at + 2)] : [0, 0]
  const ports = ported ? ` ${isTunnelPort(protocol, dport) ? FLOW_PORT : sport} > ${dport}` : ''
  const flags = protocol === IPPROTO.TCP ? ` ${flagNames(first ? (bytes[at + 13] ?? 0) : 0)}` : ''
  return `${address(12)} > ${address(16)}${ports} length ${get16(bytes, 2)} ttl ${bytes[8]}${flags}`
}
