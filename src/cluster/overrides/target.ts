import type { TextError } from '../../linux/text.ts'
import type { InputError, Override } from '../../scenario/document.ts'
import { formatPath } from '../../scenario/path.ts'
import { deviceId, type NetnsId, netnsId, type RecordId } from '../../world/ids.ts'
import type { DeviceRecord, Origin, WorldRecord } from '../../world/records.ts'
import { inputError } from '../errors.ts'

/** One namespace whose records are being replaced. */
export class OverrideTarget {
  readonly name: string
  readonly netns: NetnsId
  readonly records: Map<RecordId, WorldRecord>
  readonly #errors: InputError[]

  constructor(records: Map<RecordId, WorldRecord>, name: string, errors: InputError[]) {
    this.records = records
    this.name = name
    this.netns = netnsId(name)
    this.#errors = errors
  }

  /** Records of a kind in this namespace, in order. */
  list<K extends WorldRecord['kind']>(kind: K): Extract<WorldRecord, { kind: K; netns?: unknown }>[] {
    const out: WorldRecord[] = []
    for (const r of this.records.values()) if (r.kind === kind && 'netns' in r && r.netns === this.netns) out.push(r)
    return out as Extract<WorldRecord, { kind: K; netns?: unknown }>[]
  }

  device(name: string): DeviceRecord | undefined {
    const d = this.records.get(deviceId(this.name, name))
    return d?.kind === 'device' ? d : undefined
  }

  put(record: WorldRecord): void {
    this.records.set(record.id, record)
  }

  remove(records: readonly WorldRecord[]): void {
    for (const r of records) this.records.delete(r.id)
  }

  origin(field: keyof Override, line?: number): Origin {
    const path = formatPath(['overrides', this.name, field])
    return { component: 'user', detail: line === undefined ? path : `${path} line ${line}` }
  }

  refuse(field: keyof Override, e: Omit<TextError, 'kind'>): void {
    const found = e.found === '' ? 'nothing' : `"${e.found}"`
    const message = `line ${e.line} of this ${e.tool} text: found ${found}; expected ${e.expected}`
    this.#errors.push(inputError(formatPath(['overrides', this.name, field]), message))
  }
}
