import { formatSpec, parseIptablesSave, toRecords } from '../linux/iptables-save.ts'
import type { TextError } from '../linux/text.ts'
import type { InputError, Override } from '../scenario/document.ts'
import { netnsId, type RecordId, sysctlId } from '../world/ids.ts'
import type { Origin, WorldRecord } from '../world/records.ts'
import { inputError, listed } from './errors.ts'

type Records = Map<RecordId, WorldRecord>

/** Replaces, namespace by namespace, what was generated with what the document says. Errors name the override and its line. */
export function applyOverrides(records: Records, overrides: Readonly<Record<string, Override>>): InputError[] {
  const errors: InputError[] = []
  for (const [netns, override] of Object.entries(overrides)) {
    if (!records.has(netnsId(netns))) {
      const places = [...records.values()].flatMap((r) => (r.kind === 'netns' ? [r.name] : []))
      errors.push(inputError(`overrides.${netns}`, `there is no place "${netns}"; expected ${listed(places)}`))
      continue
    }
    applyOverride({ records, netns, errors }, override)
  }
  return errors
}

interface Target {
  readonly records: Records
  readonly netns: string
  readonly errors: InputError[]
}

function applyOverride(target: Target, override: Override): void {
  if (override.sysctl !== undefined) replaceSysctls(target, override.sysctl)
  if (override.iptables !== undefined) replaceTables(target, override.iptables)
}

const originOf = (netns: string, field: string): Origin => ({ component: 'user', detail: `overrides.${netns}.${field}` })

const refuse = ({ netns, errors }: Target, field: keyof Override, e: TextError): void => {
  const found = e.found === '' ? 'nothing' : `"${e.found}"`
  errors.push(
    inputError(`overrides.${netns}.${field}`, `line ${e.line} of this ${e.tool} text: found ${found}; expected ${e.expected}`),
  )
}

/** Keys that were not generated are added. `net/ipv4/ip_forward` is the same key as `net.ipv4.ip_forward`, as sysctl(8) takes both. */
function replaceSysctls({ records, netns }: Target, values: Readonly<Record<string, string>>): void {
  for (const [written, value] of Object.entries(values)) {
    const slash = written.indexOf('/')
    const dot = written.indexOf('.')
    const key = slash >= 0 && (dot < 0 || slash < dot) ? swapSeparators(written) : written
    const id = sysctlId(netns, key)
    records.set(id, { kind: 'sysctl', id, netns: netnsId(netns), key, value, origin: originOf(netns, 'sysctl') })
  }
}

/** With slashes as separators, a dot belongs to a name (`eth0.100`), and the kernel's dotted form has a slash there. */
const swapSeparators = (key: string): string => key.replace(/[./]/g, (c) => (c === '/' ? '.' : '/'))

/** The tables that the text names are replaced whole. A rule that was generated just so keeps saying which object it is from. */
function replaceTables(target: Target, text: string): void {
  const { records, netns } = target
  const parsed = parseIptablesSave(text)
  if (!parsed.ok) {
    refuse(target, 'iptables', parsed.error)
    return
  }
  const origins = new Map<string, Origin>()
  for (const r of [...records.values()]) {
    if ((r.kind !== 'rule' && r.kind !== 'chain') || r.netns !== netnsId(netns) || !parsed.value.tables.has(r.table)) continue
    origins.set(r.kind === 'chain' ? `${r.table}/${r.name}` : `${r.table}/${r.chain}${formatSpec(r.spec)}`, r.origin)
    records.delete(r.id)
  }
  const mine = originOf(netns, 'iptables')
  const made = toRecords(netns, parsed.value, (table, chain, rule) => {
    const known = origins.get(`${table}/${chain}${rule === undefined ? '' : formatSpec(rule.spec)}`)
    return known ?? { ...mine, detail: rule === undefined ? `${mine.detail}` : `${mine.detail} line ${rule.line}` }
  })
  for (const r of made) records.set(r.id, r)
}
