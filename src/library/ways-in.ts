import type { Manifest } from '../scenario/document.ts'
import { WEB_IMAGE, WEB_IP, WEB_PORT } from './parts.ts'

// What the built-in scenarios from outside share: node ports, host ports, load balancers, an ingress controller.

/** A pod that answers HTTP on 8080, and on a port of its node. */
export const hostPortPod = (name: string, nodeName: string, podIP: string, hostPort: number): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'web' } },
  spec: {
    nodeName,
    containers: [{ name: 'web', image: WEB_IMAGE, ports: [{ containerPort: WEB_PORT, hostPort }] }],
  },
  status: { podIP },
})

/** ingress-nginx as its manifests install it: the controller's pod, and a NodePort Service that keeps the client's address. */
export const ingressController = (nodeName: string, podIP: string): readonly Manifest[] => {
  const labels = { 'app.kubernetes.io/name': 'ingress-nginx' }
  const metadata = { name: 'ingress' }
  return [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, labels },
      spec: {
        nodeName,
        containers: [
          {
            name: 'controller',
            image: 'registry.k8s.io/ingress-nginx/controller:v1.11.3',
            args: ['/nginx-ingress-controller', '--ingress-class=nginx', '--controller-class=k8s.io/ingress-nginx'],
            ports: [{ name: 'http', containerPort: 80 }],
          },
        ],
      },
      status: { podIP },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        type: 'NodePort',
        externalTrafficPolicy: 'Local',
        clusterIP: '10.96.0.80',
        selector: labels,
        ports: [{ name: 'http', port: 80, targetPort: 'http', nodePort: 30080 }],
      },
    },
  ]
}

export const NODE_PORT = 30080

/** Service web, also at port 30080 of every node. */
export const nodePortService = (spec: Readonly<Record<string, unknown>> = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: {
    type: 'NodePort',
    clusterIP: WEB_IP,
    selector: { app: 'web' },
    ports: [{ port: 80, targetPort: WEB_PORT, nodePort: NODE_PORT }],
    ...spec,
  },
})

/** The load balancer's address in front of Service web. */
export const VIP = '203.0.113.100'

/** Service web behind a load balancer of the cloud. */
export const balancedService = (spec: Readonly<Record<string, unknown>> = {}): Manifest => ({
  ...nodePortService({ type: 'LoadBalancer', ...spec }),
  status: { loadBalancer: { ingress: [{ ip: VIP }] } },
})
