import type { ClusterConfig, Manifest } from './document.ts'

// What manifests tell of the cluster's address ranges, for documents and pasted `kubectl get` output that do not say it.

/** An inclusive range of addresses as a prefix. */
interface Range {
  readonly base: number
  readonly length: number
}

const DEFAULT_POD_CIDR = '10.244.0.0/16'
const DEFAULT_SERVICE_CIDR = '10.96.0.0/16'

/** The ranges that are not given: from the control plane's own flags, else the least prefix that holds what the objects use. */
export function inferCluster(
  objects: readonly Manifest[],
  given: { readonly podCIDR?: string; readonly serviceCIDR?: string },
): Pick<ClusterConfig, 'podCIDR' | 'serviceCIDR'> {
  const nodes = objects.filter((o) => o.kind === 'Node')
  const pods = objects.filter((o) => o.kind === 'Pod')
  const flags = pods.filter((p) => p.metadata.namespace === 'kube-system')
  const nodeRanges = nodes.flatMap((n) => {
    const spec = fields(n, 'spec')
    return firstV4([...list(spec, 'podCIDRs'), spec?.podCIDR])
  })
  const podAddresses = pods
    .filter((p) => fields(p, 'spec')?.hostNetwork !== true)
    .flatMap((p) => firstV4([fields(p, 'status')?.podIP]))
  const clusterIPs = objects
    .filter((o) => o.kind === 'Service')
    .flatMap((s) => firstV4([...list(fields(s, 'spec'), 'clusterIPs'), fields(s, 'spec')?.clusterIP]))

  const serviceTight = covering(clusterIPs)
  const podTight = covering(nodeRanges.length > 0 ? nodeRanges : podAddresses)
  const serviceFlag = flagOf(flags, '--service-cluster-ip-range')
  const podFlag = flagOf(flags, '--cluster-cidr')
  const serviceCIDR =
    given.serviceCIDR ??
    serviceFlag ??
    (serviceTight === undefined ? undefined : print(widen(serviceTight, podTight))) ??
    DEFAULT_SERVICE_CIDR
  const podCIDR =
    given.podCIDR ??
    podFlag ??
    (podTight === undefined ? undefined : print(widen(podTight, read(serviceCIDR) ?? serviceTight))) ??
    DEFAULT_POD_CIDR
  return { podCIDR, serviceCIDR }
}

/** Clusters use round ranges: a /16 where that still keeps clear of the other range. */
function widen(tight: Range, other: Range | undefined): Range {
  if (tight.length <= 16) return tight
  const wide = { base: (tight.base & 0xffff0000) >>> 0, length: 16 }
  return other !== undefined && overlaps(wide, other) ? tight : wide
}

/** A flag of a control plane component that runs as a static pod, as kubeadm sets them up. */
function flagOf(pods: readonly Manifest[], flag: string): string | undefined {
  for (const p of pods) {
    for (const c of list(fields(p, 'spec'), 'containers')) {
      for (const word of [...list(c, 'command'), ...list(c, 'args')]) {
        if (typeof word !== 'string' || !word.startsWith(`${flag}=`)) continue
        const value = word
          .slice(flag.length + 1)
          .split(',')
          .find((r) => !r.includes(':'))
        if (value !== undefined && read(value) !== undefined) return value
      }
    }
  }
  return undefined
}

function covering(ranges: readonly Range[]): Range | undefined {
  const [first, ...rest] = ranges
  if (first === undefined) return undefined
  let { length } = first
  for (const r of rest) {
    length = Math.min(length, r.length)
    while (length > 0 && ((r.base ^ first.base) & mask(length)) !== 0) length--
  }
  // A single address says little: the /24 around it is the least that a cluster would use.
  length = Math.min(length, 24)
  return { base: (first.base & mask(length)) >>> 0, length }
}

const mask = (length: number): number => (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0)
const overlaps = (a: Range, b: Range): boolean => ((a.base ^ b.base) & mask(Math.min(a.length, b.length))) === 0
const print = (r: Range): string =>
  `${r.base >>> 24}.${(r.base >>> 16) & 255}.${(r.base >>> 8) & 255}.${r.base & 255}/${r.length}`

/** Text that is no IPv4 address or prefix is left to those who check it by its path. */
function read(text: unknown): Range | undefined {
  const m = typeof text === 'string' ? /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(text) : null
  if (m === null) return undefined
  const octets = m.slice(1, 5).map(Number)
  const length = m[5] === undefined ? 32 : Number(m[5])
  if (octets.some((o) => o > 255) || length > 32) return undefined
  const address = octets.reduce((n, o) => n * 256 + o, 0)
  return { base: (address & mask(length)) >>> 0, length }
}

const firstV4 = (values: readonly unknown[]): Range[] => {
  for (const v of values) {
    const r = read(v)
    if (r !== undefined) return [r]
  }
  return []
}

type Fields = Readonly<Record<string, unknown>>
const isObject = (v: unknown): v is Fields => typeof v === 'object' && v !== null && !Array.isArray(v)
const fields = (o: unknown, key: string): Fields | undefined => {
  const v = isObject(o) ? o[key] : undefined
  return isObject(v) ? v : undefined
}
const list = (o: unknown, key: string): readonly unknown[] => {
  const v = isObject(o) ? o[key] : undefined
  return Array.isArray(v) ? v : []
}
