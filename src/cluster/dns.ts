import { at, type Fields, listAt, objectAt, textAt } from '../base/fields.ts'
import { formatIpv4, type Ipv4 } from '../net/address.ts'
import type { Origin } from '../world/records.ts'
import { dnsResolverAddress } from './dns-internet.ts'
import type { Cluster, ClusterPod, Container } from './model.ts'
import { objectOrigin } from './objects.ts'
import type { NetnsBuilder } from './world-builder.ts'

// How names resolve in a pod: the resolv.conf and hosts files that the kubelet writes (pkg/kubelet/network/dns,
// pkg/kubelet/kubelet_pods.go), and the Corefile of CoreDNS pods.

/** kubelet's `clusterDomain`. */
export const CLUSTER_DOMAIN = 'cluster.local'

/** Fields of a pod's spec that decide how it resolves names. */
export interface PodDns {
  /** `spec.hostname`, the pod's own name when that is not said. */
  readonly hostname: string
  readonly subdomain?: string
  /** `spec.hostname` was given: an endpoint of the Service `subdomain` is called by it. */
  readonly named: boolean
  readonly policy: 'ClusterFirst' | 'ClusterFirstWithHostNet' | 'Default' | 'None'
  readonly nameservers: readonly string[]
  readonly searches: readonly string[]
  /** `ndots:2`, `single-request-reopen` */
  readonly options: readonly string[]
  readonly hostAliases: readonly { readonly ip: string; readonly hostnames: readonly string[] }[]
}

const POLICIES = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'] as const

const texts = (list: readonly unknown[]): string[] => list.flatMap((t) => (typeof t === 'string' ? [t] : []))

export function podDnsOf(name: string, spec: Fields | undefined): PodDns {
  const hostname = textAt(spec, 'hostname')
  const subdomain = textAt(spec, 'subdomain')
  const config = objectAt(spec, 'dnsConfig')
  return {
    hostname: hostname ?? name,
    named: hostname !== undefined,
    ...(subdomain === undefined ? {} : { subdomain }),
    policy: POLICIES.find((p) => p === at(spec, 'dnsPolicy')) ?? 'ClusterFirst',
    nameservers: texts(listAt(config, 'nameservers')),
    searches: texts(listAt(config, 'searches')),
    options: listAt(config, 'options').flatMap((o) => {
      const [option, value] = [textAt(o, 'name'), textAt(o, 'value')]
      return option === undefined ? [] : [value === undefined ? option : `${option}:${value}`]
    }),
    hostAliases: listAt(spec, 'hostAliases').flatMap((a) => {
      const ip = textAt(a, 'ip')
      return ip === undefined ? [] : [{ ip, hostnames: texts(listAt(a, 'hostnames')) }]
    }),
  }
}

/** The cluster IP of kube-dns, which kubelets are configured with (`clusterDNS`); undefined for a cluster without DNS. */
export const clusterDns = (cluster: Cluster): Ipv4 | undefined =>
  cluster.services.find((s) => s.namespace === 'kube-system' && s.name === 'kube-dns')?.clusterIP

/** The document has DNS: the kube-dns Service, or a CoreDNS pod. Without either, machines have no resolver configuration at all. */
export function hasDns(cluster: Cluster): boolean {
  let has = withDns.get(cluster)
  if (has === undefined) {
    has = clusterDns(cluster) !== undefined || cluster.pods.some((p) => p.containers.some((c) => corednsArgv(c) !== undefined))
    withDns.set(cluster, has)
  }
  return has
}

/** Every pod of a cluster asks, and every pod has to be looked at for the answer. */
const withDns = new WeakMap<Cluster, boolean>()

const DEFAULT_COREFILE_PATH = '/etc/coredns/Corefile'

/** The command line of a CoreDNS container, by its image or its command; undefined for another. */
export function corednsArgv(c: Container): readonly string[] | undefined {
  const image = /([^/:@]+)(?::[^/@]+)?(?:@.*)?$/.exec(c.image ?? '')?.[1]
  const given = c.argv ?? []
  const own = given[0]?.startsWith('-') === false
  const name = own ? given[0]?.slice(given[0].lastIndexOf('/') + 1) : image
  if (name !== 'coredns') return undefined
  const args = own ? given.slice(1) : given
  return ['coredns', ...(args.length === 0 ? ['-conf', DEFAULT_COREFILE_PATH] : args)]
}

/** What kubeadm gives CoreDNS when the document has no ConfigMap kube-system/coredns. */
const COREFILE = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes ${CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success ${CLUSTER_DOMAIN}
       disable denial ${CLUSTER_DOMAIN}
    }
    loop
    reload
    loadbalance
}
`

const KUBELET: Origin = { component: 'kubelet' }

/** A node's own files: its resolver is the one of its network. */
export function nodeFiles(node: NetnsBuilder, address: Ipv4, cluster: Cluster): void {
  if (!hasDns(cluster)) return
  const origin: Origin = { component: 'fabric', detail: 'the name server of the network, by DHCP' }
  node.file('/etc/resolv.conf', hostResolvConf(), origin)
  node.file('/etc/hosts', `127.0.0.1\tlocalhost\n${formatIpv4(address)}\t${node.name}\n`, origin)
}

const hostResolvConf = (): string => `nameserver ${formatIpv4(dnsResolverAddress)}\n`

/** A pod's files; nothing for one on the host's network, whose files are the node's. */
export function podFiles(inside: NetnsBuilder, pod: ClusterPod, cluster: Cluster): void {
  const asked = pod.dns.hostAliases.length > 0 || pod.dns.policy === 'None' || pod.dns.nameservers.length > 0
  if (!hasDns(cluster) && !asked) return
  const of = { kind: 'Pod', namespace: pod.namespace, name: pod.name }
  inside.file('/etc/resolv.conf', podResolvConf(pod, cluster), { ...objectOrigin('kubelet', of, 'spec.dnsPolicy') })
  inside.file('/etc/hosts', podHosts(pod), { ...objectOrigin('kubelet', of, 'spec.hostAliases') })
  const coredns = pod.containers.find((c) => corednsArgv(c) !== undefined)
  if (coredns === undefined) return
  const argv = corednsArgv(coredns) ?? []
  const path = argv[argv.findIndex((w) => /^--?conf$/.test(w)) + 1]
  if (path === undefined || !path.startsWith('/')) return
  const given = corefileOf(cluster)
  const origin: Origin =
    given === undefined
      ? { ...KUBELET, detail: 'the Corefile that kubeadm gives' }
      : objectOrigin('user', { kind: 'ConfigMap', namespace: 'kube-system', name: 'coredns' }, 'data.Corefile')
  inside.file(path, given ?? COREFILE, origin)
}

function corefileOf(cluster: Cluster): string | undefined {
  const map = cluster.objects.find((o) => o.objectKind === 'ConfigMap' && o.namespace === 'kube-system' && o.name === 'coredns')
  return textAt(map?.manifest, 'data', 'Corefile')
}

/** Configurer.GetPodDNS(), written as a container runtime writes it. */
export function podResolvConf(pod: ClusterPod, cluster: Cluster): string {
  const { dns } = pod
  const server = clusterDns(cluster)
  const host = { nameservers: hasDns(cluster) ? [formatIpv4(dnsResolverAddress)] : [], searches: [], options: [] }
  // Without a cluster DNS the kubelet falls back to the node's own file, and says so in an event.
  const clusterFirst = dns.policy === 'ClusterFirst' || dns.policy === 'ClusterFirstWithHostNet'
  const base =
    dns.policy === 'None'
      ? { nameservers: [], searches: [], options: [] }
      : clusterFirst && server !== undefined
        ? {
            nameservers: [formatIpv4(server)],
            searches: [`${pod.namespace}.svc.${CLUSTER_DOMAIN}`, `svc.${CLUSTER_DOMAIN}`, CLUSTER_DOMAIN],
            options: ['ndots:5'],
          }
        : host
  const nameservers = [...new Set([...base.nameservers, ...dns.nameservers])]
  const searches = [...new Set([...base.searches, ...dns.searches])]
  // appendOptions: what the pod says replaces an option of the same name.
  const name = (option: string) => option.split(':')[0]
  const options = [...base.options.filter((o) => !dns.options.some((own) => name(own) === name(o))), ...dns.options]
  return [
    ...(searches.length === 0 ? [] : [`search ${searches.join(' ')}`]),
    ...nameservers.map((s) => `nameserver ${s}`),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
    '',
  ].join('\n')
}

/** managedHostsFileContent() */
function podHosts(pod: ClusterPod): string {
  const { hostname, subdomain, hostAliases } = pod.dns
  const long = subdomain === undefined ? '' : `${hostname}.${subdomain}.${pod.namespace}.svc.${CLUSTER_DOMAIN}\t`
  const aliases = hostAliases.map((a) => `${a.ip}\t${a.hostnames.join('\t')}\n`)
  return [
    '# Kubernetes-managed hosts file.\n',
    '127.0.0.1\tlocalhost\n',
    '::1\tlocalhost ip6-localhost ip6-loopback\n',
    'fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n',
    `${formatIpv4(pod.ip)}\t${long}${hostname}\n`,
    ...(aliases.length === 0 ? [] : ['\n# Entries added by HostAliases.\n', ...aliases]),
  ].join('')
}
