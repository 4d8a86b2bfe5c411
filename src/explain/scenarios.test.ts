import { describe, expect, it } from 'vitest'
import { playOf } from '../cluster/play.ts'
import { LIBRARY } from '../library/index.ts'
import { run } from '../sim/run.ts'
import { TraceReader } from '../trace/reader.ts'
import { Timeline } from '../trace/timeline.ts'
import { explainHop, explainStep, explainVerdict } from './explain.ts'
import { plain, type Sentence } from './sentence.ts'

function play(id: string) {
  const document = LIBRARY.find((e) => e.id === id)?.document
  const play = document === undefined ? undefined : playOf(document)
  if (document === undefined || play?.ok !== true) throw new Error(`${id} cannot be built`)
  const reader = new TraceReader(run(play.value.world, play.value.journeys, { seed: document.seed, changes: play.value.changes }))
  const timeline = new Timeline(reader)
  return { reader, timeline, verdict: (n = 0, lang: 'en' | 'zh' = 'en') => plain(explainVerdict(reader, timeline, n, lang)) }
}

/** What we say ourselves: what a program printed and what a tool writes has its own spaces and full stops. */
const prose = (sentence: Sentence): string =>
  plain(sentence.map((span) => (span.kind === 'code' ? { ...span, text: '□' } : span)))

describe.each(LIBRARY.map((e) => e.id))('%s', (id) => {
  it('has a whole sentence for every step, hop and verdict in both languages', () => {
    const { reader, timeline } = play(id)
    const whole = (en: Sentence, zh: Sentence) => {
      expect(plain(en)).toMatch(/^\S.*[.)]$/s)
      expect(plain(zh)).toMatch(/^\S.*[。）]$/s)
      expect(`${prose(en)}${prose(zh)}`).not.toMatch(/undefined|\[object|NaN| {2}| \.| 。|\b1 rules/)
    }
    for (let s = 0; s < reader.length; s++) {
      whole(explainStep(reader, timeline, s, 'en'), explainStep(reader, timeline, s, 'zh'))
    }
    for (let h = 0; h < reader.hops.length; h++) {
      const hop = reader.hops.hop(h)
      whole(explainHop(reader, timeline, hop, 'en'), explainHop(reader, timeline, hop, 'zh'))
    }
    reader.trace.journeys.forEach((_, n) => {
      whole(explainVerdict(reader, timeline, n, 'en'), explainVerdict(reader, timeline, n, 'zh'))
    })
  })
})

describe('what is broken is named', () => {
  it('ip_forward=0: the sysctl, and that nobody told the sender', () => {
    const text = play('broken-ip-forward').verdict()
    expect(text).toContain('net.ipv4.ip_forward=0 decided it.')
    expect(text).toContain('Nobody told the sender')
  })

  it('no endpoints: the Service and the rule', () => {
    const text = play('broken-no-endpoints').verdict()
    expect(text).toContain('ECONNREFUSED: the connection was refused.')
    expect(text).toMatch(/The rule filter KUBE-SERVICES \d+ decided it: Service default\/web has no ready endpoint/)
  })

  it('a backend that is gone: the address that nobody has, and the Service that still lists it', () => {
    const text = play('broken-endpoint-gone').verdict()
    expect(text).toMatch(
      /Service default\/web still lists 10\.244\.\d\.\d+ as an endpoint, but nothing in the cluster has that address\.$/,
    )
  })

  it('bridge-nf-call-iptables=0: the reply that nobody translated back', () => {
    const text = play('broken-bridge-nf').verdict()
    expect(text).toContain('net.bridge.bridge-nf-call-iptables=0')
    expect(text).toContain('expected 10.96.0.10:80')
  })

  it('a taken port: who holds it, and that containers of a pod share their ports', () => {
    expect(play('two-containers').verdict(1)).toBe(
      'nc -l 8080 failed with EADDRINUSE: the port is taken already. httpd listens there already (tcp 0.0.0.0:8080): the containers of a pod share one network namespace, and so one set of ports.',
    )
  })

  it('and what works names the endpoint that answered', () => {
    const flagship = play('pod-to-service-remote')
    expect(flagship.verdict()).toMatch(
      /sent it from Service default\/web to an endpoint, Pod default\/web-\w \(10\.96\.0\.10:80 → 10\.244\.2\.\d:8080\)/,
    )
    expect(flagship.verdict(0, 'zh')).toContain('conntrack 在每个回包中恢复原来的地址。')
  })
})
