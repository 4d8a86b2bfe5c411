import { assertNever } from '../base/assert-never.ts'
import { formatIpv4, formatMac, ipv4 } from '../net/address.ts'
import { deviceName, nftRuleNumber, recordText, routeText, ruleNumber, targetText, whereName } from './names.ts'
import { chainNameAt, ruleTargetText, targetAt } from './nft.ts'
import type { TraceReader } from './reader.ts'
import type { Step } from './step.ts'

/** A record in a few words as it is at `seq`, or its id. */
export function nameOf(reader: TraceReader, id: string, seq: number): string {
  const record = reader.versions.near(id, seq)
  return record === undefined ? id : recordText(record)
}

const by = (reader: TraceReader, id: string | undefined, seq: number) =>
  id === undefined ? '' : ` by ${nameOf(reader, id, seq)}`

/** A rewritten field's value in the notation of that field. */
export function fieldText(step: Extract<Step, { kind: 'rewrite' }>, value: number): string {
  switch (step.field) {
    case 'eth.src':
    case 'eth.dst':
      return formatMac(value)
    case 'ip.src':
    case 'ip.dst':
      return formatIpv4(value)
    case 'meta.mark':
    case 'icmp.rest':
    case 'ip.tos':
      return `0x${value.toString(16)}`
    default:
      return String(value)
  }
}

/** One step in kernel terms, for `-v`: no sentence, no punctuation at the end. Addresses and names are those at that step. */
export function stepText(reader: TraceReader, seq: number): string {
  const step = reader.step(seq)
  const name = (id: string) => nameOf(reader, id, seq)
  switch (step.kind) {
    case 'born':
      return `born ${step.how}${step.parent === undefined ? '' : ` of #${step.parent}`}${step.process === undefined ? '' : ` by ${name(step.process)}`}`
    case 'enter':
      return `enter ${step.place} ${step.direction}`
    case 'depart':
      return `depart to ${whereName(step.to)}`
    case 'deliver':
      return `deliver to ${step.to}${step.socket === undefined ? '' : ` ${name(step.socket)}`}`
    case 'drop':
      return `drop ${step.reason}${by(reader, step.decidedBy, seq)}`
    case 'wait':
      return `wait for ${name(step.neighbour)}`
    case 'undetermined':
      return `undetermined ${step.what}${by(reader, step.decidedBy, seq)}`
    case 'rewrite':
      return step.field === 'payload'
        ? `rewrite payload ${step.detail ?? ''}`
        : `rewrite ${step.field} ${fieldText(step, step.from)} → ${fieldText(step, step.to)}`
    case 'bridge.learn': {
      const fdb = reader.versions.near(step.fdb, seq)
      const where = fdb?.kind !== 'fdb' ? '' : fdb.remote === undefined ? 'on ' : `at ${formatIpv4(fdb.remote)} through `
      const entry = fdb?.kind === 'fdb' ? `${formatMac(fdb.mac)} ${where}${deviceName(fdb.port).name}` : step.fdb
      return `fdb ${step.moved ? 'moves' : 'learns'} ${entry}`
    }
    case 'bridge.decide':
      return `bridge ${step.decision}${step.port === undefined || step.decision === 'local' ? '' : ` ${name(step.port)}`}${step.ports > 1 ? ` (${step.ports} ports)` : ''}`
    case 'bridge.nf':
      return `br_netfilter ${step.hook} ${step.enabled ? 'on' : `off${by(reader, step.sysctl, seq)}`}`
    case 'encapsulate':
      return `encapsulate vni ${step.vni} to ${formatIpv4(step.remote)}${by(reader, step.fdb, seq)}`
    case 'decapsulate':
      return `decapsulate vni ${step.vni} from ${formatIpv4(step.remote)} into ${deviceName(step.device).name}`
    case 'neigh.lookup':
      return `neigh ${formatIpv4(step.address)} ${step.state}`
    case 'neigh.state':
      return `${name(step.neighbour)} ${step.from === step.to ? step.to : `${step.from} → ${step.to}`} (${step.reason})`
    case 'arp.process':
      return `arp ${step.op} for ${formatIpv4(step.target)}: ${step.answer}`
    case 'route':
      return `route ${step.purpose} ${formatIpv4(step.address)}: ${routeFact(reader, step, seq)}`
    case 'rp_filter':
      return `rp_filter ${step.mode} ${step.ok ? 'ok' : 'fails'}${by(reader, step.sysctl, seq)}`
    case 'forward':
      return `ip_forward ${step.allowed ? 'allowed' : 'refused'}${by(reader, step.sysctl, seq)}`
    case 'mtu':
      return `mtu ${step.mtu} < ${step.length}: ${step.action}`
    case 'reassemble':
      return `reassemble ${step.fragments} fragments${step.complete ? ', complete' : ''}`
    case 'hook':
      return `hook ${step.hook}${step.bridged ? ' (bridged)' : ''}`
    case 'chain':
      return `table ${step.table} chain ${chainNameAt(reader, step.chain, seq)}`
    case 'rule': {
      const rule = reader.versions.near(step.rule, seq)
      if (rule?.kind === 'nft-rule') {
        const target = ruleTargetText(rule, targetAt(reader, rule, step, seq))
        return `rule ${rule.chain} ${nftRuleNumber(rule)}${target === '' ? '' : ` ${target}`}: ${step.verdict} (${step.tried} tried)`
      }
      if (rule?.kind !== 'rule') return `rule ${step.rule} ${step.verdict}`
      const target = targetText(rule.spec.target)
      return `rule ${rule.chain} ${ruleNumber(rule)}${target === '' ? '' : ` -j ${target}`}: ${step.verdict} (${step.tried} tried)`
    }
    case 'policy':
      return `${step.verdict === 'return' ? 'end of chain' : 'policy of'} ${chainNameAt(reader, step.chain, seq)}: ${step.verdict} (${step.tried} tried)`
    case 'log':
      return `log "${step.prefix}"`
    case 'ct.lookup':
      return `conntrack ${step.info}${step.conntrack === undefined ? '' : ` ${name(step.conntrack)}`}`
    case 'ct.change':
      return `conntrack ${step.change} ${name(step.conntrack)}${step.state === undefined ? '' : ` ${step.state}`}`
    case 'nat':
      return `nat ${step.manip} ${step.binding}`
    case 'ipvs.schedule':
      return `ipvs ${name(step.service)}: ${step.destination === undefined ? 'no real server' : `${name(step.destination)} (${step.reason} ${step.figure})`}`
    case 'ipvs.packet':
      return `ipvs ${step.direction} of ${name(step.connection)}`
    case 'ipvs.change':
      return `ipvs ${step.change} ${name(step.connection)} ${step.state}`
    case 'socket.lookup':
      return step.socket === undefined ? 'no socket' : `socket ${name(step.socket)}`
    case 'tcp.state':
      return `${name(step.socket)} ${step.from} → ${step.to}`
    case 'tcp.retransmit':
      return `${name(step.socket)} retransmits (${step.attempt}), next after ${step.timeout / 1e9} s`
    case 'socket.data':
      return `${name(step.socket)} ${step.direction} ${step.bytes} bytes`
    case 'process':
      return `${name(step.process)} ${step.event}${step.text === '' ? '' : ` ${oneLine(step.text)}`}`
    case 'timer':
      return `timer ${step.what}${step.record === undefined ? '' : ` ${name(step.record)}`}`
    case 'change':
      return step.change === 'sync'
        ? `kube-proxy sync: ${step.added} rules added, ${step.removed} removed`
        : `${step.change} ${name(step.record)}`
    case 'proxy.route':
      return `${name(step.process)} route ${step.rule}: ${[step.service ?? 'no backend', step.endpoint].filter((w) => w !== undefined && w !== step.rule).join(' → ')}`
    case 'proxy.copy':
      return `${name(step.process)} copies ${step.bytes} bytes from ${name(step.from)} to ${name(step.to)}`
    default:
      return assertNever(step, 'step')
  }
}

/** `10.244.2.0/24 via 192.168.1.12 dev eth0`, or how the lookup failed. */
export function routeFact(reader: TraceReader, step: Extract<Step, { kind: 'route' }>, seq: number): string {
  const route = step.route === undefined ? undefined : reader.versions.near(step.route, seq)
  if (route?.kind !== 'route') return step.result === 'none' ? 'no route' : step.result
  const nexthop = (reader.trace.events.a[seq] as number) >>> 16
  if (step.redirected && step.via !== undefined) return `${routeText(route, nexthop)} redirected to ${formatIpv4(ipv4(step.via))}`
  return step.result === 'local' && route.type !== 'local' ? `local ${routeText(route, nexthop)}` : routeText(route, nexthop)
}

/** Text of a process on one line, as a trace line needs it. */
export const oneLine = (text: string): string => {
  const lines = text.split('\n').filter((l) => l.trim() !== '')
  return lines.length > 1 ? `${lines[0]} …` : (lines[0] ?? '')
}
