import type { Manifest } from '../scenario/document.ts'
import { clientPod, TWO_NODES, webPod } from './parts.ts'

// What the scenarios about names share: CoreDNS behind the Service kube-dns, at the address that kubeadm gives it.

export const DNS_IP = '10.96.0.10'

export const KUBE_DNS: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'kube-dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
  spec: {
    clusterIP: DNS_IP,
    selector: { 'k8s-app': 'kube-dns' },
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
      { name: 'metrics', port: 9153, protocol: 'TCP' },
    ],
  },
}

/** A CoreDNS pod as its Deployment makes it: the node's own resolver for what lies outside (dnsPolicy Default). */
export const corednsPod = (name: string, nodeName: string, podIP: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
  spec: {
    nodeName,
    dnsPolicy: 'Default',
    containers: [
      {
        name: 'coredns',
        image: 'registry.k8s.io/coredns/coredns:v1.12.1',
        args: ['-conf', '/etc/coredns/Corefile'],
        ports: [
          { name: 'dns', containerPort: 53, protocol: 'UDP' },
          { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
          { name: 'metrics', containerPort: 9153, protocol: 'TCP' },
        ],
      },
    ],
  },
  status: { podIP },
})

export const WEB_BY_NAME: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { clusterIP: '10.96.0.80', selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
}

/** Two nodes, a client on the first, CoreDNS on the second. */
export const NAMED: readonly Manifest[] = [
  ...TWO_NODES,
  clientPod('client', 'node1', '10.244.1.2'),
  corednsPod('coredns', 'node2', '10.244.2.2'),
  KUBE_DNS,
]

/** The same with the Service web and its backend beside CoreDNS. */
export const NAMED_WEB: readonly Manifest[] = [...NAMED, webPod('web', 'node2', '10.244.2.3'), WEB_BY_NAME]
