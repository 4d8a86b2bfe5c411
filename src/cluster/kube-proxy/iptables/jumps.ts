import type { HookName, TableName } from '../../../world/netfilter.ts'
import { comment, ctstate, type GeneratedRule, jump, rule } from '../rule.ts'
import type { IptablesProxyConfig } from './config.ts'
import { made } from './draft.ts'

/** A jump from a base chain into one of kube-proxy's, as it is when all are in place: each was prepended, so this is the order. */
export interface JumpRule {
  readonly table: TableName
  readonly chain: HookName
  readonly rule: GeneratedRule
}

/** iptablesJumpChains and iptablesKubeletJumpChains, in kube-proxy's own order; it prepends each, so the last comes first. */
const JUMPS: readonly (readonly [table: 'filter' | 'nat', to: string, from: HookName, text: string, newOnly: boolean])[] = [
  ['filter', 'KUBE-EXTERNAL-SERVICES', 'INPUT', 'kubernetes externally-visible service portals', true],
  ['filter', 'KUBE-EXTERNAL-SERVICES', 'FORWARD', 'kubernetes externally-visible service portals', true],
  ['filter', 'KUBE-NODEPORTS', 'INPUT', 'kubernetes health check service ports', false],
  ['filter', 'KUBE-SERVICES', 'FORWARD', 'kubernetes service portals', true],
  ['filter', 'KUBE-SERVICES', 'OUTPUT', 'kubernetes service portals', true],
  ['filter', 'KUBE-FORWARD', 'FORWARD', 'kubernetes forwarding rules', false],
  ['filter', 'KUBE-PROXY-FIREWALL', 'INPUT', 'kubernetes load balancer firewall', true],
  ['filter', 'KUBE-PROXY-FIREWALL', 'OUTPUT', 'kubernetes load balancer firewall', true],
  ['filter', 'KUBE-PROXY-FIREWALL', 'FORWARD', 'kubernetes load balancer firewall', true],
  ['nat', 'KUBE-SERVICES', 'OUTPUT', 'kubernetes service portals', false],
  ['nat', 'KUBE-SERVICES', 'PREROUTING', 'kubernetes service portals', false],
  ['nat', 'KUBE-POSTROUTING', 'POSTROUTING', 'kubernetes postrouting rules', false],
  ['filter', 'KUBE-FIREWALL', 'INPUT', '', false],
  ['filter', 'KUBE-FIREWALL', 'OUTPUT', '', false],
]

const guarded = (c: IptablesProxyConfig): boolean => c.localhostNodePorts && c.family === 'IPv4'

export function jumpRules(config: IptablesProxyConfig): JumpRule[] {
  return JUMPS.filter(([, to]) => to !== 'KUBE-FIREWALL' || guarded(config))
    .map(([table, to, from, text, newOnly]): JumpRule => {
      const state = newOnly ? [ctstate(['NEW'])] : []
      const note = text === '' ? [] : [comment(text)]
      return { table, chain: from, rule: rule(from, made('iptablesJumpChains'), ...state, ...note, jump(to)) }
    })
    .reverse()
}
