import type { ClusterConfig, Manifest } from '../scenario/document.ts'
import { cluster, WEB_PORT } from './parts.ts'

/** MetalLB in layer 2 mode, with addresses of the nodes' own segment. */
export const METALLB: readonly Manifest[] = [
  {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name: 'lan', namespace: 'metallb-system' },
    spec: { addresses: ['192.168.1.240-192.168.1.250'] },
  },
  {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'L2Advertisement',
    metadata: { name: 'lan', namespace: 'metallb-system' },
    spec: { ipAddressPools: ['lan'], interfaces: ['eth0'] },
  },
]

/** A laptop on the nodes' segment. */
export const LAN: ClusterConfig = { ...cluster(), clients: [{ name: 'laptop', address: '192.168.1.100' }] }

/** Of type LoadBalancer, with the address that it asks MetalLB for. */
export const announcedService = (name: string, clusterIP: string, address: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, annotations: { 'metallb.io/loadBalancerIPs': address } },
  spec: { type: 'LoadBalancer', clusterIP, selector: { app: name }, ports: [{ port: 80, targetPort: WEB_PORT }] },
})
