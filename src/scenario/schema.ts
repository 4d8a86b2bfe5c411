import * as v from 'valibot'
import { err, ok, type Result } from '../base/result.ts'
import {
  type InputError,
  KUBE_PROXY_MODES,
  type Manifest,
  type PeerCluster,
  type ScenarioDocument,
  type ScheduledChange,
  type ViewSpec,
} from './document.ts'
import { inferCluster } from './infer.ts'
import { migrate } from './migrations.ts'
import { formatPath, type PathKey } from './path.ts'

/** An object that takes these fields and no others; a misspelt field is named together with those that exist. */
const object = <E extends v.ObjectEntries>(entries: E) =>
  v.strictObject(entries, (issue) => {
    if (issue.expected === 'never') return `unknown field; expected one of ${Object.keys(entries).join(', ')}`
    return issue.received === 'undefined' ? 'is missing' : `found ${issue.received}; expected an object`
  })

const text = v.pipe(v.string(), v.nonEmpty('is empty; expected some text'))
const count = v.pipe(v.number(), v.integer('expected a whole number'), v.minValue(0, 'expected a number from 0'))

const manifest = v.looseObject({
  apiVersion: text,
  kind: text,
  metadata: v.looseObject({
    name: text,
    namespace: v.exactOptional(text),
    labels: v.nullish(v.record(v.string(), v.string())),
  }),
})

const override = object({
  // YAML reads 0 and 1 as numbers; a sysctl's value is text.
  sysctl: v.exactOptional(v.record(v.string(), v.pipe(v.union([v.string(), v.number()]), v.transform(String)))),
  iptables: v.exactOptional(v.string()),
  nft: v.exactOptional(v.string()),
  addr: v.exactOptional(v.string()),
  routes: v.exactOptional(v.string()),
  rules: v.exactOptional(v.string()),
  neigh: v.exactOptional(v.string()),
  fdb: v.exactOptional(v.string()),
  stall: v.exactOptional(
    object({
      udp: v.pipe(count, v.minValue(1, 'expected a port from 1 to 65535'), v.maxValue(65535, 'expected a port from 1 to 65535')),
      microseconds: v.pipe(count, v.maxValue(1_000_000, 'expected at most 1000000')),
    }),
  ),
})

const journey = object({ from: text, container: v.exactOptional(text), run: text })

const view = object({
  at: v.exactOptional(count),
  step: v.exactOptional(v.pipe(v.number(), v.integer('expected a whole number'), v.minValue(-1))),
  follow: v.exactOptional(count),
  panels: v.exactOptional(v.array(v.string())),
  language: v.exactOptional(v.picklist(['en', 'zh'])),
})

/** ETH_MIN_MTU for IPv4 and the loopback's 65536. */
const mtu = v.pipe(v.number(), v.integer(), v.minValue(68, 'expected at least 68'), v.maxValue(65536, 'expected at most 65536'))

/** ip_vs_*: the schedulers that the engine has. */
const IPVS_SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc', 'sh', 'dh', 'mh', 'sed', 'nq'] as const

/** Part of a place, such as `client/laptop`: an RFC 1123 label. */
const placeName = v.pipe(text, v.regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'expected lower case letters, digits and -'))

const cluster = object({
  podCIDR: v.exactOptional(text),
  serviceCIDR: v.exactOptional(text),
  network: v.optional(
    object({
      plugin: v.optional(v.picklist(['bridge']), 'bridge'),
      fabric: v.optional(v.picklist(['l2', 'cloud']), 'l2'),
      mtu: v.optional(mtu, 1500),
      hairpinMode: v.exactOptional(v.boolean()),
    }),
    {},
  ),
  kubeProxy: v.optional(
    object({
      mode: v.optional(v.picklist(KUBE_PROXY_MODES), 'iptables'),
      scheduler: v.exactOptional(v.picklist(IPVS_SCHEDULERS)),
      masqueradeAll: v.exactOptional(v.boolean()),
      strictARP: v.exactOptional(v.boolean()),
      conntrackCleanup: v.exactOptional(v.boolean()),
    }),
    {},
  ),
  dns: v.exactOptional(v.picklist(['coredns', 'none'])),
  clients: v.exactOptional(v.array(object({ name: placeName, address: v.exactOptional(text) }))),
  loadBalancer: v.exactOptional(v.picklist(['node-port', 'direct'])),
  unplugged: v.exactOptional(v.array(text)),
})

const peer = object({ name: placeName, cluster: v.optional(cluster, {}), objects: v.array(manifest) })

/** Kubernetes durations (metav1.Duration as people write it): one number and its unit. */
const duration = v.pipe(v.string(), v.regex(/^\d+(\.\d+)?(ms|s|m)$/, 'expected a duration such as 1500ms or 2s'))

const change = object({
  journey: count,
  at: duration,
  apply: v.exactOptional(v.array(manifest)),
  delete: v.exactOptional(v.array(object({ kind: text, namespace: v.exactOptional(text), name: text }))),
  unplug: v.exactOptional(v.array(text)),
})

const document = object({
  hopscope: v.literal(1),
  title: v.optional(v.string(), 'Untitled scenario'),
  seed: v.optional(v.pipe(count, v.maxValue(0xffffffff, 'expected at most 4294967295')), 1),
  cluster: v.optional(cluster, {}),
  objects: v.array(manifest),
  overrides: v.optional(v.record(v.string(), override), {}),
  journeys: v.optional(v.array(journey), []),
  changes: v.exactOptional(v.array(change)),
  peers: v.exactOptional(v.array(peer)),
  view: v.exactOptional(view),
})

/**
 * Checks a value read from YAML, JSON or a link, and completes it with defaults. What `cluster` leaves out is inferred from
 * the objects. Every error has a path, what was found and what was expected.
 */
export function validateDocument(value: unknown): Result<ScenarioDocument, InputError[]> {
  const current = migrate(value)
  if (!current.ok) return err([current.error])
  const parsed = v.safeParse(document, current.value)
  if (!parsed.success) return err(parsed.issues.map((issue) => toInputError(issue)))
  const { cluster: settings, objects: given, changes, peers, ...rest } = parsed.output
  const objects = given as readonly Manifest[]
  return ok({
    ...rest,
    objects,
    ...(changes === undefined ? {} : { changes: changes as readonly ScheduledChange[] }),
    ...(peers === undefined ? {} : { peers: peers.map(completePeer) }),
    cluster: { ...settings, ...inferCluster(objects, settings) },
  })
}

function completePeer(given: v.InferOutput<typeof peer>): PeerCluster {
  const objects = given.objects as readonly Manifest[]
  return { name: given.name, objects, cluster: { ...given.cluster, ...inferCluster(objects, given.cluster) } }
}

/** Manifests by themselves, each with its own place in the input as prefix of the errors' paths. */
export function validateManifest(value: unknown, at: readonly PathKey[]): Result<Manifest, InputError[]> {
  const parsed = v.safeParse(manifest, value)
  if (parsed.success) return ok(parsed.output as Manifest)
  if (typeof value !== 'object' || value === null) {
    const message = `found ${JSON.stringify(value)}; expected a Kubernetes manifest or a scenario document`
    return err([{ kind: 'input', path: formatPath(at), message }])
  }
  return err(parsed.issues.map((issue) => toInputError(issue, at)))
}

export const validateView = (value: unknown): Result<ViewSpec, InputError[]> => {
  const parsed = v.safeParse(view, value)
  return parsed.success ? ok(parsed.output) : err(parsed.issues.map((issue) => toInputError(issue)))
}

function toInputError(issue: v.BaseIssue<unknown>, prefix: readonly PathKey[] = []): InputError {
  const keys = (issue.path ?? []).map((item) => (typeof item.key === 'number' ? item.key : String(item.key)))
  const path = formatPath([...prefix, ...keys])
  return { kind: 'input', ...(path === '' ? {} : { path }), message: messageOf(issue) }
}

function messageOf(issue: v.BaseIssue<unknown>): string {
  // Our own messages are sentences; valibot's begin with `Invalid`.
  if (!issue.message.startsWith('Invalid'))
    return issue.kind === 'validation' ? `found ${issue.received}; ${issue.message}` : issue.message
  if (issue.received === 'undefined') return 'is missing'
  return `found ${issue.received === 'Object' ? 'an object' : issue.received === 'Array' ? 'a list' : issue.received}; expected ${expectedOf(issue)}`
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  Array: 'a list',
  Object: 'an object',
  '(string | number)': 'text or a number',
}

function expectedOf(issue: v.BaseIssue<unknown>): string {
  const expected = issue.expected ?? 'another value'
  if (issue.type === 'picklist') return `one of ${expected.replace(/[()"]/g, '').replaceAll(' | ', ', ')}`
  return NOUNS[expected] ?? expected
}
