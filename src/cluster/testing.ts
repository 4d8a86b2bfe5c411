import { formatIpv4, formatPrefix } from '../net/address.ts'
import type { InputError, Manifest, ScenarioDocument } from '../scenario/document.ts'
import { RT_TABLE } from '../world/records.ts'
import { viewOf, type World, type WorldView } from '../world/world.ts'
import { buildWorld } from './build.ts'

// What the tests of this folder share: small documents, and worlds as text.

export const documentOf = (objects: readonly Manifest[], more: Partial<ScenarioDocument> = {}): ScenarioDocument => ({
  hopscope: 1,
  title: 'test',
  seed: 1,
  cluster: {
    podCIDR: '10.244.0.0/16',
    serviceCIDR: '10.96.0.0/16',
    network: { plugin: 'bridge', fabric: 'l2', mtu: 1500 },
    kubeProxy: { mode: 'iptables' },
  },
  objects,
  overrides: {},
  journeys: [],
  ...more,
})

export const node = (name: string, podCIDR?: string, ip?: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  ...(podCIDR === undefined ? {} : { spec: { podCIDR } }),
  ...(ip === undefined ? {} : { status: { addresses: [{ type: 'InternalIP', address: ip }] } }),
})

export const pod = (
  name: string,
  nodeName: string,
  more: { podIP?: string; app?: string; ports?: readonly object[] } = {},
): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...(more.app === undefined ? {} : { labels: { app: more.app } }) },
  spec: { nodeName, containers: [{ name: 'c', ...(more.ports === undefined ? {} : { ports: more.ports }) }] },
  ...(more.podIP === undefined ? {} : { status: { podIP: more.podIP } }),
})

export const service = (name: string, spec: object): Manifest => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec })

export function built(doc: ScenarioDocument): World {
  const world = buildWorld(doc)
  if (!world.ok) throw new Error(world.error.map((e) => `${e.path}: ${e.message}`).join('\n'))
  return world.value
}

export const errorsOf = (doc: ScenarioDocument): string[] => {
  const world = buildWorld(doc)
  return world.ok ? [] : world.error.map((e: InputError) => `${e.path}: ${e.message}`)
}

/** Routes of the main table, one a line, near enough to `ip route` to be read. */
export const routesText = (view: WorldView, netns: string): string =>
  view
    .list('route', `netns:${netns}`)
    .filter((r) => r.table === RT_TABLE.main)
    .map((r) => {
      const hop = r.nexthops[0]
      const dst = r.prefixLength === 0 ? 'default' : formatPrefix({ address: r.dst, length: r.prefixLength })
      const via = hop?.via === undefined ? '' : ` via ${formatIpv4(hop.via)}`
      const dev = hop?.device === undefined ? '' : ` dev ${hop.device.split('/').pop()}`
      return `${dst}${via}${dev}${r.scope === 'link' ? ' scope link' : ''}${r.prefSrc === undefined ? '' : ` src ${formatIpv4(r.prefSrc)}`}`
    })
    .join('\n')

export const viewOfDocument = (doc: ScenarioDocument): WorldView => viewOf(built(doc))
