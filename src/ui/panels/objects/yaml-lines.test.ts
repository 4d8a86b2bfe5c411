import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { yamlLines } from './yaml-lines.ts'

const text = (value: unknown, filled: readonly string[] = []) =>
  yamlLines(value, filled)
    .map((l) => '  '.repeat(l.depth) + l.text + (l.filled ? '  # filled' : ''))
    .join('\n')

describe('a manifest as lines', () => {
  it('reads as kubectl prints it', () => {
    const pod = {
      kind: 'Pod',
      metadata: { name: 'web-a', labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', ports: [{ containerPort: 8080 }, { containerPort: 9090 }] }], hostNetwork: false },
    }
    expect(text(pod)).toBe(
      [
        'kind: Pod',
        'metadata:',
        '  name: web-a',
        '  labels:',
        '    app: web',
        'spec:',
        '  containers:',
        '    - name: c',
        '      ports:',
        '        - containerPort: 8080',
        '        - containerPort: 9090',
        '  hostNetwork: false',
      ].join('\n'),
    )
  })

  it('marks what was filled in, and everything below it', () => {
    const pod = { status: { podIP: '10.244.1.2', podIPs: [{ ip: '10.244.1.2' }] }, spec: { nodeName: 'node1' } }
    expect(text(pod, ['status.podIPs', 'status.podIP'])).toBe(
      [
        'status:',
        '  podIP: "10.244.1.2"  # filled',
        '  podIPs:  # filled',
        '    - ip: "10.244.1.2"  # filled',
        'spec:',
        '  nodeName: node1',
      ].join('\n'),
    )
  })

  it('is YAML that says the same', () => {
    const key = fc.stringMatching(/^[a-z][a-zA-Z]{0,8}$/)
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 3 }),
      ),
    })).value
    fc.assert(
      fc.property(fc.dictionary(key, json, { minKeys: 1, maxKeys: 3 }), (value) => {
        expect(parse(text(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
      { numRuns: 200 },
    )
  })
})
