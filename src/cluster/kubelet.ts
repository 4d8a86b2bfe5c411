import type { Ipv4Prefix } from '../net/address.ts'
import type { Origin } from '../world/records.ts'
import { comment, ctstate, DROP, destination, type GeneratedRule, jump, rule, source } from './kube-proxy/rule.ts'

// What the kubelet itself keeps in iptables (pkg/kubelet/kubelet_network_linux.go), whatever kube-proxy does.

export const KUBELET: Origin = { component: 'kubelet', detail: 'iptables ownership' }
const LOCALNET: Origin = { component: 'kubelet', detail: 'martian packet protection' }
const LOOPBACK: Ipv4Prefix = { address: 0x7f000000 as Ipv4Prefix['address'], length: 8 }

interface Chain {
  readonly name: string
  readonly origin: Origin
}

export const HINT: Chain = { name: 'KUBE-IPTABLES-HINT', origin: KUBELET }
export const CANARY: Chain = {
  name: 'KUBE-KUBELET-CANARY',
  origin: { component: 'kubelet', detail: 'notices when tables are flushed' },
}
export const FIREWALL: Chain = { name: 'KUBE-FIREWALL', origin: LOCALNET }

/** syncIPTablesRules(); its jumps were there before kube-proxy prepended its own. */
export function kubeletFirewall(): GeneratedRule[] {
  return [
    rule('INPUT', LOCALNET, jump('KUBE-FIREWALL')),
    rule('OUTPUT', LOCALNET, jump('KUBE-FIREWALL')),
    rule(
      'KUBE-FIREWALL',
      LOCALNET,
      comment('block incoming localnet connections'),
      destination(LOOPBACK),
      source(LOOPBACK, true),
      ctstate(['RELATED', 'ESTABLISHED', 'DNAT'], true),
      DROP,
    ),
  ]
}
