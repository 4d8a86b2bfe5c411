import { describe, expect, it } from 'vitest'
import { scenarioRun } from '../lab/testing/scenarios.ts'
import { TraceReader } from '../trace/reader.ts'
import type { Step } from '../trace/step.ts'
import { formatTrace } from '../trace/text.ts'
import { Timeline } from '../trace/timeline.ts'
import { explainStep } from './explain.ts'
import { type Lang, plain } from './sentence.ts'

function sentences(id: string) {
  const reader = new TraceReader(scenarioRun(id).trace)
  const timeline = new Timeline(reader)
  const first = (find: (step: Step) => boolean, lang: Lang = 'en') => {
    for (let s = 0; s < reader.length; s++) if (find(reader.step(s))) return plain(explainStep(reader, timeline, s, lang))
    throw new Error('no such step')
  }
  return { reader, first }
}

describe('a tunnel in words', () => {
  const { reader, first } = sentences('vxlan-flannel')

  it('says which entry sent the frame where, and what is made of it', () => {
    const into = (s: Step) => s.kind === 'encapsulate'
    expect(first(into)).toBe(
      'flannel.1 knows that 0e:00:0a:f4:02:00 is behind the remote end 192.168.1.12 (fdb 0e:00:0a:f4:02:00 dev flannel.1 dst 192.168.1.12). It puts the whole frame into a UDP datagram to that address, with a VXLAN header that names network 1.',
    )
    expect(first(into, 'zh')).toBe(
      'flannel.1 知道 0e:00:0a:f4:02:00 在对端 192.168.1.12 之后（fdb 0e:00:0a:f4:02:00 dev flannel.1 dst 192.168.1.12）。它把整个帧装进发往该地址的 UDP 数据报，并加上写有网络编号 1 的 VXLAN 首部。',
    )
  })

  it('says whose frame comes out at the other end', () => {
    const out = (s: Step) => s.kind === 'decapsulate'
    expect(first(out)).toBe(
      'A UDP datagram for the kernel’s own VXLAN socket of node2: VNI 1 belongs to flannel.1, which gets the frame that 192.168.1.11 put inside.',
    )
    expect(first(out, 'zh')).toBe(
      '这是发给 node2 内核自己的 VXLAN 套接字的 UDP 数据报：VNI 1 属于 flannel.1，由它取出 192.168.1.11 装入的帧。',
    )
  })

  it('says what a tunnel learns, and what becomes of a frame that it has no entry for', () => {
    expect(sentences('vxlan-learning').first((s) => s.kind === 'bridge.learn' && s.fdb.includes('/vx0/'))).toBe(
      'vx0 learns from what arrived that 0e:00:0a:63:00:01 is behind the remote end 192.168.1.11.',
    )
    expect(sentences('vxlan-no-fdb-entry').first((s) => s.kind === 'drop')).toContain(
      'there is nowhere to send it: no port of the bridge, or no remote end of the tunnel, is known for it',
    )
  })

  it('is readable in the text of the trace: what goes in, what it travels in, what comes out', () => {
    const lines = formatTrace(reader).split('\n')
    const at = lines.findIndex((l) => l.includes('encapsulated in vni'))
    expect(lines.slice(at, at + 2).map((l) => l.replace(/^ +[\d.]+ +/, '').replace(/:\d{5} /, ':PORT '))).toEqual([
      '#0  node1 flannel.1          encapsulated in vni 1 to 192.168.1.12',
      '#3 UDP 192.168.1.11:PORT > 192.168.1.12:8472 VXLAN vni 1: ICMP echo request id 1 seq 1',
    ])
    expect(lines.some((l) => /#3 +node2 +.*INPUT.* · decapsulated into flannel\.1$/.test(l))).toBe(true)
  })
})
