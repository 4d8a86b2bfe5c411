import { describe, expect, it } from 'vitest'
import { labScript } from '../../../lab/script.ts'
import { recordServiceTrace } from '../../../trace/testing.ts'
import { fileNameOf, headOf } from './script-head.ts'

const trace = recordServiceTrace()

describe('what the page says of a lab script', () => {
  it('is what the script says of itself', () => {
    const head = headOf(labScript(trace.initial, [{ from: 'pod/client', run: 'curl http://10.96.0.10/' }], { trace }))
    expect(head.needs).toEqual(expect.arrayContaining(['ip', 'tcpdump', 'iptables', 'curl']))
    expect(head.namespaces).toBe([...trace.initial.values()].filter((r) => r.kind === 'netns').length)
  })

  it('names the file after the scenario, whatever its title is written in', () => {
    expect(fileNameOf('Broken: ip_forward is off')).toBe('hopscope-broken-ip-forward-is-off.sh')
    expect(fileNameOf('跨节点')).toBe('hopscope-lab.sh')
  })
})
