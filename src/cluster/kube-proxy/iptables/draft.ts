import { assertNever } from '../../../base/assert-never.ts'
import type { TableName } from '../../../world/netfilter.ts'
import type { Origin } from '../../../world/records.ts'
import type { LocalDetector } from '../config.ts'
import { type Argument, fromCidr, type GeneratedRule, type GeneratedTable, inInterface, rule } from '../rule.ts'
import type { ProxyServicePort } from '../service-map.ts'

export const MASQ = 'KUBE-MARK-MASQ'

export const made = (detail: string, port?: ProxyServicePort): Origin => ({
  component: 'kube-proxy',
  ...(port === undefined ? {} : { object: { kind: 'Service', namespace: port.namespace, name: port.service } }),
  detail,
})

/** A table as it grows. */
export class TableDraft {
  readonly #table: TableName
  readonly #chains: { name: string; origin: Origin }[] = []
  readonly #rules: GeneratedRule[] = []
  readonly #rule: typeof rule
  constructor(table: TableName, write: typeof rule = rule) {
    this.#table = table
    this.#rule = write
  }
  chain(name: string, origin: Origin): void {
    this.#chains.push({ name, origin })
  }
  add(chain: string, origin: Origin, ...args: readonly Argument[]): void {
    this.#rules.push(this.#rule(chain, origin, ...args))
  }
  done(removed: readonly string[] = []): GeneratedTable {
    const table = { table: this.#table, chains: this.#chains, rules: this.#rules }
    return removed.length === 0 ? table : { ...table, removed }
  }
}

/** IfLocal and IfNotLocal of the detector. Undefined: it cannot tell. */
export function ifLocal(detector: LocalDetector, invert = false): Argument | undefined {
  switch (detector.kind) {
    case 'none':
      return undefined
    case 'cidr':
      return fromCidr(detector.cidr, invert)
    case 'bridge-interface':
      return inInterface(detector.name, { invert })
    case 'interface-name-prefix':
      return inInterface(detector.prefix, { invert, prefix: true })
    default:
      return assertNever(detector)
  }
}
