import { assertNever } from '../base/assert-never.ts'
import type { Step } from '../trace/step.ts'
import type { Inspection } from './inspect.ts'

/** Records that a step consulted: the route it picked, the rule that matched, the setting that decided. */
export function recordsOf(step: Step): readonly (string | undefined)[] {
  switch (step.kind) {
    case 'born':
      return [step.process]
    case 'deliver':
    case 'socket.lookup':
    case 'tcp.state':
    case 'tcp.retransmit':
    case 'socket.data':
      return [step.socket]
    case 'drop':
    case 'undetermined':
      return [step.decidedBy]
    case 'wait':
    case 'neigh.lookup':
    case 'neigh.state':
      return [step.neighbour]
    case 'bridge.learn':
    case 'encapsulate':
      return [step.fdb]
    case 'decapsulate':
      return [step.device]
    case 'bridge.decide':
      return [step.fdb, step.port]
    case 'bridge.nf':
    case 'forward':
      return [step.sysctl]
    case 'route':
      return [step.route, step.policyRule]
    case 'rp_filter':
      return [step.route, step.sysctl]
    case 'chain':
    case 'policy':
      return [step.chain]
    case 'rule':
      return [step.rule]
    case 'ct.lookup':
    case 'ct.change':
    case 'nat':
      return [step.conntrack]
    case 'ipvs.schedule':
      return [step.service, step.destination]
    case 'ipvs.packet':
    case 'ipvs.change':
      return [step.connection]
    case 'process':
      return [step.process]
    case 'timer':
    case 'change':
      return [step.record]
    case 'proxy.route':
      return [step.process, step.object]
    case 'proxy.copy':
      return [step.process, step.from, step.to]
    case 'enter':
    case 'depart':
    case 'rewrite':
    case 'arp.process':
    case 'mtu':
    case 'reassemble':
    case 'hook':
    case 'log':
      return []
    default:
      return assertNever(step, 'step')
  }
}

/** What the current step consulted. */
export function usedBy({ session, seq }: Inspection): ReadonlySet<string> {
  if (seq < 0) return new Set()
  return new Set(recordsOf(session.reader.step(seq)).filter((id) => id !== undefined))
}
