import { formatIpv4, ipv4, parseIpv4 } from '../../net/address.ts'
import type { Origin } from '../../world/records.ts'
import {
  comment,
  destinationPorts,
  dnatToPort,
  dport,
  dstType,
  fromHost,
  type GeneratedRule,
  hasMark,
  jump,
  masquerade,
  protocol,
  rule,
  setXmark,
  source,
  toHost,
} from '../kube-proxy/rule.ts'
import type { Cluster, ClusterNode, ClusterPod, Container } from '../model.ts'
import { objectOrigin } from '../objects.ts'
import { sha512 } from './sha512.ts'

// The CNI portmap plugin, chained behind the network's own: hostPort of a container, in iptables' nat table
// (containernetworking/plugins, plugins/meta/portmap: portmap_iptables.go, chain.go). It runs once a pod, and does nothing for
// pods without host ports.

const DNAT = 'CNI-HOSTPORT-DNAT'
const SETMARK = 'CNI-HOSTPORT-SETMARK'
const MASQ = 'CNI-HOSTPORT-MASQ'
/** markMasqBit 13, the plugin's default; kube-proxy has bit 14. */
const MARK = 1 << 13
/** xt_multiport's limit. */
const PORTS_PER_RULE = 15
const LOOPBACK = ipv4(0x7f000001)

export interface PortmapRules {
  readonly chains: readonly { readonly name: string; readonly origin: Origin }[]
  /** Of base chains, where the plugin puts them first: kube-proxy's, which were there before, come after. */
  readonly prepended: readonly GeneratedRule[]
  readonly appended: readonly GeneratedRule[]
}

const NONE: PortmapRules = { chains: [], prepended: [], appended: [] }

/** The plugin's chains and rules on a node, after it has run for every pod there. */
export function portmapRules(self: ClusterNode, cluster: Cluster): PortmapRules {
  const mapped = cluster.podsOf(self).filter((p) => !p.hostNetwork && hostPortsOf(p).length > 0)
  if (mapped.length === 0) return NONE
  const top = made('hostPort of pods on this node')
  const pods = mapped.map((pod) => podRules(pod, self))
  return {
    chains: [
      ...[DNAT, SETMARK, MASQ].map((name) => ({ name, origin: top })),
      ...pods.map(({ chain, origin }) => ({ name: chain, origin })),
    ],
    // Before the masquerading of the bridge plugin, which would take what the mark is for.
    prepended: [rule('POSTROUTING', top, comment('CNI portfwd requiring masquerade'), jump(MASQ))],
    appended: [
      rule('PREROUTING', top, dstType('LOCAL'), jump(DNAT)),
      rule('OUTPUT', top, dstType('LOCAL'), jump(DNAT)),
      rule(SETMARK, top, comment('CNI portfwd masquerade mark'), setXmark(MARK, MARK)),
      rule(MASQ, top, hasMark(MARK), masquerade(false)),
      ...pods.flatMap(({ rules }) => rules),
    ],
  }
}

const made = (detail: string): Origin => ({ component: 'cni', detail: `portmap: ${detail}` })

/** Mapped ports as the runtime hands them to the plugin (runtimeConfig.portMappings):  */
function hostPortsOf(pod: ClusterPod): (Container['ports'][number] & { readonly hostPort: number })[] {
  return pod.containers.flatMap((c) => c.ports.flatMap((p) => (p.hostPort === undefined ? [] : [{ ...p, hostPort: p.hostPort }])))
}

/** The runtime's id of the pod's sandbox is random; here the pod's place decides it. */
const sandboxId = (pod: ClusterPod): string => sha512(`${pod.place}#sandbox`).slice(0, 64)

/** utils.MustFormatChainNameWithPrefix: 28 characters, from the network's name and the sandbox. */
export const chainName = (network: string, containerId: string): string => `CNI-DN-${sha512(network + containerId)}`.slice(0, 28)

/** The bridge plugin's network as kubenet configured it. */
const NETWORK = 'kubenet'

function podRules(pod: ClusterPod, self: ClusterNode): { chain: string; origin: Origin; rules: GeneratedRule[] } {
  const id = sandboxId(pod)
  const chain = chainName(NETWORK, id)
  const of = { kind: 'Pod', namespace: pod.namespace, name: pod.name }
  const origin = objectOrigin('cni', of, 'portmap: hostPort')
  const note = comment(`dnat name: "${NETWORK}" id: "${id}"`)
  const ports = hostPortsOf(pod)
  const entries = (['tcp', 'udp', 'sctp'] as const).flatMap((name) => {
    const own = ports.filter((p) => p.protocol.toLowerCase() === name).map((p) => p.hostPort)
    const slices = Array.from({ length: Math.ceil(own.length / PORTS_PER_RULE) }, (_, i) =>
      own.slice(i * PORTS_PER_RULE, (i + 1) * PORTS_PER_RULE),
    )
    return slices.map((slice) => rule(DNAT, origin, note, ...destinationPorts(name, slice), jump(chain)))
  })
  const rules = ports.flatMap((p) => {
    const name = p.protocol === 'TCP' ? 'tcp' : p.protocol === 'UDP' ? 'udp' : 'sctp'
    const hostIP = parseIpv4(p.hostIP ?? '')
    // An unspecified hostIP is no address to ask for.
    const only = hostIP.ok && hostIP.value !== 0 ? [toHost(hostIP.value)] : []
    const match = [protocol(name), dport(p.hostPort), ...only]
    const mark = (why: string) => objectOrigin('cni', of, `portmap: ${why}`)
    return [
      // The plugin knows the pod's address with its prefix length, so neighbours on the node count as the pod itself.
      rule(chain, mark('masquerade pods of this node'), ...match, source(self.podCIDR), jump(SETMARK)),
      rule(chain, mark('masquerade the node’s own'), ...match, fromHost(LOOPBACK), jump(SETMARK)),
      rule(
        chain,
        mark(`hostPort ${p.hostPort} is ${formatIpv4(pod.ip)}:${p.containerPort}`),
        ...match,
        dnatToPort(pod.ip, p.containerPort),
      ),
    ]
  })
  return { chain, origin, rules: [...entries, ...rules] }
}
