import { err, ok, type Result } from '../../base/result.ts'
import { type ImportedNode, importNode } from '../../linux/import.ts'
import { textKind } from '../../linux/import-kind.ts'
import type { InputError, JourneySpec, ScenarioDocument } from '../../scenario/document.ts'
import { noteId, type RecordId, sysctlId } from '../../world/ids.ts'
import type { Origin, RuleRecord, WorldRecord } from '../../world/records.ts'
import type { World } from '../../world/world.ts'
import { buildWorld } from '../build.ts'
import { draftsOf, recordsOf } from '../objects.ts'
import { checkJourneys } from '../places.ts'
import { type InputFile, isScenarioText, mergeManifests } from './manifest-files.ts'

export type { InputFile } from './manifest-files.ts'

export interface ImportedCluster {
  readonly document: ScenarioDocument
  readonly world: World
  /** The world is that of machines' own tables: the document alone does not make it again, its files do. */
  readonly fromTables: boolean
}

export interface ImportOptions {
  /** Instead of the document's own. */
  readonly journeys?: readonly JourneySpec[]
  readonly onProgress?: (phase: 'parse' | 'world', done: number, total: number) => void
  /** Instead of buildWorld itself: one that remembers. */
  readonly build?: typeof buildWorld
}

/**
 * Opens whatever a user gave: a scenario document, Kubernetes manifests in any number of files, what ip, iptables-save and
 * their kin printed on real machines, or all of it together. Tables of machines win: where there are any, the namespaces are
 * those machines', and the manifests tell which object a rule is from.
 *
 * Errors carry file, path, line and column. Files that nobody can place are told of in notes, unless there is nothing else.
 */
export async function importCluster(
  files: readonly InputFile[],
  options: ImportOptions = {},
): Promise<Result<ImportedCluster, InputError[]>> {
  const kinds = files.map((f) => (isScenarioText(f.text) ? 'kubernetes' : textKind(f.text)))
  const tables = files.filter((_, i) => kinds[i] !== 'kubernetes' && kinds[i] !== 'other')
  const manifests = files.filter((_, i) => kinds[i] === 'kubernetes')
  const unknown = files.filter((_, i) => kinds[i] === 'other')
  if (files.length === 0) return err([{ kind: 'input', message: 'there is nothing to open' }])
  if (tables.length > 0) return openTables(tables, manifests, options)
  return openManifests(manifests.length > 0 ? manifests : unknown, manifests.length > 0 ? unknown : [], options)
}

async function openManifests(
  files: readonly InputFile[],
  unknown: readonly InputFile[],
  options: ImportOptions,
): Promise<Result<ImportedCluster, InputError[]>> {
  const merged = await mergeManifests(files, { onProgress: (done, total) => options.onProgress?.('parse', done, total) })
  if (!merged.ok) return merged
  const document = withJourneys(merged.value.document, options)
  const { build = buildWorld, onProgress } = options
  const world = build(document, { onProgress: (share) => onProgress?.('world', share, 1) })
  if (!world.ok) return err(await merged.value.locate(world.error))
  if (unknown.length === 0) return ok({ document, world: world.value, fromTables: false })
  const records = new Map(world.value)
  addUnknown(records, unknown)
  return ok({ document, world: records, fromTables: false })
}

async function openTables(
  tables: readonly InputFile[],
  manifests: readonly InputFile[],
  options: ImportOptions,
): Promise<Result<ImportedCluster, InputError[]>> {
  const merged = manifests.length === 0 ? undefined : await mergeManifests(manifests)
  if (merged !== undefined && !merged.ok) return merged
  const objects = merged?.value.document.objects ?? []
  const nodes = objects.filter((o) => o.kind === 'Node')
  const imported = nodes.length === 1 && nodes[0] !== undefined ? importNode(tables, nodes[0].metadata.name) : importNode(tables)
  if (imported.records.length === imported.netnses.length) return err(imported.errors.map(tableError))

  const errors: InputError[] = []
  const records = new Map<RecordId, WorldRecord>()
  for (const o of recordsOf(draftsOf(objects, errors))) records.set(o.id, o)
  for (const r of imported.records) records.set(r.id, r.kind === 'rule' ? withService(r) : r)
  for (const n of imported.notes) records.set(n.id, n)
  noteErrors(records, imported)
  assumeForwarding(records, imported)
  const document = withJourneys(merged?.value.document ?? tablesDocument(tables), options)
  errors.push(...checkJourneys(document.journeys, records))
  if (errors.length > 0) return err(merged === undefined ? errors : await merged.value.locate(errors))
  return ok({ document, world: records, fromTables: true })
}

const withJourneys = (document: ScenarioDocument, { journeys }: ImportOptions): ScenarioDocument =>
  journeys === undefined ? document : { ...document, journeys }

/** A document for machines of which nothing but their tables is known. */
const tablesDocument = (files: readonly InputFile[]): ScenarioDocument => ({
  hopscope: 1,
  title: files[0]?.name.split('/').slice(-2)[0] ?? 'Imported machine',
  seed: 1,
  cluster: {
    podCIDR: '10.244.0.0/16',
    serviceCIDR: '10.96.0.0/16',
    network: { plugin: 'bridge', fabric: 'l2', mtu: 1500 },
    kubeProxy: { mode: 'iptables' },
  },
  objects: [],
  overrides: {},
  journeys: [],
})

const tableError = ({ file, error }: ImportedNode['errors'][number]): InputError => ({
  kind: 'input',
  file,
  line: error.line,
  message: `found ${error.found === '' ? 'nothing' : `"${error.found}"`} in this ${error.tool} text; expected ${error.expected}`,
})

const IMPORT: Origin = { component: 'import' }

/** A table that cannot be read is left out, and that is said: the others are worth opening. */
function noteErrors(records: Map<RecordId, WorldRecord>, imported: ImportedNode): void {
  imported.errors.forEach((e, i) => {
    const { message, line } = tableError(e)
    const id = noteId('import', i + 1)
    records.set(id, { kind: 'note', id, what: `${e.file} is left out: ${message}`, where: `${e.file}:${line}`, origin: IMPORT })
  })
}

/**
 * The kernel's default is 0, but every container host sets ip_forward. Where nobody printed the sysctl, a machine that filters
 * or translates forwarded packets is taken to forward, and that is said.
 */
function assumeForwarding(records: Map<RecordId, WorldRecord>, imported: ImportedNode): void {
  for (const { id: netns, name, role } of imported.netnses) {
    const id = sysctlId(name, FORWARD)
    const forwards = imported.records.some(
      (r) => r.kind === 'chain' && r.netns === netns && (r.name === 'FORWARD' || r.table === 'nat'),
    )
    if (role !== 'node' || !forwards || records.has(id)) continue
    records.set(id, { kind: 'sysctl', id, netns, key: FORWARD, value: '1', origin: { ...IMPORT, detail: 'assumed' } })
    const note = noteId(name, 1000)
    records.set(note, {
      kind: 'note',
      id: note,
      netns,
      what: `${FORWARD} of ${name} is not known: taken to be 1, as on every container host`,
      origin: IMPORT,
    })
  }
}
const FORWARD = 'net.ipv4.ip_forward'

function addUnknown(records: Map<RecordId, WorldRecord>, files: readonly InputFile[]): void {
  files.forEach((f, i) => {
    const id = noteId('files', i + 1)
    records.set(id, {
      kind: 'note',
      id,
      what: `${f.name} is left out: it is no manifest and no table that Hopscope knows`,
      where: f.name,
      origin: IMPORT,
    })
  })
}

/** kube-proxy names the Service port in the comment of nearly every rule: `default/web:http cluster IP`. */
function withService(r: RuleRecord): RuleRecord {
  if (!/^KUBE-(SERVICES|NODEPORTS|EXTERNAL-SERVICES|PROXY-FIREWALL|SVC-|SVL-|SEP-|EXT-|FW-|XLB-)/.test(r.chain)) return r
  const comment = r.spec.matches.find((m) => m.kind === 'comment')
  const named =
    comment === undefined
      ? null
      : /^(?:masquerade traffic for |pod traffic for )?([a-z0-9-]+)\/([a-z0-9.-]+?)(?::\S*)?(?: |$)/.exec(comment.text)
  const [, namespace, name] = named ?? []
  if (namespace === undefined || name === undefined) return r
  return { ...r, origin: { ...r.origin, object: { kind: 'Service', namespace, name } } }
}
