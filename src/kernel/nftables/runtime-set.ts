import { ipv6OfDigits } from '../../net/ipv6-value.ts'
import type { TraceRecorder } from '../../trace/recorder.ts'
import type { NftElement, NftValue } from '../../world/nft.ts'
import type { NftSetRecord } from '../../world/records.ts'
import { type Loaded, SetIndex } from './set.ts'

/** A named set of a namespace: its record, and the index that lookups use. Rules may add to it (nft_dynset). */
export class RuntimeSet {
  record: NftSetRecord
  readonly index: SetIndex
  readonly #rec: TraceRecorder

  constructor(record: NftSetRecord, rec: TraceRecorder) {
    this.record = record
    this.#rec = rec
    this.index = new SetIndex(record.elements, record.type.length)
  }

  /**
   * nft_dynset_eval(): `update` gives an element that is there its whole time anew, `add` leaves it. The change belongs to the
   * step last written. A set that is full stays as it is.
   */
  add(key: readonly Loaded[], o: { readonly update: boolean; readonly timeout: number | undefined; readonly now: number }): void {
    const known = this.index.find(key, o.now)
    if (known !== undefined && (!o.update || known.expires === undefined)) return
    const timeout = o.timeout ?? this.record.timeout
    const element: NftElement = {
      key: known?.key ?? key.map((v, i) => asValue(v, this.record.type[i])),
      ...(o.timeout === undefined || o.timeout === this.record.timeout ? {} : { timeout: o.timeout }),
      ...(timeout === undefined ? {} : { expires: o.now + timeout }),
    }
    const others = this.record.elements.filter((e) => e !== known && (e.expires === undefined || e.expires > o.now))
    if (known === undefined && this.record.size !== undefined && others.length >= this.record.size) return
    this.index.put(key, element)
    this.#write(known === undefined ? [...others, element] : this.record.elements.map((e) => (e === known ? element : e)))
  }

  delete(key: readonly Loaded[], now: number): void {
    const known = this.index.find(key, now)
    if (known === undefined) return
    this.index.delete(key)
    this.#write(this.record.elements.filter((e) => e !== known))
  }

  #write(elements: readonly NftElement[]): void {
    const to: NftSetRecord = { ...this.record, elements }
    this.#rec.change({ id: this.record.id, from: this.record, to })
    this.record = to
  }
}

function asValue(v: Loaded, type: string | undefined): NftValue {
  if (typeof v === 'number') return { kind: 'number', value: v }
  return type === 'ipv6_addr' ? { kind: 'text', text: ipv6OfDigits(v), ip6: { from: v, to: v } } : { kind: 'text', text: v }
}
