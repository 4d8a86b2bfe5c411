import { at, listAt, numberAt, textAt } from '../../base/fields.ts'
import type { Manifest } from '../../scenario/document.ts'
import { type IpAddress, type IpFamily, joinHostPort, parseIpSloppy } from './ip.ts'
import type { L4Protocol } from './rule.ts'
import { compare, l4Protocol, type ProxyServicePort } from './service-map.ts'

/** What EndpointSlices say of one address and port (pkg/proxy/endpoint.go: BaseEndpointInfo). */
export interface ProxyEndpoint {
  readonly address: IpAddress
  readonly port: number
  /** `10.0.0.1:80`, `[2001:db8::1]:80`. */
  readonly text: string
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly nodeName?: string
  readonly zoneHints?: readonly string[]
  readonly nodeHints?: readonly string[]
}

/** The endpoints of a service port, in byte order of their text. */
export type EndpointsMap = (port: ProxyServicePort) => readonly ProxyEndpoint[]

const SERVICE_NAME = 'kubernetes.io/service-name'
/** kube-proxy's informers leave out what has this label. */
const HEADLESS = 'service.kubernetes.io/headless'
const keyOf = (namespace: string, service: string, portName: string, protocol: L4Protocol) =>
  `${namespace}/${service}:${portName}/${protocol}`

/**
 * Endpoints of one family by service port, each address and port once. `slices` are discovery.k8s.io/v1 EndpointSlices.
 * Source: pkg/proxy/endpointslicecache.go. A slice's ports are matched by name and protocol; only an endpoint's first address
 * counts, and a later entry for the same address and port only replaces an earlier one when it is not terminating: a pod may
 * have got the address of one that is not gone yet (addEndpoints, since Kubernetes 1.36).
 */
export function endpointsMap(slices: readonly Manifest[], family: IpFamily): EndpointsMap {
  const byPort = new Map<string, Map<string, ProxyEndpoint>>()
  for (const slice of slices) {
    const service = textAt(slice, 'metadata', 'labels', SERVICE_NAME)
    if (service === undefined || at(slice, 'metadata', 'labels', HEADLESS) !== undefined) continue
    if ((textAt(slice, 'addressType') ?? family) !== family) continue
    const endpoints = listAt(slice, 'endpoints').flatMap((e) => endpointOf(e, family))
    for (const p of listAt(slice, 'ports')) {
      const port = numberAt(p, 'port') ?? 0
      if (port === 0) continue
      const protocol = l4Protocol(textAt(p, 'protocol'))
      const key = keyOf(slice.metadata.namespace ?? 'default', service, textAt(p, 'name') ?? '', protocol)
      const known = byPort.get(key) ?? new Map<string, ProxyEndpoint>()
      byPort.set(key, known)
      for (const e of endpoints) {
        const text = joinHostPort(e.address, port)
        if (!known.has(text) || !e.terminating) known.set(text, { ...e, port, text })
      }
    }
  }
  const sorted = new Map([...byPort].map(([key, m]) => [key, [...m.values()].sort((a, b) => compare(a.text, b.text))]))
  return (p) => sorted.get(keyOf(p.namespace, p.service, p.portName, p.protocol)) ?? []
}

function endpointOf(e: unknown, family: IpFamily): Omit<ProxyEndpoint, 'port' | 'text'>[] {
  const [first] = listAt(e, 'addresses')
  const address = typeof first === 'string' ? parseIpSloppy(first) : undefined
  if (address?.family !== family) return []
  const nodeName = textAt(e, 'nodeName')
  const zoneHints = names(e, 'forZones')
  const nodeHints = names(e, 'forNodes')
  return [
    {
      address,
      // Absent conditions count as true, true and false.
      ready: at(e, 'conditions', 'ready') !== false,
      serving: at(e, 'conditions', 'serving') !== false,
      terminating: at(e, 'conditions', 'terminating') === true,
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(zoneHints.length === 0 ? {} : { zoneHints }),
      ...(nodeHints.length === 0 ? {} : { nodeHints }),
    },
  ]
}

const names = (endpoint: unknown, hint: string): string[] =>
  listAt(endpoint, 'hints', hint).flatMap((h) => textAt(h, 'name') ?? [])
