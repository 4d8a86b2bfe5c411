// Paths inside a document, as every error names them: `objects[3].spec.nodeName`, `overrides["pod/client"].sysctl`.

export type PathKey = string | number

const PLAIN = /^[A-Za-z_$][\w-]*$/

export function formatPath(keys: readonly PathKey[]): string {
  let out = ''
  for (const k of keys) {
    if (typeof k === 'number') out += `[${k}]`
    else if (!PLAIN.test(k)) out += `[${JSON.stringify(k)}]`
    else out += out === '' ? k : `.${k}`
  }
  return out
}

/** The keys of a path. Text that is no path gives the keys up to where it stops being one. */
export function parsePath(text: string): PathKey[] {
  const keys: PathKey[] = []
  const token = /\.?([A-Za-z_$][\w-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y
  while (token.lastIndex < text.length) {
    const m = token.exec(text)
    if (m === null) break
    if (m[1] !== undefined) keys.push(m[1])
    else if (m[2] !== undefined) keys.push(Number(m[2]))
    else if (m[3] !== undefined) keys.push(unquote(m[3]))
  }
  return keys
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(text))
  } catch {
    return text
  }
}
