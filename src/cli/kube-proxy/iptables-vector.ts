import type { IptablesProxyConfig } from '../../cluster/kube-proxy/iptables/config.ts'
import { canonicalRestoreText, restoreText } from '../../cluster/kube-proxy/iptables/restore-text.ts'
import { type IptablesSync, syncIptables } from '../../cluster/kube-proxy/iptables/sync.ts'
import { engineFlows } from './engine-flows.ts'
import { textFlows } from './iptables-text-flows.ts'
import {
  changedServices,
  configOf,
  type FlowAnswer,
  type NodeConfig,
  type Objects,
  type RulesetVector,
  stateOf,
} from './vector.ts'

export function iptablesConfig(n: NodeConfig): IptablesProxyConfig {
  const counters = Object.entries(n.nfAcctCounters ?? {})
  return {
    ...configOf(n),
    randomFully: n.hasRandomFully ?? false,
    conntrackTCPLiberal: n.conntrackTCPLiberal ?? false,
    nfacct: new Set(counters.flatMap(([name, exists]) => (exists ? [name] : []))),
    localhostNodePorts: n.localhostNodePorts ?? true,
    largeClusterEndpoints: n.largeClusterEndpointsThreshold ?? 1000,
  }
}

/** Answers a vector of iptables mode: the text of its sync in canonical order, its flows, and what else it expects. */
export function answerIptables(v: RulesetVector): object {
  const config = iptablesConfig(v.nodeConfig)
  const now = stateOf(v, config)
  const full = syncIptables(now.ports, now.endpoints, config)
  const sync = v.sync.previous === null ? full : laterSync(v, v.sync.previous, config)
  const input = v.inputIptables ?? undefined
  const ruleset = input ?? canonicalRestoreText(restoreText([sync.filter, sync.nat]))
  const whole = input ?? restoreText([full.filter, full.nat])
  return { id: v.id, ruleset, flows: flowsOf(v, whole, config), ...expectations(v, ruleset, sync) }
}

/** What it finds of the sync before it goes, where no Service uses it any more; a full one writes all the rest again. */
function laterSync(v: RulesetVector, previous: Objects, config: IptablesProxyConfig): IptablesSync {
  const before = stateOf(previous, config)
  const now = stateOf(v, config)
  const { active: existing } = syncIptables(before.ports, before.endpoints, config)
  const changed = v.sync.kind === 'partial' ? { changed: changedServices(before, now) } : {}
  return syncIptables(now.ports, now.endpoints, config, { ...changed, existing })
}

/** The engine is IPv4: IPv6 rulesets are walked as text. */
function flowsOf(v: RulesetVector, ruleset: string, config: IptablesProxyConfig): FlowAnswer[] {
  if (v.flows.length === 0) return []
  return config.family === 'IPv4' ? engineFlows(v, ruleset, config) : textFlows(v.flows, ruleset, v.nodeConfig.tracerLocalIPs)
}

function expectations(v: RulesetVector, ruleset: string, sync: IptablesSync): object {
  const rules = (table: string, chain: string): string[] => {
    const text = ruleset.split(/^\*/m).find((t) => t.startsWith(`${table}\n`)) ?? ''
    return text.split('\n').filter((l) => l.startsWith(`-A ${chain} `))
  }
  const lines = new Set(ruleset.split('\n'))
  const dnat = [...lines].filter((l) => l.startsWith('-A KUBE-SEP-') && l.includes('-j DNAT'))
  const counts: Readonly<Record<string, number>> = {
    sepDnatRules: dnat.length,
    sepDnatRulesWithComment: dnat.filter((l) => l.includes('--comment')).length,
  }
  return {
    ...(v.expectedChains === undefined
      ? {}
      : {
          expectedChains: v.expectedChains.map(({ table, chain }) => ({
            table,
            chain,
            rules: rules(table, chain)
              .map((l) => `${l}\n`)
              .join(''),
          })),
        }),
    ...(v.expectedLines === undefined ? {} : { expectedLines: v.expectedLines.filter((l) => lines.has(l)) }),
    ...(v.expectedCounts === undefined
      ? {}
      : { expectedCounts: Object.fromEntries(Object.keys(v.expectedCounts).map((k) => [k, counts[k]])) }),
    ...(v.expectedNoLocalEndpoints === undefined ? {} : { expectedNoLocalEndpoints: sync.noLocalEndpoints }),
    ...(v.expectedDestinationRules === undefined
      ? {}
      : {
          expectedDestinationRules: v.expectedDestinationRules.map(({ table, chain, destination }) => ({
            table,
            chain,
            destination,
            exists: rules(table, chain).some((l) => ` ${l} `.includes(` -d ${destination} `)),
          })),
        }),
  }
}
