// A key named __proto__ is an own property when a parser makes it, and a prototype when somebody copies it with `o[k] = v`.
// No manifest needs one, so input that has one is refused whole.

/** Walks the values only when the text could spell the key, escapes included. */
export function hasForbiddenKey(text: string, values: readonly unknown[]): boolean {
  if (!/__proto__|\\u005[fF]|\\x5[fF]/.test(text)) return false
  const seen = new Set<object>()
  const stack: unknown[] = [...values]
  while (stack.length > 0) {
    const value = stack.pop()
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    if (Object.hasOwn(value, '__proto__')) return true
    stack.push(...Object.values(value))
  }
  return false
}
