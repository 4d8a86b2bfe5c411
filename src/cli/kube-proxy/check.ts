import { type Fields, isObject } from '../../base/fields.ts'
import { err, ok, type Result } from '../../base/result.ts'
import { type IpFamily, parseCidrSloppy, parseIpSloppy } from '../../cluster/kube-proxy/ip.ts'
import { LOCAL_DETECTORS, type NodeConfig, type Objects, PROTOCOLS, type RulesetVector } from './vector.ts'

// What a vector must be before it is answered. Services and EndpointSlices are looked at as kube-proxy does: an address that is none
// is passed over there, and no fault of the vector.

/** `nodeConfig.nodeName: expected a string`. */
export type Complaint = string

const FAMILIES: readonly unknown[] = ['IPv4', 'IPv6'] satisfies IpFamily[]

/** A vector of rulesets, with kube-proxy's own defaults where it leaves something out; or what is missing in it, or malformed. */
export function readRulesetVector(v: Fields): Result<RulesetVector, Complaint> {
  const complaint = complaintAbout(v)
  if (complaint !== undefined) return err(complaint)
  // Its shape has just been looked at.
  const given = v as Partial<RulesetVector> & Pick<RulesetVector, 'id' | 'nodeConfig'>
  return ok({
    ...given,
    nodeConfig: { ...nodeDefaults(given.nodeConfig), ...given.nodeConfig },
    ...objectsOf(given),
    sync: syncOf(given.sync),
    flows: (given.flows ?? []).map((f) => ({ ...f, protocol: f.protocol ?? 'TCP' })),
  })
}

/** A partial sync comes after another: where none is told, after one of nothing. */
function syncOf(sync: RulesetVector['sync'] | undefined): RulesetVector['sync'] {
  const previous = sync?.previous ?? (sync?.kind === 'partial' ? {} : undefined)
  return { kind: sync?.kind ?? 'full', previous: previous === undefined ? null : objectsOf(previous) }
}

const objectsOf = ({ services = [], endpointSlices = [] }: Partial<Objects>): Objects => ({ services, endpointSlices })

const nodeDefaults = ({ proxyMode, ipFamily, nodeIP }: NodeConfig): Partial<NodeConfig> => ({
  tracerLocalIPs: [nodeIP],
  interfaces: [{ name: 'eth0', addresses: [`${nodeIP}/${ipFamily === 'IPv4' ? 32 : 128}`] }],
  nodeLabels: {},
  localDetector: { kind: 'none' },
  masqueradeAll: false,
  masqueradeBit: 14,
  // Of nftables mode the default is `primary`.
  nodePortAddresses: proxyMode === 'nftables' ? [`${nodeIP}/${ipFamily === 'IPv4' ? 32 : 128}`] : [],
})

/** The first thing that is missing or malformed; undefined: nothing is. */
function complaintAbout(v: Fields): Complaint | undefined {
  if (!isObject(v.nodeConfig)) return 'nodeConfig: expected an object'
  const node = complaintAboutNode(v.nodeConfig)
  if (node !== undefined) return `nodeConfig.${node}`
  const objects = complaintAboutObjects(v)
  if (objects !== undefined) return objects
  const { sync } = v
  if (sync !== undefined) {
    if (!isObject(sync) || (sync.kind !== 'full' && sync.kind !== 'partial')) return 'sync.kind: expected full or partial'
    const { previous } = sync
    if (previous !== undefined && previous !== null && !isObject(previous))
      return 'sync.previous: expected {services, endpointSlices} or null'
    const before = isObject(previous) ? complaintAboutObjects(previous) : undefined
    if (before !== undefined) return `sync.previous.${before}`
  }
  if (v.flows !== undefined && !Array.isArray(v.flows)) return 'flows: expected a list'
  const flows: readonly unknown[] = Array.isArray(v.flows) ? v.flows : []
  for (const [i, flow] of flows.entries()) {
    const complaint = isObject(flow) ? complaintAboutFlow(flow, v.nodeConfig.ipFamily) : 'expected an object'
    if (complaint !== undefined) return `flows[${i}]${isObject(flow) ? '.' : ': '}${complaint}`
  }
  return undefined
}

function complaintAboutNode(n: Fields): Complaint | undefined {
  if (n.proxyMode !== 'iptables' && n.proxyMode !== 'nftables') return 'proxyMode: expected iptables or nftables'
  if (!FAMILIES.includes(n.ipFamily)) return 'ipFamily: expected IPv4 or IPv6'
  if (typeof n.nodeName !== 'string' || n.nodeName === '') return "nodeName: expected the node's name"
  if (typeof n.nodeIP !== 'string' || parseIpSloppy(n.nodeIP) === undefined) return 'nodeIP: expected an IP address'
  for (const [key, read, wanted] of [
    ['tracerLocalIPs', parseIpSloppy, 'IP addresses'],
    ['nodePortAddresses', parseCidrSloppy, 'address blocks such as 192.168.0.0/24'],
    ['serviceCIDRs', parseCidrSloppy, 'address blocks such as 172.30.0.0/16'],
  ] as const) {
    const list = n[key]
    if (list !== undefined && !(Array.isArray(list) && list.every((t) => typeof t === 'string' && read(t) !== undefined))) {
      return `${key}: expected a list of ${wanted}`
    }
  }
  if (n.interfaces !== undefined && !(Array.isArray(n.interfaces) && n.interfaces.every(isInterface))) {
    return 'interfaces: expected a list of {name, addresses}'
  }
  if (
    n.masqueradeBit !== undefined &&
    !(Number.isInteger(n.masqueradeBit) && Number(n.masqueradeBit) >= 0 && Number(n.masqueradeBit) < 32)
  ) {
    return 'masqueradeBit: expected 0 to 31'
  }
  return n.localDetector === undefined ? undefined : complaintAboutDetector(n.localDetector)
}

const isInterface = (i: unknown): boolean =>
  isObject(i) && typeof i.name === 'string' && Array.isArray(i.addresses) && i.addresses.every((a) => typeof a === 'string')

function complaintAboutDetector(d: unknown): Complaint | undefined {
  const kind = isObject(d) ? LOCAL_DETECTORS.find((k) => k === d.kind) : undefined
  if (!isObject(d) || kind === undefined) return `localDetector.kind: expected one of ${LOCAL_DETECTORS.join(', ')}`
  const text = (key: string) => typeof d[key] === 'string' && d[key] !== ''
  switch (kind) {
    case 'ClusterCIDR':
    case 'NodeCIDR':
      // Without one kube-proxy cannot tell, and says so in its log.
      return (d.cidr ?? '') === '' || (text('cidr') && parseCidrSloppy(String(d.cidr)) !== undefined)
        ? undefined
        : 'localDetector.cidr: expected an address block'
    case 'BridgeInterface':
      return text('bridgeInterface') ? undefined : "localDetector.bridgeInterface: expected the bridge's name"
    case 'InterfaceNamePrefix':
      return text('interfaceNamePrefix')
        ? undefined
        : 'localDetector.interfaceNamePrefix: expected how the interfaces’ names begin'
    case 'none':
      return undefined
  }
}

function complaintAboutObjects(o: Fields): Complaint | undefined {
  for (const key of ['services', 'endpointSlices'] as const) {
    const list: unknown = o[key] ?? []
    if (!Array.isArray(list)) return `${key}: expected a list`
    const bad = list.findIndex((m) => !isObject(m) || !isObject(m.metadata) || typeof m.metadata.name !== 'string')
    if (bad >= 0) return `${key}[${bad}].metadata.name: expected a name`
  }
  return undefined
}

function complaintAboutFlow(f: Fields, family: unknown): Complaint | undefined {
  for (const key of ['sourceIP', 'destIP'] as const) {
    const address = typeof f[key] === 'string' ? parseIpSloppy(f[key]) : undefined
    if (address?.family !== family) return `${key}: expected an ${family === 'IPv6' ? 'IPv6' : 'IPv4'} address`
  }
  const { destPort, protocol = 'TCP' } = f
  if (!Number.isInteger(destPort) || Number(destPort) < 0 || Number(destPort) > 0xffff) return 'destPort: expected a port'
  return PROTOCOLS.some((p) => p === protocol) ? undefined : `protocol: expected ${PROTOCOLS.join(', ')}`
}

const OF_VECTOR = new Set([
  ...['id', 'features', 'source', 'note', 'nodeConfig', 'services', 'endpointSlices', 'orphanSlices', 'sync', 'flows'],
  ...[
    'inputIptables',
    'initialNftables',
    'staleChains',
    'expectedIptables',
    'expectedNftables',
    'expectedChains',
    'expectedLines',
  ],
  ...['expectedCounts', 'expectedNoLocalEndpoints', 'expectedDestinationRules', 'expectedElements', 'expectedOperations'],
])
const OF_NODE = new Set([
  ...['proxyMode', 'ipFamily', 'nodeName', 'nodeIP', 'nodeIPs', 'tracerLocalIPs', 'interfaces', 'nodeLabels', 'localDetector'],
  ...['masqueradeAll', 'masqueradeBit', 'masqueradeMark', 'nodePortAddresses', 'localhostNodePorts', 'hasRandomFully'],
  ...['conntrackTCPLiberal', 'nfAcctCounters', 'largeClusterEndpointsThreshold', 'serviceCIDRs'],
])

/** Fields of a vector of rulesets that its answer takes no account of, by path. */
export function unknownFields(v: Fields): string[] {
  const node = isObject(v.nodeConfig) ? Object.keys(v.nodeConfig) : []
  return [
    ...Object.keys(v).filter((k) => !OF_VECTOR.has(k)),
    ...node.filter((k) => !OF_NODE.has(k)).map((k) => `nodeConfig.${k}`),
  ]
}
