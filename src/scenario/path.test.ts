import fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatPath, parsePath } from './path.ts'

it('writes paths as errors name them', () => {
  expect(formatPath(['objects', 3, 'spec', 'nodeName'])).toBe('objects[3].spec.nodeName')
  expect(formatPath(['overrides', 'pod/client', 'sysctl', 'net.ipv4.ip_forward'])).toBe(
    'overrides["pod/client"].sysctl["net.ipv4.ip_forward"]',
  )
})

it('reads back every path that it writes', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.nat())), (keys) => {
      expect(parsePath(formatPath(keys))).toEqual(keys)
    }),
  )
})
