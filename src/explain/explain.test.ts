import { describe, expect, it } from 'vitest'
import { STEP } from '../trace/columns.ts'
import { TraceReader } from '../trace/reader.ts'
import type { Step } from '../trace/step.ts'
import { recordServiceTrace } from '../trace/testing.ts'
import { Timeline } from '../trace/timeline.ts'
import { noteId } from '../world/ids.ts'
import type { NoteRecord } from '../world/records.ts'
import { describeNote, explainExchange, explainHop, explainStep, explainVerdict } from './explain.ts'
import { type Lang, plain, say } from './sentence.ts'

const reader = new TraceReader(recordServiceTrace())
const timeline = new Timeline(reader)
const stepText = (find: (step: Step) => boolean, lang: Lang = 'en') => {
  for (let s = 0; s < reader.length; s++) if (find(reader.step(s))) return plain(explainStep(reader, timeline, s, lang))
  throw new Error('no such step')
}

describe('a sentence for a step', () => {
  it('says whose rule rewrites, for which Service, and which endpoint it is', () => {
    const dnat = (s: Step) => s.kind === 'rewrite' && s.field === 'ip.dst'
    expect(stepText(dnat)).toBe(
      "kube-proxy's rule for Service default/web rewrites the destination: 10.96.0.10:80 → 10.244.2.7:8080. Endpoint 1 of 2 was chosen (probability 0.5). conntrack remembers it, so every later packet, and the reply, follows without asking these rules again.",
    )
    expect(stepText(dnat, 'zh')).toBe(
      'kube-proxy 为 Service default/web 写下的规则改写目的地址：10.96.0.10:80 → 10.244.2.7:8080。选中的是 2 个端点中的第 1 个（概率 0.5）。conntrack 会记住这一点，因此之后的每个包以及回包都照此处理，不再询问这些规则。',
    )
  })

  it('says what a chain of kube-proxy is for', () => {
    expect(stepText((s) => s.kind === 'rule' && s.rule.includes('KUBE-SERVICES'))).toBe(
      'kube-proxy: 10.96.0.10 is the cluster IP of Service default/web, so the chain that holds its endpoints decides. (nat KUBE-SERVICES 2; 2 rules tried)',
    )
  })

  it('says why a route won', () => {
    expect(stepText((s) => s.kind === 'route' && s.purpose === 'input')).toBe(
      'The longest matching prefix for 10.244.2.7 is 10.244.2.0/24 via 192.168.1.12 dev eth0: the packet goes via 192.168.1.12 through eth0.',
    )
    expect(stepText((s) => s.kind === 'route' && s.purpose === 'output')).toBe(
      'No route is more specific than the default one, so the packet for 10.96.0.10 goes via 10.244.1.1 through eth0.',
    )
  })

  it('links what it names: objects, records, and old and new values', () => {
    const seq = Array.from({ length: reader.length }, (_, i) => i).find(
      (s) => reader.kindOf(s) === STEP.rewrite && plain(explainStep(reader, timeline, s, 'en')).includes('Service'),
    )
    const spans = explainStep(reader, timeline, seq ?? -1, 'en')
    expect(spans).toContainEqual({ kind: 'object', objectKind: 'Service', namespace: 'default', name: 'web' })
    expect(spans).toContainEqual({ kind: 'change', from: '10.96.0.10:80', to: '10.244.2.7:8080' })
  })

  it('exists for every step in both languages, whole and with a full stop', () => {
    for (let s = 0; s < reader.length; s++) {
      const en = plain(explainStep(reader, timeline, s, 'en'))
      const zh = plain(explainStep(reader, timeline, s, 'zh'))
      expect(en).toMatch(/^\S.*[.)]$/)
      expect(zh).toMatch(/[。）]$/)
      expect(`${en}${zh}`).not.toMatch(/undefined|\[object|NaN| {2}/)
    }
  })
})

describe('a sentence for a hop', () => {
  it('tells the decisions of one place in order', () => {
    const hop = reader.hops.hop(8)
    const text = plain(explainHop(reader, timeline, hop, 'en'))
    expect(text.indexOf('Endpoint 1 of 2')).toBeLessThan(text.indexOf('longest matching prefix'))
    expect(text).toMatch(/The packet waits in node1 until 192\.168\.1\.12 has said which MAC address it has\.$/)
  })
})

describe('a sentence for the verdict', () => {
  it('names what the command saw and the missing entry behind it', () => {
    expect(plain(explainVerdict(reader, timeline, 0, 'en'))).toBe(
      'curl http://10.96.0.10/ failed with EHOSTUNREACH: no way to the host: "No route to host". node1 drops the packet (SKB_DROP_REASON_NEIGH_FAILED): the next hop did not answer ARP, so there is no MAC address to send it to. 192.168.1.12 did not answer any ARP request on eth0: nobody there has that address. Nothing in the cluster has the address 192.168.1.12.',
    )
    expect(plain(explainVerdict(reader, timeline, 0, 'zh'))).toContain('集群中没有谁拥有地址 192.168.1.12。')
  })
})

describe('small words', () => {
  it('label exchanges and notes in both languages', () => {
    expect(explainExchange({ kind: 'tcp-handshake' }, 'zh')).toBe('TCP 握手')
    const note: NoteRecord = {
      kind: 'note',
      id: noteId('node1', 1),
      what: '-m u32',
      where: 'iptables line 7',
      origin: { component: 'import' },
    }
    expect(plain(describeNote(note, 'en'))).toBe(
      'Kept but not modelled yet, in iptables line 7: -m u32. A packet that meets it ends undetermined.',
    )
  })

  it('join text around spans and leave out what is not there', () => {
    expect(say`a${undefined}b${1} ${{ kind: 'text', text: 'c' }}`).toEqual([{ kind: 'text', text: 'ab1 c' }])
  })
})
