import { brokenBridgeNf } from './broken-bridge-nf.ts'
import { brokenEndpointGone } from './broken-endpoint-gone.ts'
import { brokenHairpin } from './broken-hairpin.ts'
import { brokenIpForward } from './broken-ip-forward.ts'
import { brokenNoEndpoints } from './broken-no-endpoints.ts'
import { dnsConntrackRace } from './dns-conntrack-race.ts'
import { dnsDown } from './dns-down.ts'
import { dnsSilent } from './dns-silent.ts'
import { dnsStaleConntrack } from './dns-stale-conntrack.ts'
import { endpointReplaced } from './endpoint-replaced.ts'
import type { LibraryEntry } from './entry.ts'
import { externalName } from './external-name.ts'
import { headlessService } from './headless-service.ts'
import { hostPort } from './host-port.ts'
import { hostPortRandom } from './host-port-random.ts'
import { ingressAlb } from './ingress-alb.ts'
import { ingressL7 } from './ingress-l7.ts'
import { loadBalancer } from './load-balancer.ts'
import { loadBalancerDirect } from './load-balancer-direct.ts'
import { loadBalancerInside } from './load-balancer-inside.ts'
import { loadBalancerLocal } from './load-balancer-local.ts'
import { metallbFailover } from './metallb-failover.ts'
import { metallbLayer2 } from './metallb-layer2.ts'
import { ndotsStorm } from './ndots-storm.ts'
import { nodePort } from './node-port.ts'
import { nodePortLocal } from './node-port-local.ts'
import { otherCluster } from './other-cluster.ts'
import { podToInternet } from './pod-to-internet.ts'
import { podToPodCloudRouter } from './pod-to-pod-cloud-router.ts'
import { podToPodHostRoutes } from './pod-to-pod-host-routes.ts'
import { podToPodSameNode } from './pod-to-pod-same-node.ts'
import { podToServiceRemote } from './pod-to-service-remote.ts'
import { resolveAService } from './resolve-a-service.ts'
import { serviceAffinity } from './service-affinity.ts'
import { serviceFromNode } from './service-from-node.ts'
import { serviceHairpin } from './service-hairpin.ts'
import { serviceIpvs } from './service-ipvs.ts'
import { serviceNftables } from './service-nftables.ts'
import { servicePicksBackends } from './service-picks-backends.ts'
import { serviceUserspace } from './service-userspace.ts'
import { brokenStaleUdpConntrack, staleUdpConntrack } from './stale-udp-conntrack.ts'
import { twoContainers } from './two-containers.ts'

export type { LibraryEntry, Localized } from './entry.ts'

/** The built-in scenarios, in the order in which they are best met. */
export const LIBRARY: readonly LibraryEntry[] = [
  twoContainers,
  podToPodSameNode,
  podToPodHostRoutes,
  podToPodCloudRouter,
  podToServiceRemote,
  servicePicksBackends,
  serviceNftables,
  serviceIpvs,
  serviceAffinity,
  endpointReplaced,
  staleUdpConntrack,
  serviceFromNode,
  serviceHairpin,
  serviceUserspace,
  ingressL7,
  ingressAlb,
  nodePort,
  nodePortLocal,
  hostPort,
  hostPortRandom,
  loadBalancer,
  loadBalancerLocal,
  loadBalancerInside,
  loadBalancerDirect,
  metallbLayer2,
  metallbFailover,
  resolveAService,
  headlessService,
  externalName,
  ndotsStorm,
  podToInternet,
  otherCluster,
  brokenIpForward,
  brokenNoEndpoints,
  brokenEndpointGone,
  brokenStaleUdpConntrack,
  dnsDown,
  dnsSilent,
  dnsConntrackRace,
  dnsStaleConntrack,
  brokenBridgeNf,
  brokenHairpin,
]

/** The id of the scenario that opens when the address names none. */
export const DEFAULT_SCENARIO = podToServiceRemote.id

export const libraryEntry = (id: string): LibraryEntry | undefined => LIBRARY.find((e) => e.id === id)
