import type { NftTable } from './table.ts'
import type { NftObject, Transaction } from './transaction.ts'

/** The elements of one of kube-proxy's own sets or maps, as it remembers them from sync to sync (nftElementStorage). */
export class Elements {
  readonly container: string
  readonly #known = new Map<string, { value: string; key: readonly string[] }>()
  #unused = new Set<string>()

  constructor(container: string) {
    this.container = container
  }

  /** A full sync begins with what is in the table: elements of an earlier kube-proxy stay where they are still right. */
  read(table: NftTable): void {
    this.#known.clear()
    for (const [id, { key, value }] of table.containers.get(this.container)?.elements ?? []) {
      this.#known.set(id, { value: value ?? '', key })
    }
  }

  /** Begins a sync: what is not ensured until `cleanUp` goes. */
  begin(): void {
    this.#unused = new Set(this.#known.keys())
  }

  /** Adds what is new, replaces what differs, leaves the rest alone. */
  ensure(tx: Transaction, key: readonly string[], value?: string, comment?: string): void {
    const id = key.join(' . ')
    const known = this.#known.get(id)
    this.#unused.delete(id)
    if (known !== undefined && known.value === (value ?? '')) return
    const element: NftObject = {
      kind: 'element',
      container: this.container,
      key,
      ...(value === undefined ? {} : { value }),
      ...(comment === undefined ? {} : { comment }),
    }
    // The value of an element cannot be changed in place.
    if (known !== undefined) tx.delete(element)
    tx.add(element)
    this.#known.set(id, { value: value ?? '', key })
  }

  cleanUp(tx: Transaction): void {
    for (const id of this.#unused) {
      tx.delete({ kind: 'element', container: this.container, key: this.#known.get(id)?.key ?? [] })
      this.#known.delete(id)
    }
    this.#unused.clear()
  }
}
