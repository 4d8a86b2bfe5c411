import { endpointReplaced } from '../../library/endpoint-replaced.ts'
import { staleUdpConntrack } from '../../library/stale-udp-conntrack.ts'
import type { ScenarioDocument } from '../../scenario/document.ts'

const inNftables = (document: ScenarioDocument): ScenarioDocument => ({
  ...document,
  cluster: { ...document.cluster, kubeProxy: { mode: 'nftables' } },
})

/** Changes in the middle of a journey, under a kube-proxy in nftables mode. */
export const CHANGE_CASES = [
  { id: 'change-nftables', document: inNftables(endpointReplaced.document) },
  { id: 'change-nftables-udp', document: inNftables(staleUdpConntrack.document) },
]
