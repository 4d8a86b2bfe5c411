// A rewrite inside a packet's bytes (the datagram that an ICMP error quotes) is one `rewrite` row whose detail says which
// bytes changed: `offset:old>new` in hex, several separated by a space. So the reader can do it again, and undo it.

const hex = (bytes: Uint8Array) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')

/** Describes how `after` differs from `before` (equal lengths), for the detail of a `payload` rewrite. */
export function payloadEdit(before: Uint8Array, after: Uint8Array): string {
  if (before.length !== after.length) throw new Error('a payload rewrite keeps the length')
  const edits: string[] = []
  for (let i = 0; i < after.length; i++) {
    if (before[i] === after[i]) continue
    const start = i
    while (i < after.length && before[i] !== after[i]) i++
    edits.push(`${start}:${hex(before.subarray(start, i))}>${hex(after.subarray(start, i))}`)
  }
  return edits.join(' ')
}

/** One changed run of bytes. */
interface PayloadChange {
  readonly offset: number
  readonly from: Uint8Array
  readonly to: Uint8Array
}

/** The inverse of `payloadEdit`. Words that are no edit are skipped: a detail may say more. */
function parsePayloadEdit(detail: string): readonly PayloadChange[] {
  const out: PayloadChange[] = []
  for (const word of detail.split(' ')) {
    const m = /^(\d+):((?:[0-9a-f]{2})+)>((?:[0-9a-f]{2})+)$/.exec(word)
    if (m === null) continue
    out.push({ offset: Number(m[1]), from: unhex(m[2] ?? ''), to: unhex(m[3] ?? '') })
  }
  return out
}

const unhex = (s: string) => Uint8Array.from({ length: s.length / 2 }, (_, i) => Number.parseInt(s.slice(2 * i, 2 * i + 2), 16))

/** The payload after the edit; the argument is left alone. */
export function applyPayloadEdit(payload: Uint8Array, detail: string): Uint8Array {
  const out = payload.slice()
  for (const { offset, to } of parsePayloadEdit(detail)) out.set(to.subarray(0, Math.max(0, out.length - offset)), offset)
  return out
}
