/** Ends every switch over a union, so that a new member is a compile error and a stray value is a loud bug. */
export function assertNever(value: never, what = 'value'): never {
  throw new Error(`unexpected ${what}: ${JSON.stringify(value)}`)
}
