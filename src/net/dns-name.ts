import { get8 } from '../base/bytes.ts'
import { err, ok, type Result } from '../base/result.ts'

// Domain names (RFC 1035 section 3.1). In text they are absolute and end in a dot, with the escapes of section 5.1: `\.` for a
// dot inside a label, `\DDD` for bytes that do not print. Case is kept; comparisons ignore it.

/** Octets of a name on the wire, its root label included. */
const MAX_NAME = 255
const MAX_LABEL = 63
const POINTER = 0xc0

/** A name that cannot be: what was expected. */
export interface DnsNameError {
  readonly kind: 'dns-name'
  readonly expected: string
}

const nameError = (expected: string) => err<DnsNameError>({ kind: 'dns-name', expected })

/** The labels of a name in text, each as bytes. A missing dot at the end makes no difference. */
export function labelsOf(name: string): Result<readonly Uint8Array[], DnsNameError> {
  const labels: Uint8Array[] = []
  let label: number[] = []
  let total = 1
  if (name === '.' || name === '') return ok(labels)
  const end = (): boolean => {
    if (label.length === 0 || label.length > MAX_LABEL) return false
    total += label.length + 1
    labels.push(Uint8Array.from(label))
    label = []
    return true
  }
  for (let i = 0; i < name.length; i++) {
    const c = name.charAt(i)
    if (c === '.') {
      if (!end()) return nameError(`labels of 1 to ${MAX_LABEL} octets`)
    } else if (c === '\\') {
      const digits = /^\d{3}/.exec(name.slice(i + 1, i + 4))?.[0]
      const code = digits === undefined ? name.charCodeAt(i + 1) : Number(digits)
      if (Number.isNaN(code) || code > 255) return nameError('an escape of three digits up to 255')
      label.push(code)
      i += digits === undefined ? 1 : 3
    } else {
      const code = name.charCodeAt(i)
      if (code > 255) return nameError('ASCII')
      label.push(code)
    }
  }
  if (label.length > 0 && !end()) return nameError(`labels of 1 to ${MAX_LABEL} octets`)
  return total > MAX_NAME ? nameError(`at most ${MAX_NAME} octets`) : ok(labels)
}

/** Characters that end or begin something else in a master file. */
const SPECIAL = new Set(['.', '\\', '"', '(', ')', ';', '@', '$'].map((c) => c.charCodeAt(0)))

export function labelText(label: Uint8Array): string {
  let text = ''
  for (const byte of label) {
    if (SPECIAL.has(byte)) text += `\\${String.fromCharCode(byte)}`
    else if (byte <= 0x20 || byte > 0x7e) text += `\\${String(byte).padStart(3, '0')}`
    else text += String.fromCharCode(byte)
  }
  return text
}

/** `www.example.com.` of any spelling of it; undefined for what is no name. */
export function fqdn(name: string): string | undefined {
  const labels = labelsOf(name)
  return labels.ok ? `${labels.value.map(labelText).join('.')}.` : undefined
}

/** Names are equal whatever their case (RFC 4343). */
export const canonicalName = (name: string): string => name.toLowerCase()

/** The name's labels in text: `www.example.com.` → `www`, `example`, `com`. */
export function splitName(name: string): string[] {
  const labels = labelsOf(name)
  return labels.ok ? labels.value.map(labelText) : []
}

/** Is `name` the zone itself or below it? Both in canonical form. */
export const isSubdomain = (zone: string, name: string): boolean => zone === '.' || name === zone || name.endsWith(`.${zone}`)

/** `10.3.1.244` → `244.1.3.10.in-addr.arpa.`, from an address in text. */
export const reverseName = (address: string): string => `${address.split('.').reverse().join('.')}.in-addr.arpa.`

/** Reads a name at `at`, following compression pointers (RFC 1035 section 4.1.4); `next` is just past it. Undefined when malformed. */
export function readName(b: Uint8Array, at: number): { readonly name: string; readonly next: number } | undefined {
  const labels: string[] = []
  let next = -1
  let i = at
  let total = 1
  for (;;) {
    if (i >= b.length) return undefined
    const length = get8(b, i)
    if (length === 0) break
    if ((length & POINTER) === POINTER) {
      if (i + 2 > b.length) return undefined
      const target = ((length & 0x3f) << 8) | get8(b, i + 1)
      if (next < 0) next = i + 2
      // Pointers only ever go back, so that no message can send a reader round in circles.
      if (target >= i) return undefined
      i = target
      continue
    }
    if (length > MAX_LABEL || i + 1 + length > b.length) return undefined
    total += length + 1
    if (total > MAX_NAME) return undefined
    labels.push(labelText(b.subarray(i + 1, i + 1 + length)))
    i += 1 + length
  }
  return { name: `${labels.join('.')}.`, next: next < 0 ? i + 1 : next }
}

/** Writes names one after the other, each from where it begins in the message. */
export class NameWriter {
  /** Where each suffix was written first, by its labels in lower case; undefined writes every name in full. */
  readonly #seen: Map<string, number> | undefined

  constructor(compress: boolean) {
    this.#seen = compress ? new Map() : undefined
  }

  /** The bytes of `name` at offset `at`. Names that cannot be written become the root. */
  bytes(name: string, at: number): Uint8Array {
    const parsed = labelsOf(name)
    const labels = parsed.ok ? parsed.value : []
    const out: number[] = []
    for (let i = 0; i < labels.length; i++) {
      const suffix = labels.slice(i).map(labelText).join('.').toLowerCase()
      const known = this.#seen?.get(suffix)
      if (known !== undefined) {
        out.push(POINTER | (known >>> 8), known & 255)
        return Uint8Array.from(out)
      }
      // A pointer has 14 bits.
      if (at + out.length < 0x4000) this.#seen?.set(suffix, at + out.length)
      const label = labels[i] ?? new Uint8Array()
      out.push(label.length, ...label)
    }
    out.push(0)
    return Uint8Array.from(out)
  }
}
