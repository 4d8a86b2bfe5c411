import { listAt, textAt } from '../base/fields.ts'
import { formatIpv4, ipv4, networkOf } from '../net/address.ts'
import type { Manifest, ScenarioDocument } from '../scenario/document.ts'
import { corednsArgv } from './dns.ts'
import type { FillContext } from './fill-in.ts'
import { HOME, type Site } from './site.ts'

// A cluster comes with DNS: kubeadm, kind and k3s install CoreDNS behind the Service kube-dns before the first user's pod. People who
// write down their own objects leave it out. It is added where a journey asks for a name, so that a small cluster of addresses
// stays small; `cluster.dns` says otherwise.

const NAMESPACE = 'kube-system'
const LABELS = { 'k8s-app': 'kube-dns' }

/** Adds the Deployment coredns and the Service kube-dns (kubeadm's addons, one replica) where the cluster is to have them and has neither. */
export function fillDns({ drafts, doc, site, serviceCIDR, notes }: FillContext): void {
  if (!wantsDns(doc, site)) return
  // kubeadm's GetDNSIP(): the tenth address of the range. Where another Service has it, the API server picks one.
  const tenth = formatIpv4(ipv4(networkOf(serviceCIDR) + 10))
  const taken = drafts.of('Service').some((d) => textAt(d.manifest, 'spec', 'clusterIP') === tenth)
  const ports = (field: 'port' | 'containerPort') => [
    { name: 'dns', [field]: 53, protocol: 'UDP' },
    { name: 'dns-tcp', [field]: 53, protocol: 'TCP' },
    { name: 'metrics', [field]: 9153, protocol: 'TCP' },
  ]
  const madeBy = 'addon CoreDNS'
  drafts.add(
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'coredns', namespace: NAMESPACE, labels: LABELS },
      spec: {
        replicas: 1,
        selector: { matchLabels: LABELS },
        template: {
          metadata: { labels: LABELS },
          spec: {
            dnsPolicy: 'Default',
            containers: [
              {
                name: 'coredns',
                image: 'registry.k8s.io/coredns/coredns:v1.12.1',
                args: ['-conf', '/etc/coredns/Corefile'],
                ports: ports('containerPort'),
              },
            ],
          },
        },
      },
    },
    'cluster.dns',
    madeBy,
  )
  drafts.add(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: NAMESPACE, labels: LABELS },
      spec: { ...(taken ? {} : { clusterIP: tenth }), selector: LABELS, ports: ports('port') },
    },
    'cluster.dns',
    madeBy,
  )
  const why = doc.cluster.dns === undefined ? 'a journey asks for a name' : 'cluster.dns asks for it'
  notes.push({
    what: `The objects have no DNS, and ${why}: CoreDNS was added behind the Service kube-dns`,
    where: 'cluster.dns',
    added: true,
  })
}

/** The document is to have DNS that its objects do not bring. Of the other clusters of a document, those whose own pods ask. */
export function wantsDns({ cluster, objects, journeys }: ScenarioDocument, site: Site = HOME): boolean {
  if (cluster.dns === 'none' || objects.length === 0) return false
  const asks = journeys.some((j) => asksForName(j.run) && (site.index === 0 || objects.some((o) => isPod(o, j.from))))
  return (asks || cluster.dns === 'coredns') && !objects.some(bringsDns)
}

const isPod = ({ kind, metadata }: Manifest, place: string): boolean =>
  kind === 'Pod' && (place === `pod/${metadata.name}` || place === `pod/${metadata.namespace ?? 'default'}/${metadata.name}`)

/** Whatever answers names already, whoever installed it: its Service by name or label, or its pods by their image. */
function bringsDns(object: Manifest): boolean {
  const { kind, metadata } = object
  if (kind === 'Service') {
    return (
      metadata.namespace === NAMESPACE && (metadata.name === 'kube-dns' || textAt(metadata, 'labels', 'k8s-app') === 'kube-dns')
    )
  }
  const spec = kind === 'Pod' ? ['spec'] : ['spec', 'template', 'spec']
  return listAt(object, ...spec, 'containers').some((c) => {
    const image = textAt(c, 'image')
    return image !== undefined && corednsArgv({ name: '', image, ports: [] }) !== undefined
  })
}

/** Programs that do nothing but ask. */
const ASKERS = /^(dig|nslookup|getent|host)$/
const CALLERS = /^(curl|ping|nc)$/

/**
 * A command needs DNS: it asks for a name, or calls a host by one. By the words alone, without the programs' own parsers, as a
 * reader of the document would tell; a name of /etc/hosts counts too, and costs nothing but a pod that nobody asks.
 */
export function asksForName(run: string): boolean {
  const words = (run.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((w) => w.replace(/^(["'])(.*)\1$/, '$2'))
  const at = words.findIndex((w) => ASKERS.test(w) || CALLERS.test(w))
  const program = words[at]
  if (program === undefined) return false
  if (ASKERS.test(program)) return true
  const rest = words.slice(at + 1)
  // --resolve host:port:address: curl is told what it would ask.
  const told = new Set(rest.flatMap((w, i) => (rest[i - 1] === '--resolve' ? [w.split(':')[0]] : [])))
  return operands(program, rest).some((word) => {
    const host = /^(?:[a-z]+:\/\/)?(?:[^@/]*@)?([^:/?#]+)/i.exec(word)?.[1] ?? ''
    return host !== 'localhost' && !told.has(host) && /^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(host) && /[a-z]/i.test(host)
  })
}

/** The words that name a host: curl's URLs, or its last word; nc's host before its port; ping's last word. */
function operands(program: string, words: readonly string[]): readonly string[] {
  const urls = words.filter((w, i) => /^[a-z]+:\/\//i.test(w) && words[i - 1] !== '-e')
  if (program === 'curl' && urls.length > 0) return urls
  const operand = program === 'nc' ? words.at(-2) : words.at(-1)
  return operand === undefined || operand.startsWith('-') ? [] : [operand]
}
