import { netnsId, noteId } from '../world/ids.ts'
import type { NetnsRecord, NoteRecord, WorldRecord } from '../world/records.ts'
import { textKind } from './import-kind.ts'
import { importNamespace } from './import-namespace.ts'
import { connectNamespaces } from './import-peers.ts'
import { IMPORT_ORIGIN as IMPORT, type NamedText } from './import-text.ts'
import type { TextError } from './text.ts'

/** A file that a person gave: its name with its folders, and what is in it. */
export interface ImportFile {
  readonly name: string
  readonly text: string
}

export interface ImportError {
  readonly file: string
  readonly error: TextError
}

export interface ImportedNode {
  readonly netnses: readonly NetnsRecord[]
  /** All records but the notes: netns, devices, addresses, routes, rules … */
  readonly records: readonly WorldRecord[]
  /** What was kept or passed over because it is not modelled, and what had to be assumed, in plain words. */
  readonly notes: readonly NoteRecord[]
  /** Files of Kubernetes objects, for cluster/ to read. */
  readonly kubernetes: readonly ImportFile[]
  /** Files that were recognised and could not be read. What they would have said is missing from the records. */
  readonly errors: readonly ImportError[]
}

/**
 * Builds a node's namespaces from what people publish of it: the output of ip, bridge, brctl, iptables-save, conntrack, ss,
 * sysctl, ipset, in any number of files, told apart by content and name. A folder is a namespace of its own; beside a folder
 * `host` the others are namespaces on that host, otherwise each is a node. `name` is what the node is called where the files
 * do not say.
 */
export function importNode(files: readonly ImportFile[], name = 'node1'): ImportedNode {
  const kubernetes: ImportFile[] = []
  const groups = new Map<string, NamedText[]>()
  const prefix = commonFolder(files.map((f) => f.name))
  for (const file of files) {
    const kind = textKind(file.text)
    if (kind === 'kubernetes') {
      kubernetes.push(file)
      continue
    }
    const folder = folderOf(file.name.slice(prefix.length))
    const group = groups.get(folder)
    const named = { name: file.name, kind, text: file.text }
    if (group) group.push(named)
    else groups.set(folder, [named])
  }
  foldIn(groups)

  const host = [...groups.keys()].find((g) => g === 'host' || g.endsWith('/host'))
  const netnses: NetnsRecord[] = []
  const records: WorldRecord[] = []
  const notes: NoteRecord[] = []
  const errors: ImportError[] = []
  const ordered = [...groups].sort(([a], [b]) => Number(b === host) - Number(a === host))
  for (const [folder, texts] of ordered) {
    const own = folder === '' || folder === host ? name : folder.slice(folder.lastIndexOf('/') + 1)
    const isNode = host === undefined || folder === host
    const netns: NetnsRecord = {
      kind: 'netns',
      id: netnsId(own),
      name: own,
      role: isNode ? 'node' : 'pod',
      ...(isNode ? {} : { node: netnsId(name) }),
      origin: IMPORT,
    }
    let n = 0
    const note = (what: string, where?: string) => {
      n++
      notes.push({
        kind: 'note',
        id: noteId(own, n),
        netns: netns.id,
        what,
        ...(where === undefined ? {} : { where }),
        origin: IMPORT,
      })
    }
    netnses.push(netns)
    const made = importNamespace(own, texts, note)
    records.push(netns, ...made.records)
    errors.push(...made.errors)
  }
  const connected = host === undefined ? records : connectNamespaces(records)
  return { netnses, records: connected, notes, kubernetes, errors }
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

function commonFolder(names: readonly string[]): string {
  let prefix = names[0] === undefined ? '' : names[0].slice(0, names[0].lastIndexOf('/') + 1)
  while (prefix !== '' && !names.every((n) => n.startsWith(prefix))) {
    prefix = prefix.slice(0, prefix.lastIndexOf('/', prefix.length - 2) + 1)
  }
  return prefix
}

/** A folder that holds no devices, routes or rules of its own (a debug session, notes) belongs to the namespace above it. */
function foldIn(groups: Map<string, NamedText[]>): void {
  const stands = (texts: readonly NamedText[]) =>
    texts.some((t) => ['ip-addr', 'ip-route', 'iptables-save', 'iptables-S', 'brctl', 'bridge-fdb'].includes(t.kind))
  const main = groups.get('') ?? groups.get('host')
  for (const [folder, texts] of [...groups]) {
    if (texts === main || stands(texts)) continue
    groups.delete(folder)
    if (main) main.push(...texts)
  }
  if (groups.size === 0) groups.set('', [])
  // Loose files beside folders that stand for themselves (a README, kubectl tables) are no namespace.
  const loose = groups.get('')
  if (loose && groups.size > 1 && !stands(loose)) groups.delete('')
}
