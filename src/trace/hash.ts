import type { WorldRecord } from '../world/records.ts'
import type { Trace } from './trace.ts'

/** Two independent 32-bit lanes over 32-bit words (the mixing steps of MurmurHash3, Appleby 2008): quick, and 64 bits wide. */
class Hash64 {
  #a = 0x9747b28c
  #b = 0x1b873593
  #words = 0

  word(w: number): void {
    let k = Math.imul(w, 0xcc9e2d51)
    k = (k << 15) | (k >>> 17)
    const x = this.#a ^ Math.imul(k, 0x1b873593)
    this.#a = (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0
    this.#b = Math.imul(this.#b ^ w, 0x01000193) ^ (this.#b >>> 15) ^ this.#a
    this.#words++
  }

  text(s: string): void {
    this.word(s.length)
    for (let i = 0; i < s.length; i++) this.word(s.charCodeAt(i))
  }

  ints(list: Int32Array | Uint8Array): void {
    this.word(list.length)
    for (let i = 0; i < list.length; i++) this.word(list[i] as number)
  }

  floats(list: Float64Array): void {
    this.word(list.length)
    // As two words each, whatever the machine's byte order.
    const cell = new DataView(new ArrayBuffer(8))
    for (let i = 0; i < list.length; i++) {
      cell.setFloat64(0, list[i] as number)
      this.word(cell.getInt32(0))
      this.word(cell.getInt32(4))
    }
  }

  digest(): string {
    const finish = (h: number) => {
      h ^= this.#words
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
      return ((h ^ (h >>> 16)) >>> 0).toString(16).padStart(8, '0')
    }
    return finish(this.#a) + finish(this.#b)
  }
}

/**
 * 64 bits over everything a trace holds, as 16 hex digits: equal for equal traces in every JavaScript engine. For comparing
 * runs, not against an adversary.
 */
export function traceHash(trace: Trace): string {
  const h = new Hash64()
  const record = (r: WorldRecord | undefined) => h.text(r === undefined ? '' : JSON.stringify(r))
  for (const r of trace.initial.values()) record(r)
  const e = trace.events
  h.floats(e.t)
  for (const column of [e.kind, e.cause, e.packet, e.netns, e.device, e.a, e.b, e.c, e.d]) h.ints(column)
  for (const list of [trace.refs, trace.texts]) {
    h.word(list.length)
    for (const s of list) h.text(s)
  }
  h.ints(trace.deltas.seq)
  for (const d of trace.deltas.deltas) {
    h.text(d.id)
    record(d.to)
  }
  h.ints(trace.cells.seq)
  h.ints(trace.cells.ref)
  h.ints(trace.cells.field)
  h.floats(trace.cells.value)
  h.ints(trace.packets.rows)
  for (const bytes of trace.packets.options) h.ints(bytes)
  for (const bytes of trace.packets.payloads) h.ints(bytes)
  h.text(JSON.stringify(trace.journeys))
  h.text(trace.truncated ?? '')
  return h.digest()
}
