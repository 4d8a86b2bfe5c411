import { assertNever } from '../base/assert-never.ts'
import type { TraceReader } from '../trace/reader.ts'
import type { Timeline } from '../trace/timeline.ts'
import { type Context, contextOf, nameIn, optional } from './context.ts'
import { dnsProcessFact, dnsWaitFact } from './dns-facts.ts'
import type { Fact } from './fact.ts'
import { rewriteFact } from './header-facts.ts'
import { ipvsChangeFact, ipvsPacketFact, ipvsScheduleFact } from './ipvs-facts.ts'
import {
  arpFact,
  bridgeNfFact,
  decapsulateFact,
  decideFact,
  encapsulateFact,
  learnFact,
  neighLookupFact,
  neighStateFact,
} from './link-facts.ts'
import { chainFact, ctChangeFact, ctLookupFact, natFact, policyFact, ruleFact } from './netfilter-facts.ts'
import { bornFact, deliverFact, departFact, dropFact, enterFact, waitFact } from './place-facts.ts'
import { proxyCopyFact, proxyRouteFact } from './proxy-facts.ts'
import { routeFactOf, rpFilterFact } from './route-facts.ts'
import { code, object, type Span } from './sentence.ts'
import { dataFact, processFact, retransmitFact, socketLookupFact, tcpStateFact } from './socket-facts.ts'

/** What there is to say about one step, in no language yet. Throws outside the trace. */
export function factOf(reader: TraceReader, timeline: Timeline, seq: number): Fact {
  const step = reader.step(seq)
  const c: Context = contextOf(reader, timeline.at(seq), seq)
  const { where } = c
  switch (step.kind) {
    case 'born':
      return bornFact(c, step)
    case 'enter':
      return enterFact(c, step)
    case 'depart':
      return departFact(c, step)
    case 'deliver':
      return deliverFact(c, step)
    case 'drop':
      return dropFact(c, step)
    case 'wait':
      return waitFact(c, step)
    case 'undetermined': {
      const cause = step.decidedBy === undefined ? undefined : nameIn(c, step.decidedBy)
      return { kind: 'not-modelled', what: step.what, where, ...optional('cause', cause) }
    }
    case 'rewrite':
      return rewriteFact(c, step)
    case 'bridge.learn':
      return learnFact(c, step)
    case 'bridge.decide':
      return decideFact(c, step)
    case 'bridge.nf':
      return bridgeNfFact(c, step)
    case 'encapsulate':
      return encapsulateFact(c, step)
    case 'decapsulate':
      return decapsulateFact(c, step)
    case 'neigh.lookup':
      return neighLookupFact(c, step)
    case 'neigh.state':
      return neighStateFact(c, step)
    case 'arp.process':
      return arpFact(c, step)
    case 'route':
      return routeFactOf(c, step)
    case 'rp_filter':
      return rpFilterFact(c, step)
    case 'forward':
      return {
        kind: 'forwarding',
        where,
        allowed: step.allowed,
        ...optional('sysctl', step.sysctl === undefined ? undefined : nameIn(c, step.sysctl)),
      }
    case 'mtu':
      return { kind: 'too-big', length: step.length, mtu: step.mtu, action: step.action }
    case 'reassemble':
      return { kind: 'reassembling', complete: step.complete, fragments: step.fragments }
    case 'hook':
      return { kind: 'hook', where, hook: step.hook, bridged: step.bridged }
    case 'chain':
      return chainFact(c, step)
    case 'rule':
      return ruleFact(c, step)
    case 'policy':
      return policyFact(c, step)
    case 'log':
      return { kind: 'logged', prefix: code(step.prefix) }
    case 'ct.lookup':
      return ctLookupFact(c, step)
    case 'ct.change':
      return ctChangeFact(c, step)
    case 'nat':
      return natFact(c, step)
    case 'ipvs.schedule':
      return ipvsScheduleFact(c, step)
    case 'ipvs.packet':
      return ipvsPacketFact(c, step)
    case 'ipvs.change':
      return ipvsChangeFact(c, step)
    case 'socket.lookup':
      return socketLookupFact(c, step)
    case 'tcp.state':
      return tcpStateFact(c, step)
    case 'tcp.retransmit':
      return retransmitFact(c, step)
    case 'socket.data':
      return dataFact(c, step)
    case 'process':
      return dnsProcessFact(c, step) ?? processFact(c, step)
    case 'timer':
      return (
        dnsWaitFact(c, step) ?? {
          kind: 'timer',
          what: code(step.what),
          ...optional('record', step.record === undefined ? undefined : nameIn(c, step.record)),
        }
      )
    case 'change': {
      const { change, added, removed } = step
      return {
        kind: 'cluster-changed',
        where,
        change,
        what: changedThing(c, step.record),
        derived: isDerived(c, step.record),
        added,
        removed,
        ipvs: change === 'sync' && c.view.list('ipset', step.record).some((s) => s.name === 'KUBE-IPVS-IPS'),
      }
    }
    case 'proxy.route':
      return proxyRouteFact(c, step)
    case 'proxy.copy':
      return proxyCopyFact(c, step)
    default:
      return assertNever(step, 'step')
  }
}

/** EndpointSlices that the controllers keep, and their like. */
function isDerived(c: Context, id: string): boolean {
  const r = c.reader.versions.near(id, c.seq)
  return r?.kind === 'object' && r.origin.component === 'control-plane'
}

/** An object as one, with its link to the manifest; a namespace by its name. */
function changedThing(c: Context, id: string): Span {
  const r = c.reader.versions.near(id, c.seq)
  if (r?.kind !== 'object') return nameIn(c, id)
  return object({ kind: r.objectKind, ...(r.namespace === undefined ? {} : { namespace: r.namespace }), name: r.name })
}
